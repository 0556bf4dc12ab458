"""TLS in front of the gateways: a client's bytes are decrypted beside them, and they never know."""
