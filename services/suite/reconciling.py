"""Reconciliation by the command line: every event in its stream, every inbox where its producer stands."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from services.chassis import crash_points, operations
from services.chassis.bus import Bus
from services.chassis.bus_errors import StreamMissingError
from services.chassis.db import without_transaction
from services.chassis.operations import Reconciliation
from services.chassis.rows import SERVICE
from services.chassis.subscriptions import producers_of
from services.suite import access, catalogue

_LOOK_S = 0.2


@dataclass(slots=True)
class FollowerReport:
    """Of how many keys a follower knows less than was emitted, or more; whether it was made to read its stream again."""

    behind: int
    ahead: int
    rewound: bool = False


@dataclass(slots=True)
class ServiceReport:
    """What became of one service's stream, and of those who follow it."""

    published: int
    republished: int
    followers: dict[str, FollowerReport] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether all followers stand where the service stands."""
        return not any(follower.behind or follower.ahead for follower in self.followers.values())


async def reconcile(services: Iterable[str], *, wait_s: float) -> dict[str, ServiceReport]:
    """Publish again what streams lost; then compare inboxes, and let those that are behind read their stream again.

    Followers get `wait_s` seconds each time to apply what is under way. One that stays behind holds or buried something:
    `xinshimin events lag` and `dead` tell. One that is ahead knows events from before a restore of its producer.
    """
    reports = {}
    for name in services:
        done = await _reconcile_stream(name)
        reports[name] = ServiceReport(done.published, done.republished)
        for follower in catalogue.SERVICES:
            if name in producers_of(follower.definition().subscriptions):
                reports[name].followers[follower.name] = await _reconcile_inbox(name, follower.name, wait_s)
    return reports


async def _reconcile_stream(service: str) -> Reconciliation:
    crash_points.arm(access.service_settings_of(service).crash_at)
    async with (
        access.database(service) as pool,
        access.bus(service) as bus,
        without_transaction(pool, rows=SERVICE) as tx,
    ):
        return await operations.reconcile(tx, bus, service=service, thorough=True)


async def _reconcile_inbox(producer: str, follower: str, wait_s: float) -> FollowerReport:
    async with access.database(producer) as producing, access.database(follower) as following, access.bus(follower) as bus:
        await until_applied(bus, producer, follower, wait_s)
        found = await operations.compare_inbox(producing, following, producer=producer)
        if found.behind == 0:
            return FollowerReport(found.behind, found.ahead)
        await bus.rewind(producer, follower)
        await until_applied(bus, producer, follower, wait_s)
        found = await operations.compare_inbox(producing, following, producer=producer)
        return FollowerReport(found.behind, found.ahead, rewound=True)


async def until_applied(bus: Bus, producer: str, follower: str, wait_s: float) -> None:
    """Wait until the follower has nothing before it, within reason."""
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        try:
            backlog = await bus.backlog(producer, follower)
            if backlog is None or (backlog.pending == 0 and backlog.unacknowledged == 0):
                return
        except StreamMissingError:  # its durable is about to be made anew
            pass
        await asyncio.sleep(_LOOK_S)
