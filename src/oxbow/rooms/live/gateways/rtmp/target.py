"""What an RTMP client asks to publish or play, by the rewrite rules of the domain it names."""

from __future__ import annotations

from oxbow.rooms.live.addresses import RtmpAddress, parse_rtmp_address, split_rtmp, tc_url_host
from oxbow.rooms.live.snapshot import ConfigSnapshot
from oxbow.rooms.live.url_rewrite import split_url


def rtmp_address(config: ConfigSnapshot, app: str, tc_url: str, name: str) -> RtmpAddress:
    """The address that counts; AddressError.

    What the rules see is the address as a person types it, put together from tcUrl's host, the app and the
    name, in however many parts an encoder sent it.
    """
    domain = config.domains.get(tc_url_host(tc_url) or "")
    if domain is None or not domain.url_rewrite.active:
        return parse_rtmp_address(app, tc_url, name)
    segments, query = split_rtmp(app, name)
    scheme, _, rest = tc_url.partition("://")
    url = f"{scheme}://{rest.partition('/')[0]}/{'/'.join(segments)}" + (f"?{query}" if query else "")
    rewritten = domain.url_rewrite.rewrite(url)
    if rewritten is None:
        return parse_rtmp_address(app, tc_url, name)
    path, query = split_url(rewritten)
    return parse_rtmp_address(path, tc_url, f"?{query}")
