"""Which URLs and addresses no outgoing request may have, however they are spelled."""

from ipaddress import ip_network

import pytest

from oxbow.kernel.outbound import AddressGuard, OutboundRefused, parse_url


def refusal(address: str, *allow: str) -> str:
    """The rule that refuses the address; empty if it may be reached."""
    try:
        AddressGuard([ip_network(network) for network in allow]).check("callbacks.example", address)
    except OutboundRefused as refused:
        return refused.reason
    return ""


@pytest.mark.parametrize(
    ("address", "rule"),
    [
        ("0.0.0.0", "unspecified"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "shared"),
        ("169.254.169.254", "link_local"),
        ("192.0.0.8", "reserved"),
        ("192.0.2.1", "documentation"),
        ("192.88.99.1", "transition"),
        ("198.18.0.1", "reserved"),
        ("198.51.100.1", "documentation"),
        ("203.0.113.1", "documentation"),
        ("224.0.0.1", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::7f00:1", "reserved"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:169.254.169.254", "link_local"),
        ("::ffff:0:127.0.0.1", "reserved"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::a9fe:a9fe", "link_local"),
        ("64:ff9b:1::a00:1", "transition"),
        ("100::1", "reserved"),
        ("2001::1", "reserved"),
        ("2001:db8::1", "documentation"),
        ("2002:7f00:1::1", "transition"),
        ("3fff::1", "documentation"),
        ("fc00::1", "private"),
        ("fd00:ec2::254", "private"),
        ("fe80::1", "link_local"),
        ("fe80::1%eth0", "link_local"),
        ("fec0::1", "private"),
        ("ff02::1", "multicast"),
        ("4000::1", "reserved"),
    ],
)
def test_what_is_not_public_is_refused_by_name(address: str, rule: str) -> None:
    assert refusal(address) == rule


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "172.15.255.255",
        "172.32.0.1",
        "100.128.0.1",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
    ],
)
def test_public_addresses_are_open(address: str) -> None:
    assert refusal(address) == ""


@pytest.mark.parametrize(
    ("address", "allow", "rule"),
    [
        ("10.1.2.3", "10.1.0.0/16", ""),
        ("10.2.0.1", "10.1.0.0/16", "private"),
        ("::ffff:10.1.2.3", "10.1.0.0/16", ""),
        ("64:ff9b::a01:203", "10.1.0.0/16", ""),
        ("fd00::1", "fd00::/8", ""),
        ("127.0.0.1", "fd00::/8", "loopback"),
    ],
)
def test_the_operator_opens_networks_one_by_one(address: str, allow: str, rule: str) -> None:
    assert refusal(address, allow) == rule


def test_a_refusal_tells_the_remedy_and_keeps_the_address_for_the_operator() -> None:
    with pytest.raises(
        OutboundRefused, match=r"callbacks\.example leads to a private .* OXBOW_OUTBOUND_ALLOW"
    ) as caught:
        AddressGuard().check("callbacks.example", "10.0.0.7")
    assert caught.value.address == "10.0.0.7"
    assert "10.0.0.7" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("", "scheme"),
        ("/path", "scheme"),
        ("//host/path", "scheme"),
        ("http://", "scheme"),
        ("http:///path", "scheme"),
        ("ftp://host/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("gopher://host/", "scheme"),
        ("http://user:secret@host/", "userinfo"),
        ("http://public.example@127.0.0.1/", "userinfo"),
        ("http://host:99999/", "url"),
        ("http://host:port/", "url"),
        ("http://ho\nst/", "url"),
        ("http://[::1/", "url"),
        ("http://host:25/", "port"),
        ("https://host:22/", "port"),
        ("http://host/" + "x" * 9000, "url"),
    ],
)
def test_urls_that_no_request_may_have(url: str, rule: str) -> None:
    with pytest.raises(OutboundRefused) as caught:
        parse_url(url)
    assert caught.value.reason == rule


@pytest.mark.parametrize(
    "url", ["http://host/", "https://host:8443/a?b=c", "http://host:81", "http://[2606::1]/"]
)
def test_any_other_port_is_open(url: str) -> None:
    assert parse_url(url).host
