"""The engine that makes executions durable: DBOS Transact, and the only place that knows it.

DBOS lives in threads and an event loop of its own. Its coroutines do nothing but call over into the loop of
the control process, where a kind's code runs beside the database's connections; a step calls back, is
recorded by DBOS, and its effect runs in the control loop again. So nothing of DBOS ever blocks the API, nor
does it replace that loop's thread pool, as it does with a loop that it is launched in.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, TypeVar

from dbos import DBOS, DBOSConfig, Serializer, WorkflowStatus
from sqlalchemy.engine import URL

from oxbow.kernel.tasks import engine_database, engine_logs

T = TypeVar("T")

APPLICATION = "oxbow-tasks"
SCHEMA = "oxbow_tasks"
WORKFLOW = "turn"
# One version for ever: a task begun by one release is finished by the next. A kind whose steps have changed
# meanwhile fails that attempt, and the next attempt begins with the new steps.
VERSION = "1"

THREADS = 8
_UNFINISHED = ["ENQUEUED", "DELAYED", "PENDING"]
_FINISHED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
FORGET_AT_ONCE = 500
LIST_AT_ONCE = 10_000

POLL_SECONDS = 0.2
"""How soon an execution begins. The engine runs only while there is work, so looking often costs little."""

Execute = Callable[[str, "Engine"], Awaitable[bool]]
"""Runs the turn of that name, and lets the engine record its steps; whether it has ended for good."""


def _text_of_error(value: object) -> str:
    if isinstance(value, BaseException):
        return str(value)
    raise TypeError(f"a step's result is JSON, not {type(value).__name__}")


class Json(Serializer):
    """What DBOS stores is JSON. By default it would be pickles, which run code when they are read."""

    def serialize(self, data: Any) -> str:
        return json.dumps(data, default=_text_of_error)

    def deserialize(self, serialized_data: str) -> Any:
        return json.loads(serialized_data)

    def name(self) -> str:
        return "oxbow_json"


class Engine:
    """Runs executions by name, each to its end once, and records their steps.

    One at a time in a process. Every method is called in the loop of the control process. What runs, when and
    where is decided by our own table alone: an execution that was begun and not ended stays as it is, with
    its steps, until somebody lets it go on.

    :param url: the database of the house; the engine's tables are beside the house's own in PostgreSQL, and
        in a file of their own beside that of SQLite.
    :param server: the name of this server among those that share the database.
    """

    def __init__(self, url: URL, server: str, execute: Execute) -> None:
        self._url = url
        self._queue = f"server {hashlib.sha256(server.encode()).hexdigest()[:32]}"
        self._execute = execute
        self._control_loop = asyncio.get_running_loop()
        self._engine_loop: asyncio.AbstractEventLoop | None = None
        # One thread: what is asked of DBOS from here is short, and is asked in order.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tasks")

    async def open(self) -> None:
        """Make the engine's tables, and begin to work."""
        await self._call(self._launch)

    async def close(self) -> None:
        """Stop; what runs is told to end, and can go on later."""
        await self._call(DBOS.destroy, destroy_registry=True)
        self._thread.shutdown(wait=False)

    async def go_on(self, executions: list[str]) -> set[str]:
        """Let this server run them, from their last recorded step; those that have ended, and cannot."""
        return await self._call(self._go_on, executions)

    async def step(self, name: str, effect: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Inside an execution: the step's recorded result, or that of `effect`, which is recorded."""

        async def record() -> Any:
            return await self._over_to(self._control_loop, effect())

        assert self._engine_loop is not None
        return await self._over_to(self._engine_loop, DBOS.run_step_async({"name": name}, record))

    async def unfinished(self, before: float) -> list[str]:
        """Executions that were begun before a moment and have not ended, oldest first; so many at a time."""
        return await self._call(self._unfinished, before)

    async def drop(self, executions: list[str]) -> None:
        """Delete what is left of them."""
        await self._call(DBOS.delete_workflows, executions)

    async def forget(self) -> None:
        """Delete what is left of executions that have ended."""
        await self._call(self._forget)

    async def _call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        call = self._control_loop.run_in_executor(self._thread, lambda: function(*args, **kwargs))
        return await asyncio.shield(call)

    async def _over_to(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
        """Await a coroutine in the other loop. DBOS knows by the context, which goes along, whose it is."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))

    def _launch(self) -> None:
        engine_logs.route()
        config: DBOSConfig = {
            "name": APPLICATION,
            # Another one each time: DBOS itself recovers nothing then.
            "executor_id": secrets.token_hex(16),
            "application_version": VERSION,
            "serializer": Json(),
            "log_level": engine_logs.LEVEL,
            "max_executor_threads": THREADS,
            "use_listen_notify": False,
            # Nothing here listens for notifications; but who closes waits for that thread's next look.
            "notification_listener_polling_interval_sec": 0.2,
            "enable_otlp": False,
            "dbos_system_schema": SCHEMA,
        }
        config.update(engine_database.options(self._url))
        try:
            DBOS(config=config)
            DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)(self._workflow())
            DBOS.listen_queues([self._queue])
            DBOS.launch()
            DBOS.register_queue(self._queue, polling_interval_sec=POLL_SECONDS, on_conflict="always_update")
        except BaseException:
            DBOS.destroy(destroy_registry=True)
            raise

    def _workflow(self) -> Callable[[str], Coroutine[Any, Any, None]]:
        async def turn(execution: str) -> None:
            self._engine_loop = asyncio.get_running_loop()
            if not await self._over_to(self._control_loop, self._run(execution)):
                raise asyncio.CancelledError  # To DBOS that is no end: it keeps what was recorded.

        return turn

    async def _run(self, execution: str) -> bool:
        return await self._execute(execution, self)

    def _go_on(self, executions: list[str]) -> set[str]:
        found = DBOS.list_workflows(workflow_ids=executions, load_input=False, load_output=False)
        known = {workflow.workflow_id: workflow for workflow in found}
        for execution in executions:
            if execution not in known:
                self._enqueue(execution)
            elif known[execution].status in _UNFINISHED and not self._is_queued(known[execution]):
                DBOS.resume_workflow(execution, queue_name=self._queue)
        return {workflow.workflow_id for workflow in found if workflow.status not in _UNFINISHED}

    def _is_queued(self, workflow: WorkflowStatus) -> bool:
        return workflow.status == "ENQUEUED" and workflow.queue_name == self._queue

    def _enqueue(self, execution: str) -> None:
        DBOS.enqueue_workflow_with_options(
            {
                "workflow_name": WORKFLOW,
                "queue_name": self._queue,
                "workflow_id": execution,
                "app_version": VERSION,
            },
            execution,
        )

    def _unfinished(self, before: float) -> list[str]:
        end = datetime.fromtimestamp(before, UTC).isoformat()
        found = DBOS.list_workflows(
            status=_UNFINISHED, end_time=end, limit=LIST_AT_ONCE, load_input=False, load_output=False
        )
        return [workflow.workflow_id for workflow in found]

    def _forget(self) -> None:
        while True:
            ended = DBOS.list_workflows(
                status=_FINISHED, limit=FORGET_AT_ONCE, load_input=False, load_output=False
            )
            DBOS.delete_workflows([workflow.workflow_id for workflow in ended])
            if len(ended) < FORGET_AT_ONCE:
                return
