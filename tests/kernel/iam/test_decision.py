"""The decision by itself: what allows, what denies, and what is none of anybody's business."""

import pytest

from oxbow.kernel.iam.decision import NOBODY, Authority, Grant, Reach, decide, excess
from oxbow.kernel.iam.statements import Effect, Statement, action_fits, is_action_pattern, parse_resource

ACCOUNT = 7
ACTIONS = ["iam/CreateUser", "pili/DeleteHub", "pili/GetHub", "pili/ListHubs"]
QUESTIONS = [(action, action.partition("/")[0]) for action in ACTIONS]


def authority(*statements: tuple[str, str, str]) -> Authority:
    """From (effect, actions, resources), both lists with blanks between."""
    return Authority(
        ACCOUNT,
        [
            Grant(
                f"policy{number}", 0, Statement(Effect(effect), tuple(actions.split()), tuple(names.split()))
            )
            for number, (effect, actions, names) in enumerate(statements)
        ],
    )


def may(who: Authority, action: str, name: str | None = None, reach: Reach = Reach.ALL) -> bool:
    return decide(who, action, Reach.ONE if name is not None else reach, name or "").allowed


def test_nothing_is_allowed_by_default():
    assert not may(NOBODY, "pili/GetHub", "live")
    assert not may(NOBODY, "pili/ListHubs", reach=Reach.ANY)
    assert decide(NOBODY, "pili/GetHub", Reach.ONE, "live").reason == "not_granted"


def test_a_named_hub():
    who = authority(("Allow", "pili/GetHub", "qrn:pili:::live"))
    assert may(who, "pili/GetHub", "live")
    for other in ("", "liv", "live2", "Live", "*", "live*", "qrn:pili:::live", "live/", "live\0"):
        assert not may(who, "pili/GetHub", other), other
    assert not may(who, "pili/DeleteHub", "live")


def test_hubs_whose_names_begin_alike():
    who = authority(("Allow", "pili/*", "qrn:pili:::test-*"))
    assert may(who, "pili/GetHub", "test-")
    assert may(who, "pili/GetHub", "test-1")
    assert not may(who, "pili/GetHub", "test")
    assert not may(who, "pili/GetHub", "a-test-1")


def test_all_hubs_are_not_all_of_everything():
    who = authority(("Allow", "*", "qrn:pili:::*"))
    assert may(who, "pili/GetHub", "any")
    assert may(who, "pili/ListHubs")
    assert not may(who, "iam/CreateUser")
    assert may(authority(("Allow", "*", "*")), "iam/CreateUser")


def test_a_denial_goes_before():
    who = authority(("Allow", "pili/*", "qrn:pili:::*"), ("Deny", "pili/Delete*", "qrn:pili:::gold-*"))
    assert may(who, "pili/DeleteHub", "live")
    assert may(who, "pili/GetHub", "gold-1")
    decision = decide(who, "pili/DeleteHub", Reach.ONE, "gold-1")
    assert (decision.allowed, decision.reason, decision.grant.policy) == (False, "denied", "policy1")


def test_what_is_about_all_needs_all_and_no_exception():
    part = authority(("Allow", "pili/*", "qrn:pili:::live"))
    assert not may(part, "pili/ListHubs", reach=Reach.ALL)
    excepted = authority(("Allow", "pili/*", "*"), ("Deny", "pili/*", "qrn:pili:::secret"))
    assert not may(excepted, "pili/ListHubs", reach=Reach.ALL)
    assert may(excepted, "pili/ListHubs", reach=Reach.ANY)


def test_what_shows_a_part_needs_a_part():
    assert may(authority(("Allow", "pili/*", "qrn:pili:::live")), "pili/ListHubs", reach=Reach.ANY)
    assert not may(authority(("Allow", "pili/*", "qrn:iam:::*")), "pili/ListHubs", reach=Reach.ANY)
    denied = authority(("Allow", "pili/*", "qrn:pili:::live"), ("Deny", "pili/*", "*"))
    assert not may(denied, "pili/ListHubs", reach=Reach.ANY)


def test_the_statement_that_decides_is_named():
    who = authority(("Allow", "pili/GetHub", "qrn:pili:::a"), ("Allow", "pili/*", "qrn:pili:::live"))
    assert decide(who, "pili/GetHub", Reach.ONE, "live").grant.policy == "policy1"


