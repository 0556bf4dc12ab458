"""A process that runs tasks and nothing else, until SIGTERM; its `ARGUMENTS` are among its globals.

A task of the kind `test.note` writes into FOLDER/notes when it begins and ends each of its two steps; crash
points are armed by files in FOLDER/points.
"""

import asyncio
import os
import signal
from pathlib import Path

import uvloop

from oxbow.kernel import logs
from oxbow.kernel.database import Database
from oxbow.kernel.settings.tasks import TaskSettings
from oxbow.kernel.tasks import TaskContext, TaskKind, TaskService

PLACES = 4


def note_kind(notes: Path) -> TaskKind:
    async def effect(subject: str, step: str) -> int:
        note(notes, f"{subject} {step} begins {os.getpid()}")
        await asyncio.sleep(0.05)
        note(notes, f"{subject} {step} ends {os.getpid()}")
        return os.getpid()

    async def run(context: TaskContext) -> None:
        for step in ("first", "second"):
            await context.step(step, effect, context.task.subject, step)

    return TaskKind("test.note", "Take notes", run, queue="notes", concurrency=PLACES, attempts=1)


def wait_kind(folder: Path) -> TaskKind:
    """It notes that it began, and waits, without a place, until the file FOLDER/there is there."""

    async def begin() -> None:
        note(folder / "notes", "waiting begins")

    async def is_there() -> bool:
        return (folder / "there").exists()

    async def run(context: TaskContext) -> None:
        await context.step("begin", begin)
        await context.wait("the file", is_there, 1.2)

    return TaskKind("test.wait", "Wait for a file", run, queue="waiting", concurrency=1, attempts=1)


def note(notes: Path, line: str) -> None:
    """One write that is appended as a whole, whoever else writes."""
    with notes.open("ab", buffering=0) as file:
        file.write(f"{line}\n".encode())


async def main(url: str, name: str, folder: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    database = Database(url)
    settings = TaskSettings(poll_seconds=0.05, takeover_seconds=3, crash_dir=folder / "points")
    tasks = TaskService(settings, database, server=name)
    tasks.register(note_kind(folder / "notes"))
    tasks.register(wait_kind(folder))
    await tasks.open(1)
    await stop.wait()
    await tasks.close()
    await database.close()


def serve(url: str, name: str, folder: Path) -> None:
    """The process' entry."""
    logs.setup("info", "text", name)
    uvloop.run(main(url, name, folder))


if __name__ == "__main__":
    serve(*globals()["ARGUMENTS"])
