"""A small client of the running server's HTTP API, for the command line and the demo.

Programs of your own are better off with an official SDK: the API speaks their dialect.
"""

from oxbow.client.addresses import Reach, play_addresses, publish_address, publish_query
from oxbow.client.play_signature import play_query
from oxbow.client.queries import LiveStream, all_streams, hub_names, live_streams, stream_path
from oxbow.client.transport import Client, RefusedError, ServerUnreachableError, base_url, is_ready

__all__ = [
    "Client",
    "LiveStream",
    "Reach",
    "RefusedError",
    "ServerUnreachableError",
    "all_streams",
    "base_url",
    "hub_names",
    "is_ready",
    "live_streams",
    "play_addresses",
    "play_query",
    "publish_address",
    "publish_query",
    "stream_path",
]
