"""A client of a certificate authority (RFC 8555): signed requests, and nothing that is remembered."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from acme.jws import JWS
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from josepy.json_util import decode_b64jose, encode_b64jose
from josepy.jwa import ES256
from josepy.jwk import JWKEC

from oxbow.rooms.live.certificates.parse import write_key

REQUEST_SECONDS = 20.0
MAX_ANSWER = 1 << 20
NONCE_TRIES = 4
"""An authority may refuse a nonce for its own reasons, and gives a new one with the refusal (section 6.5)."""


class AcmeError(Exception):
    """The authority could not be asked, or refused; the text is its own."""


def new_key() -> str:
    """A private key in PEM, for an account or a certificate."""
    return write_key(ec.generate_private_key(ec.SECP256R1()))


class AcmeClient:
    """Speaks for one account; a context manager.

    :param account: the account's URL, empty before it is registered.
    """

    def __init__(self, directory: str, ca_file: Path | None, key_pem: str, account: str = "") -> None:
        self._directory_url = directory
        key = serialization.load_pem_private_key(key_pem.encode(), None)
        self._key = JWKEC(key=key)
        self.account = account
        verify: Any = ssl.create_default_context(cafile=str(ca_file)) if ca_file else True
        self._http = httpx.AsyncClient(verify=verify, timeout=REQUEST_SECONDS)
        self._directory: dict[str, Any] = {}
        self._nonce = ""

    async def __aenter__(self) -> Self:
        self._directory = (await self._send("GET", self._directory_url)).json()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    def answer_to(self, token: str) -> str:
        """What the media port says to a challenge: the key authorisation of section 8.1."""
        thumbprint = encode_b64jose(self._key.thumbprint(hash_function=hashes.SHA256))
        return f"{token}.{thumbprint}"

    async def register(self, email: str) -> str:
        """Make the account, or find that of this key; its URL."""
        contact = {"contact": [f"mailto:{email}"]} if email else {}
        answer = await self._post(self._directory["newAccount"], {"termsOfServiceAgreed": True} | contact)
        self.account = str(answer.headers["Location"])
        return self.account

    async def order(self, domain: str) -> dict[str, Any]:
        """Begin an order for one name: its fields, and its own `url`."""
        identifiers = [{"type": "dns", "value": domain}]
        answer = await self._post(self._directory["newOrder"], {"identifiers": identifiers})
        order: dict[str, Any] = answer.json()
        return order | {"url": str(answer.headers["Location"])}

    async def get(self, url: str) -> dict[str, Any]:
        """An order or an authorisation as it is now."""
        found: dict[str, Any] = (await self._post(url, None)).json()
        return found

    async def act(self, url: str, payload: dict[str, Any]) -> None:
        """Say that a challenge is ready, or hand in a certificate request."""
        await self._post(url, payload)

    async def download(self, url: str) -> str:
        """A certificate's chain in PEM."""
        return (await self._post(url, None)).text

    async def _post(self, url: str, payload: dict[str, Any] | None) -> httpx.Response:
        for tries_left in reversed(range(NONCE_TRIES)):
            if not self._nonce:
                await self._send("HEAD", self._directory["newNonce"])
            nonce, self._nonce = self._nonce, ""
            body = self._signed(url, payload, nonce)
            answer = await self._send("POST", url, body, check=False)
            if answer.is_success:
                return answer
            if not (tries_left and _problem(answer).get("type", "").endswith(":badNonce")):
                raise _refusal(answer)
        raise AssertionError("unreachable")

    def _signed(self, url: str, payload: dict[str, Any] | None, nonce: str) -> bytes:
        content = b"" if payload is None else json.dumps(payload).encode()
        who = {"kid": self.account} if self.account else {}
        decoded = decode_b64jose(nonce)
        signed = JWS.sign(content, key=self._key, alg=ES256, nonce=decoded, url=url, **who)
        return str(signed.json_dumps()).encode()

    async def _send(self, method: str, url: str, body: bytes = b"", *, check: bool = True) -> httpx.Response:
        headers = {"Content-Type": "application/jose+json"} if method == "POST" else {}
        try:
            answer = await self._http.request(method, url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise AcmeError(f"{url} cannot be asked: {error or type(error).__name__}") from None
        if len(answer.content) > MAX_ANSWER:
            raise AcmeError(f"{url} answered with more than {MAX_ANSWER} bytes")
        self._nonce = answer.headers.get("Replay-Nonce", self._nonce)
        if check and not answer.is_success:
            raise _refusal(answer)
        return answer


def explain(authorization: dict[str, Any]) -> str:
    """Why an authorisation failed, in the authority's words."""
    errors = [challenge["error"] for challenge in authorization.get("challenges", ()) if "error" in challenge]
    return str(errors[0].get("detail", errors[0])) if errors else "the authority does not say why"


def _refusal(answer: httpx.Response) -> AcmeError:
    problem = _problem(answer)
    kind = str(problem.get("type", "")).rpartition(":")[2] or f"status {answer.status_code}"
    return AcmeError(f"the authority refused: {problem.get('detail', 'it does not say why')} ({kind})")


def _problem(answer: httpx.Response) -> dict[str, Any]:
    try:
        problem = answer.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}
