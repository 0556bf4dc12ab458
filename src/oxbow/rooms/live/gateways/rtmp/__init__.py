"""RTMP: publish and play."""
