"""Every rule is named in its order, and what it said."""

from oxbow.rooms.live.verdicts import PLAY_ORDER, PUBLISH_ORDER, verdicts


def test_where_nothing_refuses_every_rule_has_passed() -> None:
    assert [verdict.rule for verdict in verdicts("publish", "")] == list(PUBLISH_ORDER)
    assert {verdict.result for verdict in verdicts("play", "")} == {"pass"}


def test_what_stands_behind_the_one_that_fails_is_not_reached() -> None:
    found = {verdict.rule: verdict.result for verdict in verdicts("play", "ipLimit")}
    assert (found["domain"], found["ipLimit"], found["playSecurity"]) == ("pass", "fail", "not reached")


def test_a_server_that_cannot_decide_has_asked_none() -> None:
    first, *others = verdicts("publish", "server")
    assert first == ("server", "fail")
    assert {verdict.result for verdict in others} == {"not reached"}


def test_an_operators_servers_are_asked_last() -> None:
    asked = ("originAuth", "connectCallback")
    assert verdicts("publish", "", asked)[-2:] == [(name, "asked") for name in asked]
    assert verdicts("publish", "hub", asked)[-2:] == [(name, "not reached") for name in asked]


def test_every_rule_stands_once() -> None:
    assert all(len(order) == len(set(order)) for order in (PUBLISH_ORDER, PLAY_ORDER))
