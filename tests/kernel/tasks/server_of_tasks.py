"""A process that runs tasks and nothing else: `server_of_tasks.py DATABASE_URL NAME FOLDER`, until SIGTERM.

A task of the kind `test.note` writes into FOLDER/notes when it begins and ends each of its two steps; crash
points are armed by files in FOLDER/points.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

import uvloop

from oxbow.kernel import logs
from oxbow.kernel.database import Database
from oxbow.kernel.tasks import TaskContext, TaskKind, TaskService
from oxbow.kernel.tasks.settings import TaskSettings


def note_kind(notes: Path) -> TaskKind:
    async def effect(subject: str, step: str) -> int:
        note(notes, f"{subject} {step} begins {os.getpid()}")
        await asyncio.sleep(0.05)
        note(notes, f"{subject} {step} ends {os.getpid()}")
        return os.getpid()

    async def run(context: TaskContext) -> None:
        for step in ("first", "second"):
            await context.step(step, effect, context.task.subject, step)

    return TaskKind("test.note", "Take notes", run, queue="notes", concurrency=4, attempts=1)


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
    await tasks.open(1)
    await stop.wait()
    await tasks.close()
    await database.close()


if __name__ == "__main__":
    logs.setup("info", "text", sys.argv[2])
    uvloop.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
