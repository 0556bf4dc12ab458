"""Who may publish: the proofs of https://developer.qiniu.com/pili/api/6678/push-the-current-authentication.

Pure: the hub, the stream, the account's keys and the clock come in, a decision comes out. Nothing secret ever
stands in a refusal, for its description is shown to whoever tried.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from oxbow.rooms.live.models import Hub, PublishSecurity, Stream
from oxbow.rooms.live.refusing import Refused

MAX_NONCE = 2**63 - 1
_TOKEN = "token="  # noqa: S105 - the name of a query parameter, not a secret.


@dataclass(frozen=True)
class PublishAttempt:
    """What a publisher showed."""

    hub: str
    stream: str
    query: str
    """Raw, as the publisher typed it, without the question mark."""
    domain: str | None
    """The host of tcUrl."""
    client_addr: str
    """`ip:port`."""
    now: float
    """Unix seconds."""


@dataclass(frozen=True)
class PublishGrant:
    """The permission to publish, and how the hub wants this broadcast treated."""

    hub: str
    stream: str
    takeover: bool
    """Whether a publisher that is already live is to be replaced; otherwise the newcomer is refused."""
    grace_seconds: float
    """How long the stream's viewers are kept after this publisher has gone."""


class PublishRefused(Refused):
    """Publishing is not allowed; `reason` is a stable id, `description` is shown to the publisher."""


@dataclass(frozen=True)
class Credentials:
    """The parameters of a publish address, values as typed; of a repeated one the first counts."""

    fields: dict[str, str]
    signed: str | None
    """Everything before `token=`: what a token covers when further parameters precede it."""

    @classmethod
    def parse(cls, query: str) -> Credentials:
        """Split by hand, so that a `+` of standard base64 stays one and what was signed is not rewritten."""
        at = 0 if query.startswith(_TOKEN) else query.find("&" + _TOKEN)
        fields: dict[str, str] = {}
        for part in query.split("&"):
            name, _, value = part.partition("=")
            fields.setdefault(name, value)
        return cls(fields, query[:at] if at > 0 else None)


def sign(text: str, secret: str) -> str:
    """HMAC-SHA1 of `text` in url-safe base64 with padding, as publish tokens carry it."""
    digest = hmac.new(secret.encode(), text.encode(errors="replace"), hashlib.sha1).digest()
    return base64.urlsafe_b64encode(digest).decode()


def effective_security(hub: Hub, stream: Stream | None) -> tuple[PublishSecurity, str]:
    """The security and the key that count: a stream's own beats its hub's."""
    if stream is not None and stream.publish_security != PublishSecurity.INHERIT:
        return stream.publish_security, stream.publish_key
    return hub.publish_security, hub.publish_key


def access_key_of(query: str) -> str:
    """The access key that an `expiry_sk` token names; empty if it names none."""
    access_key, colon, _ = unquote(Credentials.parse(query).fields.get("token", "")).partition(":")
    return access_key if colon else ""


def verify_publish(
    attempt: PublishAttempt, security: PublishSecurity, key: str, account_keys: Mapping[str, str]
) -> int | None:
    """Check the proof that `attempt` carries; raises PublishRefused.

    `account_keys` are the enabled pairs, access key to secret, of the account that owns the hub.
    Returns the nonce of a `dynamic` proof: the caller must consume it before it lets the publisher in.
    """
    shown = Credentials.parse(attempt.query)
    if security.needs_key and not key:
        raise PublishRefused("no_publish_key", "the hub or stream asks for a publish key but has none")
    match security:
        case PublishSecurity.NONE:
            return None
        case PublishSecurity.INHERIT:
            raise ValueError("a hub has a security of its own")
        case PublishSecurity.STATIC:
            _check_static(shown, key)
            return None
        case PublishSecurity.EXPIRY:
            _check_expiry(attempt, shown, key)
            return None
        case PublishSecurity.EXPIRY_SK:
            _check_expiry_sk(attempt, shown, account_keys)
            return None
        case PublishSecurity.DYNAMIC:
            return _check_dynamic(attempt, shown, key)


def _check_static(shown: Credentials, key: str) -> None:
    typed = shown.fields.get("key")
    if typed is None:
        text = "the address must carry key=<the publish key>"
        raise PublishRefused("key_missing", text, wanted="key")
    if not (_same(typed, key) | _same(unquote(typed), key)):
        raise PublishRefused("key_mismatch", "the publish key in the address is not the right one")


def _check_expiry(attempt: PublishAttempt, shown: Credentials, key: str) -> None:
    expires = _number(shown, "expire")
    _check_token(attempt, shown, "expire", unquote(_token(shown)), key)
    _check_time(attempt.now, expires)


def _check_expiry_sk(attempt: PublishAttempt, shown: Credentials, account_keys: Mapping[str, str]) -> None:
    expires = _number(shown, "e")
    access_key, colon, token = unquote(_token(shown)).partition(":")
    if not colon:
        raise PublishRefused("token_malformed", "the token must be <access key>:<signature>")
    secret = account_keys.get(access_key)
    if secret is None:
        raise _mismatch()
    _check_token(attempt, shown, "e", token, secret)
    _check_time(attempt.now, expires)


def _check_time(now: float, expires: int) -> None:
    """Refuse an address whose last second has passed; only the owner of a right signature learns when."""
    if expires < now:
        text = f"the address expired {now - expires:.0f} seconds ago"
        raise PublishRefused("token_expired", text, found=str(expires), wanted=f"at least {now:.0f}")


def _check_dynamic(attempt: PublishAttempt, shown: Credentials, key: str) -> int:
    nonce = _number(shown, "nonce")
    _check_token(attempt, shown, "nonce", unquote(_token(shown)), key)
    return nonce


def _number(shown: Credentials, field: str) -> int:
    """The decimal number in `field`."""
    text = shown.fields.get(field, "")
    if not text:
        raise PublishRefused("token_missing", f"the address must carry {field}=<number>&token=<signature>")
    if len(text) > 19 or not (text.isascii() and text.isdigit()) or int(text) > MAX_NONCE:
        description = f"{field} must be a decimal number"
        raise PublishRefused("token_malformed", description, found=text, wanted=f"0 to {MAX_NONCE}")
    return int(text)


def _token(shown: Credentials) -> str:
    token = shown.fields.get("token", "")
    if not token:
        raise PublishRefused("token_missing", "the address carries no token; it must be its last parameter")
    return token


def _check_token(attempt: PublishAttempt, shown: Credentials, field: str, token: str, secret: str) -> None:
    """Accept the documented form, which signs `field` alone, and the SDKs': all before the token."""
    path = f"/{attempt.hub}/{attempt.stream}?"
    accepted = [sign(f"{path}{field}={shown.fields[field]}", secret)]
    if shown.signed is not None and f"&{field}=" in f"&{shown.signed}":
        accepted.append(sign(path + shown.signed, secret))
    # Standard base64 and missing padding name the same bytes; every candidate is compared, found or not.
    normal = token.replace("+", "-").replace("/", "_").rstrip("=")
    if not any([_same(normal, candidate.rstrip("=")) for candidate in accepted]):  # noqa: C419
        raise _mismatch()


def _mismatch() -> PublishRefused:
    """One answer for an unknown access key and for a wrong signature, so that neither can be probed."""
    return PublishRefused("token_mismatch", "the token was not made with the right key for this address")


def _same(given: str, expected: str) -> bool:
    """Equality in time that does not depend on where the two differ."""
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode(errors="replace"))
