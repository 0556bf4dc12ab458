"""Log lines: one a line, each with its request id, none with a secret."""

import io
import json
import logging

import pytest
import structlog

from oxbow.kernel import logs


@pytest.fixture(autouse=True)
def restore():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def lines():
    """Set logs up as JSON, and give what was written since."""
    stream = io.StringIO()
    logs.setup("info", "json", "control", stream)

    def read() -> list[dict]:
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    return read


def test_a_line_is_one_json_object(lines):
    logs.get_logger("x").info("stream_created", hub="sports", size=3, title="晚间\n新闻")
    (line,) = lines()
    assert line["event"] == "stream_created"
    assert (line["hub"], line["size"], line["title"]) == ("sports", 3, "晚间\n新闻")
    assert (line["level"], line["process"]) == ("info", "control")


def test_the_request_id_is_in_each_line_of_its_request(lines):
    token = logs.request_id.set("abc")
    logs.get_logger().info("inside")
    logs.request_id.reset(token)
    logs.get_logger().info("outside")
    assert [line.get("request_id") for line in lines()] == ["abc", None]


def test_lines_of_libraries_take_the_same_way(lines):
    logging.getLogger("uvicorn.error").warning("bound to %s", "token=abc")
    assert lines()[0]["event"] == "bound to token=***"


def test_an_exception_stays_on_one_line(lines):
    try:
        raise ValueError("broken")
    except ValueError:
        logs.get_logger().exception("failed")
    assert "ValueError: broken" in lines()[0]["exception"]


def test_lines_below_the_level_are_not_written(lines):
    logs.get_logger().debug("noise")
    assert lines() == []


@pytest.mark.parametrize("key", ["token", "secret_key", "publishKey", "Authorization", "db_password", "key"])
def test_values_under_secret_names_are_blanked(lines, key):
    logs.get_logger().info("event", **{key: "hush"})
    assert lines()[0][key] == "***"


def test_an_access_key_is_no_secret(lines):
    logs.get_logger().info("event", access_key="AK")
    assert lines()[0]["access_key"] == "AK"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtmp://host/hub/s?e=1&token=AK:abc=", "rtmp://host/hub/s?e=1&token=***"),
        ("/hub/s?key=hush&x=1", "/hub/s?key=***&x=1"),
        ("Authorization: Qiniu AK:abc_-=", "Authorization: Qiniu AK:***"),
        ("postgresql://me:hush@db/x", "postgresql://me:***@db/x"),
        ("monkey=brown", "monkey=brown"),
    ],
)
def test_secrets_inside_texts_are_blanked(lines, text, shown):
    logs.get_logger().info("event", url=text, nested={"deep": [text]})
    assert (lines()[0]["url"], lines()[0]["nested"]) == (shown, {"deep": [shown]})


def test_text_has_no_colours_where_nobody_sees_them():
    stream = io.StringIO()
    logs.setup("info", "text", "worker-1", stream)
    logs.get_logger().info("started", port=1935)
    assert "\x1b[" not in stream.getvalue()
    assert "started" in stream.getvalue()
    assert "port=1935" in stream.getvalue()


def test_a_clients_text_forges_no_line_of_its_own():
    stream = io.StringIO()
    logs.setup("info", "text", "control", stream)
    forged = "/a\n2026 [info] forged\x1b[2J"
    logs.get_logger().info("request", path=forged, nested=[forged])
    logging.getLogger("library").warning("refused %s", forged)
    assert len(stream.getvalue().splitlines()) == 2
    assert "\x1b" not in stream.getvalue()
