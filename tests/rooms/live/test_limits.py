"""Lists of client addresses and of pages."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxbow.rooms.live.limits import (
    IpLimit,
    LimitError,
    NetworkSet,
    RefererLimit,
    normal_networks,
    normal_referers,
    parse_ip,
)


def ip_reason(limit: IpLimit, client: str) -> str:
    found = limit.refusal(client)
    return found.reason if found else ""


def referer_reason(limit: RefererLimit, referer: str) -> str:
    found = limit.refusal(referer)
    return found.reason if found else ""


class TestIpLimit:
    def test_without_lists_everybody_gets_in(self):
        assert ip_reason(IpLimit(), "nonsense") == ""

    def test_a_black_list(self):
        limit = IpLimit(blacklist=("192.0.2.0/24", "2001:db8::/32", "198.51.100.7/32"))
        assert ip_reason(limit, "192.0.2.255") == "ip_denied"
        assert ip_reason(limit, "::ffff:192.0.2.1") == "ip_denied"
        assert ip_reason(limit, "[2001:db8::1]") == "ip_denied"
        assert ip_reason(limit, "198.51.100.7") == "ip_denied"
        assert ip_reason(limit, "198.51.100.8") == ""
        assert ip_reason(limit, "2001:db9::1") == ""

    def test_a_white_list_makes_the_black_list_void(self):
        limit = IpLimit(whitelist=("192.0.2.0/24",), blacklist=("192.0.2.0/25",))
        assert ip_reason(limit, "192.0.2.1") == ""
        assert ip_reason(limit, "203.0.113.1") == "ip_not_allowed"
        assert ip_reason(limit, "::1") == "ip_not_allowed"

    def test_who_has_no_address_is_not_let_in_by_a_list(self):
        assert ip_reason(IpLimit(blacklist=("192.0.2.0/24",)), "") == "ip_not_allowed"

    def test_an_interface_does_not_hide_an_address(self):
        assert ip_reason(IpLimit(blacklist=("fe80::/10",)), "fe80::1%eth0") == "ip_denied"

    @given(st.lists(st.ip_addresses(v=4), max_size=5), st.integers(0, 32), st.ip_addresses(v=4))
    def test_a_set_answers_as_its_networks_do(self, bases: list, length: int, address):
        networks = [ip_network(f"{base}/{length}", strict=False) for base in bases]
        found = parse_ip(str(address)) in NetworkSet(map(str, networks))
        assert found == any(address in network for network in networks)

    def test_entries_are_kept_in_their_canonical_form(self):
        assert normal_networks(["192.0.2.7", " 2001:DB8:0::/32"]) == ("192.0.2.7/32", "2001:db8::/32")

    @pytest.mark.parametrize(
        "entry", ["", "192.0.2.0/33", "192.0.2.7/24", "host", "1.2.3", "::/129", "x" * 9999]
    )
    def test_nonsense_is_named(self, entry: str):
        with pytest.raises(LimitError, match=r"takes 192\.0\.2\.7") as caught:
            normal_networks(["192.0.2.1", entry])
        assert repr(entry[:64]) in str(caught.value)
        assert len(str(caught.value)) < 200


class TestRefererLimit:
    def test_without_lists_every_page_may_play(self):
        assert referer_reason(RefererLimit(), "http://anywhere.example/") == ""

    def test_only_allowed_pages(self):
        limit = RefererLimit(allow=("www.example.com", "*.example.org"))
        assert referer_reason(limit, "https://WWW.example.com:8443/watch?x") == ""
        assert referer_reason(limit, "https://a.b.example.org/") == ""
        assert referer_reason(limit, "https://example.org/") == "referer_not_allowed"
        assert referer_reason(limit, "https://badexample.org/") == "referer_not_allowed"
        assert referer_reason(limit, "https://www.example.com.evil.net/") == "referer_not_allowed"
        assert referer_reason(limit, "https://www.example.com@evil.net/") == "referer_not_allowed"

    def test_a_denied_page_stays_out_even_if_it_is_allowed(self):
        limit = RefererLimit(allow=("*.example.com",), deny=("bad.example.com",))
        assert referer_reason(limit, "http://bad.example.com/") == "referer_denied"
        assert referer_reason(limit, "http://good.example.com/") == ""

    @pytest.mark.parametrize("referer", ["", "about:blank", "nonsense", "http://[", "http:///x"])
    def test_who_names_no_page_is_let_in_by_choice(self, referer: str):
        assert referer_reason(RefererLimit(allow=("a.example.com",)), referer) == ""
        assert referer_reason(RefererLimit(allow_empty=False), referer) == "referer_missing"

    @given(st.text(max_size=80))
    def test_no_referer_breaks_it(self, referer: str):
        limit = RefererLimit(allow=("*.example.com",), deny=("x.example.com",), allow_empty=False)
        assert referer_reason(limit, referer).startswith("referer_")

    def test_entries_are_kept_in_lower_case(self):
        assert normal_referers(["*.Example.com", "localhost"]) == ("*.example.com", "localhost")

    @pytest.mark.parametrize(
        "entry", ["", "*", "*.", "a.*.com", "http://a.com", "a..b", "a.com/", "ä.com", "a" * 300]
    )
    def test_nonsense_is_named(self, entry: str):
        with pytest.raises(LimitError, match="is no host"):
            normal_referers([entry])