@pytest.mark.parametrize(
    "text", ["*", "pili/*", "pili/Get*", "pili/GetHub", "iam/CreateUser", "some-service/A1"]
)
def test_actions_that_are_well_formed(text):
    assert is_action_pattern(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "**",
        "*/*",
        "*/GetHub",
        "pili",
        "pili/",
        "pi*/GetHub",
        "pili/*Hub",
        "pili/G*t",
        "pili/Get**",
        "pili:GetHub",
        "PILI/GetHub",
        "pili/GetHub ",
        " pili/GetHub",
        "pili/GetHub\n",
        "pili/Gеt*",
        "pili/.*",
        "pili/Get?",
        "pili//GetHub",
    ],
)
def test_wildcards_in_odd_places_are_no_actions(text):
    assert not is_action_pattern(text)


def test_a_beginning_does_not_reach_into_another_service():
    assert action_fits("pili/*", "pili/GetHub")
    assert not action_fits("pili/*", "pilix/GetHub")
    assert not action_fits("pili/GetHub", "pili/GetHubs")


@pytest.mark.parametrize(
    ("text", "prefix", "is_open"),
    [
        ("qrn:pili:::live", "live", False),
        ("qrn:pili:::hub/live", "live", False),
        ("qrn:pili:z0:7:live", "live", False),
        ("qrn:pili:::*", "", True),
        ("qrn:pili:::a-*", "a-", True),
        ("*", "", True),
    ],
)
def test_resources_that_are_well_formed(text, prefix, is_open):
    pattern = parse_resource(text, ACCOUNT)
    assert (pattern.prefix, pattern.open) == (prefix, is_open)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "**",
        "qrn",
        "qrn:*",
        "qrn:pili:::",
        "qrn:*:::*",
        "qrn:pili:::a*b",
        "qrn:pili:::*a",
        "qrn:pili:::**",
        "live",
        "qrn:pili::8:live",
        "qrn:pili:::a b",
        "qrn:pili:::a\n",
        "qrn:pili:::a\0",
        "qrn:pili:::ä",
        "qrn:pili:::../x",
        "qrn:pili:::hub/a/b",
        "qrn:pili::::live",
        "QRN:pili:::live",
        "qrn:pili::0x7:live",
        "qrn:pili::٧:live",
        "qrn:pili:::" + "a" * 300,
    ],
)
def test_odd_resources_are_refused(text):
    with pytest.raises(ValueError, match=r"must be|another account"):
        parse_resource(text, ACCOUNT)


class TestExcess:
    """Whether somebody would hand on more than they have."""

    ADMIN = ("Allow", "iam/*", "*")

    def test_what_one_has_can_be_handed_on(self):
        mine = authority(self.ADMIN, ("Allow", "pili/*", "qrn:pili:::test-*"))
        theirs = authority(("Allow", "pili/Get*", "qrn:pili:::test-1 qrn:pili:::test-2*"))
        assert excess(mine, theirs, QUESTIONS) is None

    @pytest.mark.parametrize(
        ("theirs", "beyond"),
        [
            (("Allow", "*", "*"), ("pili/DeleteHub", "*")),
            (("Allow", "pili/GetHub", "qrn:pili:::live"), ("pili/GetHub", "live")),
            (("Allow", "pili/GetHub", "qrn:pili:::test*"), ("pili/GetHub", "test*")),
        ],
    )
    def test_what_one_does_not_have_cannot(self, theirs, beyond):
        mine = authority(self.ADMIN, ("Allow", "pili/GetHub", "qrn:pili:::test-*"))
        assert excess(mine, authority(theirs), QUESTIONS) == beyond

    @pytest.mark.parametrize("denied", ["qrn:pili:::test-1", "qrn:pili:::test-1*", "qrn:pili:::te*"])
    def test_nor_what_one_is_denied_a_part_of(self, denied):
        mine = authority(("Allow", "*", "*"), ("Deny", "pili/DeleteHub", denied))
        theirs = authority(("Allow", "pili/*", "qrn:pili:::test-*"))
        assert excess(mine, theirs, QUESTIONS) == ("pili/DeleteHub", "test-*")

    def test_a_denial_of_theirs_does_not_count_since_it_can_go(self):
        theirs = authority(("Allow", "pili/*", "*"), ("Deny", "pili/*", "*"))
        assert excess(authority(self.ADMIN), theirs, QUESTIONS) is not None
