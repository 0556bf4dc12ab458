"""The engine that makes executions durable: DBOS Transact, and the only place that knows it.

DBOS lives in threads and an event loop of its own. Its coroutines do nothing but call over into the loop of
the control process, where a kind's code runs beside the database's connections; a step calls back, is
recorded by DBOS, and its effect runs in the control loop again. So nothing of DBOS ever blocks the API, nor
does it replace that loop's thread pool, as it does with a loop that it is launched in.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from dbos import DBOS, DBOSConfig, Serializer
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

Execute = Callable[[str, "Engine"], Awaitable[None]]
"""Runs the turn of that name, and lets the engine record its steps."""


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
    """Queues executions by name, sees to it that each is run to its end once, and records steps.

    One in a process. Every method is called in the loop of the control process.

    :param url: the database of the house; the engine's tables are beside the house's own in PostgreSQL, and
        in a file of their own beside that of SQLite.
    :param server: the name of this server among those that share the database, the same at its next start:
        what it left is recovered when it opens.
    :param queues: how many executions of each queue may run at a time, on all servers together.
    """

    def __init__(
        self, url: URL, server: str, queues: Mapping[str, int], poll_seconds: float, execute: Execute
    ) -> None:
        self._url = url
        self._server = server
        self._queues = dict(queues)
        self._poll_seconds = poll_seconds
        self._execute = execute
        self._control_loop = asyncio.get_running_loop()
        self._engine_loop: asyncio.AbstractEventLoop | None = None
        # One thread: what is asked of DBOS from here is short, and is asked in order.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tasks")

    async def open(self) -> None:
        """Make the engine's tables, recover what this server left unfinished, and begin to work."""
        await self._call(self._launch)

    async def close(self) -> None:
        """Stop; what runs is told to end, and is recovered at the next start."""
        await self._call(DBOS.destroy, destroy_registry=True)
        self._thread.shutdown(wait=False)

    async def enqueue(self, executions: Iterable[tuple[str, str]]) -> None:
        """Let each `(execution, queue)` run once; doing it again is harmless."""
        await self._call(self._enqueue, list(executions))

    async def step(self, name: str, effect: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Inside an execution: the step's recorded result, or that of `effect`, which is recorded."""

        async def record() -> Any:
            return await self._over_to(self._control_loop, effect())

        assert self._engine_loop is not None
        return await self._over_to(self._engine_loop, DBOS.run_step_async({"name": name}, record))

    async def take_over(self, server: str) -> None:
        """Queue anew what a server that is gone has left; doing it twice, or by two servers, is harmless."""
        await self._call(DBOS._recover_pending_workflows, [server])

    async def unfinished(self, executions: list[str]) -> set[str]:
        """Those of them that are going to be run, or are running."""
        return await self._call(self._unfinished, executions)

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
            "executor_id": self._server,
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
            DBOS.listen_queues(list(self._queues))
            DBOS.launch()
            for queue, places in self._queues.items():
                DBOS.register_queue(
                    queue,
                    global_concurrency=places,
                    polling_interval_sec=self._poll_seconds,
                    on_conflict="always_update",
                )
        except BaseException:
            DBOS.destroy(destroy_registry=True)
            raise

    def _workflow(self) -> Callable[[str], Coroutine[Any, Any, None]]:
        async def turn(execution: str) -> None:
            self._engine_loop = asyncio.get_running_loop()
            await self._over_to(self._control_loop, self._run(execution))

        return turn

    async def _run(self, execution: str) -> None:
        await self._execute(execution, self)

    def _enqueue(self, executions: list[tuple[str, str]]) -> None:
        for execution, queue in executions:
            DBOS.enqueue_workflow_with_options(
                {
                    "workflow_name": WORKFLOW,
                    "queue_name": queue,
                    "workflow_id": execution,
                    "app_version": VERSION,
                },
                execution,
            )

    def _unfinished(self, executions: list[str]) -> set[str]:
        found = DBOS.list_workflows(
            workflow_ids=executions, status=_UNFINISHED, load_input=False, load_output=False
        )
        return {workflow.workflow_id for workflow in found}

    def _forget(self) -> None:
        while True:
            ended = DBOS.list_workflows(
                status=_FINISHED, limit=FORGET_AT_ONCE, load_input=False, load_output=False
            )
            DBOS.delete_workflows([workflow.workflow_id for workflow in ended])
            if len(ended) < FORGET_AT_ONCE:
                return
