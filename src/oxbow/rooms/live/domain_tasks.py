"""What goes on after a domain was bound, unbound, or given a certificate: each a task that anybody can watch.

The change itself counts when its call is answered. A task is recorded in the transaction of the change, so
that neither is ever without the other; it sees the change reach every media worker, and the DNS record come
right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from oxbow.kernel.tasks import TaskContext, TaskKind, crash_point
from oxbow.rooms.live.board import LiveBoard
from oxbow.rooms.live.cache import ConfigurationCache
from oxbow.rooms.live.cname.service import CnameService
from oxbow.rooms.live.models import Domain
from oxbow.rooms.live.settings_domains import DomainSettings

BIND, UNBIND, DEPLOY = "live.bind_domain", "live.unbind_domain", "live.deploy_certificate"
PROPAGATION_SECONDS = 0.2
"""How often it is looked whether the workers have taken a configuration."""
MANY = 10_000


class BeginTask(Protocol):
    """Records a task in a transaction: `TaskService.start_within`."""

    def __call__(
        self,
        session: AsyncSession,
        kind: str,
        *,
        account: int,
        subject: str,
        arguments: dict[str, Any] | None = None,
    ) -> object: ...


Also = Callable[[AsyncSession], object]
"""Something to be kept if the transaction is, and not if it is not."""


def no_task(
    session: AsyncSession,
    kind: str,
    *,
    account: int,
    subject: str,
    arguments: dict[str, Any] | None = None,
) -> None:
    """For a service that runs without tasks: what it changes counts all the same."""


def hub_of(arguments: Mapping[str, Any]) -> str:
    """What a task about a domain concerns."""
    return f"hub/{arguments.get('hub', '')}"


class DomainTasks:
    """The kinds of tasks about domains."""

    def __init__(
        self,
        cache: ConfigurationCache,
        board: LiveBoard,
        cname: CnameService,
        settings: DomainSettings,
    ) -> None:
        self._cache = cache
        self._board = board
        self._cname = cname
        self._settings = settings

    @property
    def kinds(self) -> list[TaskKind]:
        """As the tasks of the house know them."""
        return [
            TaskKind(
                BIND,
                "Bring a bound domain to every media worker, and wait until its DNS record leads here",
                self.bind,
                queue="live.domain_setup",
                concurrency=8,
                deadline_seconds=self._settings.setup_hours * 3600,
                attempts=1,
                about=hub_of,
            ),
            TaskKind(
                UNBIND,
                "Take an unbound domain from every media worker",
                self.tell,
                queue="live.domains",
                about=hub_of,
            ),
            TaskKind(
                DEPLOY,
                "Bring the certificate of a domain to every media worker",
                self.tell,
                queue="live.domains",
                about=hub_of,
            ),
        ]

    async def bind(self, context: TaskContext) -> None:
        """Done when the record is right; the domain serves long before."""
        await self._tell_workers(context)
        if self._cname.is_off:
            await context.progress(1.0, "it serves; DNS is not asked, since OXBOW_DOMAINS_RESOLVER is off")
            return
        domain = self._bound(context)
        if domain is None:
            return

        async def is_right() -> bool:
            return await self._looks_right(context)

        what = f"CNAME of {domain.name} to be {self._cname.expected(domain)}"
        await context.wait(what, is_right, self._settings.check_seconds)

    async def tell(self, context: TaskContext) -> None:
        """Done when every worker goes by the change."""
        await self._tell_workers(context)
        await context.progress(1.0, "every media worker knows")

    async def _tell_workers(self, context: TaskContext) -> None:
        await context.progress(0.1, "telling the media workers")
        await context.step("read the configuration", self._cache.refresh)
        await context.wait("every media worker to take the configuration", self._told, PROPAGATION_SECONDS)
        await context.progress(0.5, "it serves on every media worker")

    async def _told(self) -> bool:
        return self._board.all_know(self._cache.told)

    async def _looks_right(self, context: TaskContext) -> bool:
        domain = self._bound(context)
        if domain is None:
            await context.progress(1.0, "the domain was unbound meanwhile")
            return True
        check = await self._cname.check(domain)
        crash_point("live.bind_domain.checked")
        await context.progress(1.0 if check.right else 0.5, check.verdict or "its DNS record leads here")
        return check.right

    def _bound(self, context: TaskContext) -> Domain | None:
        """The domain as this task's binding made it; None once it is unbound, or bound anew."""
        domain = self._cache.current.domains.get(context.arguments["domain"])
        wanted = (context.arguments["hub"], context.arguments["boundAt"])
        return domain if domain is not None and (domain.hub, domain.created_at) == wanted else None
