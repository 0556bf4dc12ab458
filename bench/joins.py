"""What authorisation, lists and rewriting add to a join, with all of them on."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median, quantiles

from bench.statistics import Numbers
from oxbow.rooms.live.addresses import parse_play_path
from oxbow.rooms.live.limits import MAX_ENTRIES, IpLimit, RefererLimit
from oxbow.rooms.live.models import DomainType
from oxbow.rooms.live.play_security import PlaySecurity, PlaySecurityType
from oxbow.rooms.live.snapshot import ConfigSnapshot, DomainConfig, HubConfig, Visitor, compiled, decide_play
from oxbow.rooms.live.url_rewrite import RewriteRule, UrlRewrite, split_url

HOST, STREAMS, RULES = "flv.example.com", 1000, 4
KEYS = ("the first key", "the second key")
RULE2 = "$(key)$(streamTitle)$(_t)"


@dataclass(frozen=True)
class Joins:
    """Viewers of one domain whose every setting is on, each with a URL, a page and an address of its own.

    1,000 networks are on the list of addresses, 1,000 hosts on that of pages, two keys and two rules sign, of
    four rewrite rules the last one matches. The first half of the joins is not counted.
    """

    joins: int

    def measure(self) -> Numbers:
        """Microseconds of the calling thread."""
        config = compiled(configuration(), ConfigSnapshot())
        taken = [join(config, url, visitor) for url, visitor in viewers(2 * self.joins)][self.joins :]
        return {"join_median_us": median(taken), "join_p99_us": quantiles(taken, n=100)[98]}


def configuration() -> ConfigSnapshot:
    """A hub with one domain."""
    networks = tuple(f"10.{index >> 8}.{index & 255}.0/24" for index in range(MAX_ENTRIES))
    pages = tuple(f"*.page{index}.example" for index in range(MAX_ENTRIES))
    rules = [RewriteRule(f"(.+)/old{index}/(.+)/index[.]flv", "${1}/hub/${2}.flv") for index in range(RULES)]
    domain = DomainConfig(
        "hub",
        DomainType.LIVE_HDL,
        play_security=PlaySecurity(PlaySecurityType.EXPIRE, *KEYS, rule2=RULE2),
        ip_limit=IpLimit(blacklist=networks),
        referer_limit=RefererLimit(allow=pages, allow_empty=False),
        url_rewrite=UrlRewrite(tuple(rules)),
    )
    return ConfigSnapshot(1, {"hub": HubConfig("hub", 0)}, {HOST: domain})


def viewers(count: int) -> Iterator[tuple[str, Visitor]]:
    """Signed addresses, with who asks for them."""
    stamp = f"{int(time.time()) + 600:x}"
    for index in range(count):
        path = f"/hub/stream{index % STREAMS}.flv"
        sign = hashlib.md5(f"{KEYS[1]}{path}{stamp}".encode(), usedforsecurity=False).hexdigest()
        typed = f"/old{RULES - 1}/stream{index % STREAMS}/index.flv"
        page = f"http://www{index}.page{index % MAX_ENTRIES}.example/live?room={index}"
        client = f"192.{index >> 16}.{index >> 8 & 255}.{index & 255}"
        yield f"http://{HOST}{typed}?sign={sign}&t={stamp}", Visitor(client, page)


def join(config: ConfigSnapshot, url: str, visitor: Visitor) -> float:
    """One decision; microseconds."""
    now = time.time()
    began = time.thread_time_ns()
    rewritten = config.domains[HOST].url_rewrite.rewrite(url)
    assert rewritten is not None
    decide_play(config, parse_play_path(*split_url(rewritten)), HOST, "flv", now, visitor)
    return (time.thread_time_ns() - began) / 1000
