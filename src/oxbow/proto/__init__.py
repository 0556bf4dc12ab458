"""Sans-IO protocol cores: bytes and time in, events and bytes out; no sockets, no clocks."""
