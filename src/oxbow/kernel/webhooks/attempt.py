"""One attempt at a delivery: send, judge, and say what is to be written down."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace

from oxbow.kernel.accounts import KeyPair
from oxbow.kernel.outbound import OutboundClient, OutboundError, OutboundRefused
from oxbow.kernel.webhooks.models import (
    ANSWER_BYTES,
    ERROR_LENGTH,
    Delivery,
    DeliveryState,
    Verdict,
)
from oxbow.kernel.webhooks.request import hook_request

FindPair = Callable[[int], Awaitable[KeyPair | None]]
"""The key pair that signs an account's callbacks."""


class Attempts:
    """Makes attempts, and counts what became of them."""

    def __init__(self, client: OutboundClient, find_pair: FindPair, clock: Callable[[], float]) -> None:
        self._client = client
        self._find_pair = find_pair
        self._clock = clock
        self.outcomes: Counter[str] = Counter()

    async def attempt(self, delivery: Delivery) -> Delivery:
        """The delivery after one more attempt: delivered, failed, or waiting for the next one."""
        tried = await self._attempt(delivery)
        self.outcomes[tried.state.value] += 1
        return tried

    async def _attempt(self, delivery: Delivery) -> Delivery:
        started = time.monotonic()
        sent = await self._send(
            replace(delivery, attempts=delivery.attempts + 1, status=0, error="", answer="")
        )
        sent = replace(sent, duration=time.monotonic() - started)
        now = self._clock()
        if sent.state != DeliveryState.WAITING:
            return replace(sent, finished_at=now)
        if sent.attempts > sent.hook.retry_times:
            return replace(sent, state=DeliveryState.FAILED, finished_at=now)
        return replace(sent, next_attempt_at=now + sent.hook.retry_interval)

    async def _send(self, delivery: Delivery) -> Delivery:
        hook = delivery.hook
        try:
            request = hook_request(hook, await self._find_pair(delivery.account))
            response = await self._client.request(
                request.method,
                request.url,
                headers=request.headers,
                content=request.content,
                timeout=hook.timeout,
                max_bytes=ANSWER_BYTES,
            )
        except OutboundRefused as refused:  # the rule will be the same in a second
            return replace(delivery, state=DeliveryState.FAILED, error=str(refused)[:ERROR_LENGTH])
        except OutboundError as error:
            return replace(delivery, error=str(error)[:ERROR_LENGTH])
        answer = response.body.decode("utf-8", "replace").replace("\0", "\ufffd")
        answered = replace(delivery, status=response.status, answer=answer)
        match hook.judge(response.status):
            case Verdict.SUCCESS:
                return replace(answered, state=DeliveryState.DELIVERED)
            case Verdict.FAILURE:
                return replace(answered, state=DeliveryState.FAILED, error="the answer is the configured no")
            case Verdict.UNCLEAR:
                return replace(answered, error=f"status {response.status}, not {hook.success_code}")
