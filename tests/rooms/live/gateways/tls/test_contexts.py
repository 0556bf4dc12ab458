"""Which certificate a client is shown."""

import pytest

from certificates import Authority
from oxbow.rooms.live.certificates.served import Certificate
from oxbow.rooms.live.gateways.tls.contexts import Contexts


async def test_a_domain_has_its_own_context_and_a_wildcard_stands_for_one_label(contexts: Contexts) -> None:
    assert contexts.find("one.example") is contexts.find("ONE.example.") is not None
    assert contexts.find("a.two.example") is contexts.find("b.two.example") is not None
    for name in ("two.example", "a.b.two.example", "example", "", "*"):
        assert contexts.find(name) is None, name


async def test_what_is_known_is_not_loaded_again(contexts: Contexts, authority: Authority) -> None:
    first, second = authority.issue("one.example"), authority.issue("one.example")
    await contexts.configure({"one.example": first})
    before = contexts.find("one.example")
    await contexts.configure({"one.example": first, "other.example": second})
    assert contexts.find("one.example") is before
    await contexts.configure({"one.example": second})
    assert contexts.find("one.example") not in (None, before)
    assert contexts.find("other.example") is None


async def test_the_last_of_several_changes_counts(contexts: Contexts, authority: Authority) -> None:
    last = authority.issue("one.example")
    tasks = [contexts.configure({"one.example": authority.issue("one.example")}) for _ in range(3)]
    await contexts.configure({"last.example": last})
    assert all(task.done() for task in tasks)
    assert contexts.find("one.example") is None
    assert contexts.find("last.example") is not None


@pytest.mark.parametrize("broken", ["chain", "key", "pair", "encrypted"])
async def test_a_certificate_that_is_of_no_use_leaves_the_one_before(
    contexts: Contexts, authority: Authority, broken: str
) -> None:
    good, other = authority.issue("one.example"), authority.issue("one.example")
    bad = {
        "chain": Certificate("nonsense", good.key_pem, "1"),
        "key": Certificate(good.chain_pem, "nonsense", "2"),
        "pair": Certificate(good.chain_pem, other.key_pem, "3"),
        "encrypted": Certificate(good.chain_pem, ENCRYPTED, "4"),
    }[broken]
    before = contexts.find("one.example")
    await contexts.configure({"one.example": bad, "new.example": bad, "good.example": good})
    assert contexts.find("one.example") is before
    assert contexts.find("new.example") is None
    assert contexts.find("good.example") is not None


# A key that takes the password "secret", which nobody is asked for.
ENCRYPTED = """-----BEGIN ENCRYPTED PRIVATE KEY-----
MIH0MF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBCxfZnoDzJpj3g0XTp/
lGytAgIIADAMBggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQfrAwnjjMbvQwowX8
WrgtJwSBkE0DHSoMopBJZcKeXFt9sr1YUMwsE36jv3DdfWwSno0O9jE1jcmaUdCl
7H4mjvTjNkJYYVZ09YU/NiTVEicbNRoSOe5AjEhK8DXiBFmpmV7gtbKidBz+ktfZ
UqqjLNxNg385eMgpvdmZsktVlX43go8l/I0nCunBe7rifm5dYjZTPoVsl1hLlybL
9zZoGPL9pQ==
-----END ENCRYPTED PRIVATE KEY-----
"""
