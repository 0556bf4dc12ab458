"""How answers of the media port look."""

import json

import pytest

from oxbow.rooms.live.gateways.http.response import PREFLIGHT, error_body, head


def test_every_answer_names_its_request_and_lets_every_page_read_it() -> None:
    lines = head(200, {"Content-Type": "video/x-flv"}, "the-id", keep_alive=True).decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 200 OK"
    assert lines[-2:] == ["", ""], "an empty line ends the head"
    headers = dict(line.split(": ", 1) for line in lines[1:-2])
    assert headers == {
        "Server": "oxbow",
        "X-Reqid": "the-id",
        "Content-Type": "video/x-flv",
        "Connection": "keep-alive",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Content-Length, X-Reqid",
    }


@pytest.mark.parametrize(
    ("status", "phrase"), [(204, "No Content"), (404, "Not Found"), (431, "Request Header Fields Too Large")]
)
def test_a_status_has_its_phrase(status: int, phrase: str) -> None:
    assert head(status, {}, "id", keep_alive=False).startswith(f"HTTP/1.1 {status} {phrase}\r\n".encode())


def test_it_says_whether_the_connection_stays() -> None:
    assert b"\r\nConnection: close\r\n" in head(200, {}, "id", keep_alive=False)
    assert b"\r\nConnection: keep-alive\r\n" in head(200, {}, "id", keep_alive=True)


def test_an_error_is_json_and_keeps_its_characters() -> None:
    assert json.loads(error_body('no "such" stream')) == {"error": 'no "such" stream'}
    assert "直播".encode() in error_body("直播")


def test_browsers_are_told_what_they_may_send() -> None:
    assert set(PREFLIGHT["Access-Control-Allow-Methods"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    assert PREFLIGHT["Access-Control-Allow-Headers"] == "*"
