"""What an answer means, and what is not shown."""

import pytest

from oxbow.kernel.webhooks import Hook, Verdict, masked_url
from oxbow.kernel.webhooks.models import masked_vars, new_id


@pytest.mark.parametrize(
    ("success", "fail", "status", "verdict"),
    [
        (0, 0, 200, Verdict.SUCCESS),
        (0, 0, 500, Verdict.SUCCESS),
        (0, 500, 500, Verdict.SUCCESS),
        (200, 0, 200, Verdict.SUCCESS),
        (200, 0, 204, Verdict.UNCLEAR),
        (200, 0, 500, Verdict.UNCLEAR),
        (200, 403, 403, Verdict.FAILURE),
        (200, 403, 500, Verdict.UNCLEAR),
        (200, 200, 200, Verdict.SUCCESS),
    ],
)
def test_a_status_is_judged_by_both_codes(success: int, fail: int, status: int, verdict: Verdict) -> None:
    hook = Hook("GET", "http://app.example/", {}, success_code=success, fail_code=fail)
    assert hook.judge(status) == verdict


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://a/b", "http://a/b"),
        ("http://a/b?room=1", "http://a/b?room=1"),
        ("http://a/b?token=x&room=1", "http://a/b?token=***&room=1"),
        ("http://a/b?accessToken=x&sign=y&sk=z", "http://a/b?accessToken=***&sign=***&sk=***"),
        ("http://a/b?key1=x&streamKey=live/one", "http://a/b?key1=***&streamKey=live/one"),
        ("http://a/b?API_KEY=x&apikey=", "http://a/b?API_KEY=***&apikey="),
    ],
)
def test_secrets_of_a_url_are_not_shown(url: str, shown: str) -> None:
    assert masked_url(url) == shown


def test_nor_are_those_of_variables() -> None:
    assert masked_vars({"password": "x", "stream": "y"}) == {"password": "***", "stream": "y"}


def test_ids_sort_by_time() -> None:
    assert new_id(1_000.0) < new_id(1_000.1) < new_id(2_000_000_000.0)
    assert len(new_id(2_000_000_000.0)) == 24
