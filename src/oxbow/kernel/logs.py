"""Structured logs on standard error, as text for people or JSON lines for machines.

``setup()`` is called once in each process; modules then say ``log = get_logger(__name__)`` and
``log.info("stream_created", hub=..., stream=...)``.  Lines of libraries that use ``logging`` (uvicorn,
alembic) take the same way out.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any, Literal, TextIO, cast

import structlog
from structlog.typing import Processor

# The id of the HTTP request being served, or of the connection; it stands in each line logged meanwhile.
request_id: ContextVar[str | None] = ContextVar("oxbow_request_id", default=None)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

REDACTED = "***"
_SECRET_WORDS = {"token", "secret", "key", "authorization", "password", "sign", "signature", "cookie"}
_PUBLIC_KEYS = {"access_key"}  # It names who asked; without its secret it opens nothing.
_SECRET_IN_QUERY = re.compile(r"(?i)(?<![A-Za-z])((?:token|secret|key|sign|signature|password)=)[^&\s\"']+")
_CREDENTIAL = re.compile(r"\b((?:Qiniu|QBox|UpToken|Bearer) [A-Za-z0-9_-]*:?)[A-Za-z0-9_=:-]+")
_PASSWORD_IN_URL = re.compile(r"(://[^/\s:@]*:)[^/\s@]+@")

_QUIET_LIBRARIES = ("uvicorn", "alembic", "asyncio", "sqlalchemy", "aiosqlite", "httpx", "httpcore")

Event = MutableMapping[str, Any]


def get_logger(name: str | None = None) -> structlog.typing.FilteringBoundLogger:
    """A logger whose methods take an event name and key-value pairs."""
    initial = {"module": name} if name else {}
    return cast("structlog.typing.FilteringBoundLogger", structlog.get_logger(**initial))


def setup(
    level: Literal["debug", "info", "warning", "error"],
    format: Literal["text", "json"],
    process_name: str,
    stream: TextIO | None = None,
) -> None:
    """Send every log line of this process to ``stream`` (standard error by default) from now on."""
    stream = stream or sys.stderr
    shared = _shared_processors(process_name)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.ExtraAdder(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderer(format, stream),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _QUIET_LIBRARIES:
        logging.getLogger(name).setLevel("WARNING")
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=lambda *args: logging.getLogger("oxbow"),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _shared_processors(process_name: str) -> list[Processor]:
    return [
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _adding("process", process_name),
        _add_request_id,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.format_exc_info,
        redact,
    ]


def _renderer(format: str, stream: TextIO) -> list[Processor]:
    if format == "json":
        return [structlog.processors.JSONRenderer(ensure_ascii=False, default=str)]
    return [_escape_controls, structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=0)]


def _adding(key: str, value: str) -> Processor:
    def add(logger: Any, method: str, event: Event) -> Event:
        event[key] = value
        return event

    return add


def _add_request_id(logger: Any, method: str, event: Event) -> Event:
    current = request_id.get()
    if current is not None:
        event.setdefault("request_id", current)
    return event


def _escape_controls(logger: Any, method: str, event: Event) -> Event:
    # A line break in a client's text must not forge a line, nor an escape sequence steer the terminal. The
    # renderer quotes values by itself, but not the event, which is free text where a library wrote it.
    event["event"] = _CONTROL.sub(lambda match: repr(match[0])[1:-1], str(event["event"]))
    return event


def redact(logger: Any, method: str, event: Event) -> Event:
    """Blank what could open a door: values under secret-sounding names, and secrets inside texts."""
    for key, value in event.items():
        event[key] = REDACTED if _sounds_secret(key) and value else _without_secrets(value)
    return event


def _sounds_secret(key: str) -> bool:
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower()
    return name not in _PUBLIC_KEYS and not _SECRET_WORDS.isdisjoint(re.split(r"[^a-z]+", name))


def _without_secrets(value: Any) -> Any:
    """Walk into nested values; only texts can carry a secret by themselves."""
    if isinstance(value, str):
        value = _SECRET_IN_QUERY.sub(rf"\1{REDACTED}", value)
        value = _CREDENTIAL.sub(rf"\1{REDACTED}", value)
        return _PASSWORD_IN_URL.sub(rf"\1{REDACTED}@", value)
    if isinstance(value, dict):
        return redact(None, "", dict(value))
    if isinstance(value, list | tuple):
        return [_without_secrets(item) for item in value]
    return value
