"""Media over HTTP: FLV, FLV over WebSocket, HLS."""
