"""Publish and play addresses of a stream, as a person types them into an encoder or a player.

The forms are those of https://developer.qiniu.com/pili/api/3691/live-address, the signatures those of
https://developer.qiniu.com/pili/api/6678/push-the-current-authentication.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from oxbow.kernel.settings import KernelSettings, ListenAddress

RTMP_PORT = 1935
HTTP_PORT = 80
TLS_PORT = 443
"""What players take for https, wss and rtmps."""
WILDCARDS = {"0.0.0.0", "::"}


@dataclass(frozen=True)
class Reach:
    """Where encoders and players find a hub.

    :param host: the host to write into addresses where the hub has no domain of the right type.
    :param domains: the hub's domains by type; the first of each type counts.
    """

    host: str
    rtmp_port: int
    media_port: int
    domains: Mapping[str, str]
    rtmps_port: int | None = None
    media_tls_port: int | None = None
    """None where nothing listens."""
    certified: Collection[str] = ()
    """The types whose domain has a certificate."""

    @classmethod
    def of(cls, settings: KernelSettings, hub_info: Mapping[str, Any], host: str | None = None) -> Reach:
        """Read the ports from the settings and the domains from the API's answer about the hub."""
        first: dict[str, str] = {}
        for domain in hub_info["domains"]:
            first.setdefault(domain["type"], domain["domain"])
        listen = settings.rtmp_listen
        own = host or ("127.0.0.1" if listen.host in WILDCARDS else listen.host)
        rtmps, media_tls = settings.rtmps_listen, settings.media_tls_listen
        return cls(
            own,
            listen.port,
            settings.media_listen.port,
            first,
            rtmps.port if rtmps is not None else None,
            media_tls.port if media_tls is not None else None,
        )

    def with_certificates(self, infos: Mapping[str, Mapping[str, Any]]) -> Reach:
        """The same, knowing which of the domains can be reached over TLS; `infos` are the API's answers about
        them, by type."""
        return replace(self, certified=[kind for kind, info in infos.items() if info.get("certEnable")])

    def rtmp(self, kind: str) -> str:
        """`rtmp://host[:port]` for publishing (`publishRtmp`) or playing (`liveRtmp`); `rtmps` where it can
        be."""
        if self.rtmps_port and kind in self.certified:
            return f"rtmps://{self._authority(kind, self.rtmps_port, TLS_PORT)}"
        return f"rtmp://{self._authority(kind, self.rtmp_port, RTMP_PORT)}"

    def http(self, kind: str, scheme: str = "http") -> str:
        """`http://host[:port]` for HLS (`liveHls`) or FLV (`liveHdl`); `https` where it can be."""
        if self.media_tls_port and kind in self.certified:
            return f"{scheme}s://{self._authority(kind, self.media_tls_port, TLS_PORT)}"
        return f"{scheme}://{self._authority(kind, self.media_port, HTTP_PORT)}"

    def _authority(self, kind: str, port: int, default: int) -> str:
        host = self.domains.get(kind, self.host)
        full = str(ListenAddress(host, port))
        return full.removesuffix(f":{port}") if port == default else full


def play_addresses(
    reach: Reach, hub: str, stream: str, query: Callable[[str, str], str] = lambda kind, path: ""
) -> dict[str, str]:
    """What players open, by protocol; `query` signs a path for the hub's domain of a type."""
    path = f"/{hub}/{stream}"

    def signed(start: str, kind: str, extension: str) -> str:
        proof = query(kind, path + extension)
        return f"{start}{path}{extension}" + (f"?{proof}" if proof else "")

    return {
        "RTMP": signed(reach.rtmp("liveRtmp"), "liveRtmp", ""),
        "HTTP-FLV": signed(reach.http("liveHdl"), "liveHdl", ".flv"),
        "WebSocket-FLV": signed(reach.http("liveHdl", "ws"), "liveHdl", ".flv"),
        "HLS": signed(reach.http("liveHls"), "liveHls", ".m3u8"),
    }


def publish_address(reach: Reach, hub: str, stream: str, query: str) -> str:
    """What an encoder publishes to."""
    return f"{reach.rtmp('publishRtmp')}/{hub}/{stream}" + (f"?{query}" if query else "")


def publish_query(path: str, security: str, *, publish_key: str, keys: tuple[str, str], expires: int) -> str:
    """The parameters that prove the right to publish.

    :param path: `/hub/stream`.
    :param security: the hub's or stream's publish security.
    :param publish_key: what `static`, `expiry` and `dynamic` are proved with.
    :param keys: access and secret key of the account, for `expiry_sk`.
    :param expires: Unix seconds until which a signed address may be used.
    """
    match security:
        case "static":
            return f"key={publish_key}"
        case "expiry":
            return _signed(path, f"expire={expires}", publish_key)
        case "expiry_sk":
            return _signed(path, f"e={expires}", keys[1], prefix=f"{keys[0]}:")
        case "dynamic":
            return _signed(path, f"nonce={int(time.time())}", publish_key)
        case _:
            return ""


def _signed(path: str, parameter: str, secret: str, *, prefix: str = "") -> str:
    digest = hmac.new(secret.encode(), f"{path}?{parameter}".encode(), hashlib.sha1).digest()
    return f"{parameter}&token={prefix}{base64.urlsafe_b64encode(digest).decode()}"
