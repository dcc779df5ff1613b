"""`xinshimin events`: where events stand, and what to do about the ones that failed."""

# ruff: noqa: PLC0415 - importing a command's needs only when it runs keeps `xinshimin --help` quick

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from services.suite.exits import ExitCode, SuiteError
from services.suite.options import AsJson, Names, adopt_running_suite

if TYPE_CHECKING:
    from services.chassis.operations import Lag

events = typer.Typer(help="Events: lag, dead ones, replay, reconciliation, snapshots.", no_args_is_help=True)

Service = Annotated[str, typer.Argument(help="The service whose events these are.")]


@events.command()
def lag(names: Names = None, *, as_json: AsJson = False) -> None:
    """What is not published yet, and per producer what is not applied, held back or dead."""
    from services.chassis import operations
    from services.suite import access, catalogue
    from services.suite.screen import show

    adopt_running_suite()

    async def work() -> list["Lag"]:
        found = []
        for name in names or [service.name for service in catalogue.SERVICES]:
            subscriptions = catalogue.process(name).definition().subscriptions
            async with access.database(name) as pool, access.bus(name) as bus:
                found.append(await operations.lag(pool, bus, service=name, subscriptions=subscriptions))
        return found

    found = access.run(work())
    show({"services": [asdict(each) for each in found]}, [line for each in found for line in _lines(each)], as_json=as_json)


def _lines(lag: "Lag") -> list[str]:
    outbox = lag.outbox
    age = f", oldest {outbox.oldest_s:.1f} s" if outbox.oldest_s is not None else ""
    lines = [f"{lag.service}: {outbox.unpublished} unpublished{age}; stream {outbox.stream_messages} messages"]
    lines += [
        f"  from {each.producer}: {each.pending} pending, {each.unacknowledged} unacknowledged, "
        f"{each.held} held, {each.dead} dead"
        for each in lag.inboxes
    ]
    return lines


@events.command()
def dead(
    names: Names = None,
    limit: Annotated[int, typer.Option(help="Most events shown per service.", min=1, max=10_000)] = 100,
    *,
    as_json: AsJson = False,
) -> None:
    """Events a service gave up on, oldest first, without their data."""
    from services.chassis import operations
    from services.suite import access, catalogue
    from services.suite.screen import show

    adopt_running_suite()

    async def work() -> dict[str, list[dict[str, Any]]]:
        found = {}
        for name in names or [service.name for service in catalogue.SERVICES]:
            access.service_settings_of(name)
            async with access.database(name) as pool:
                found[name] = [asdict(each) for each in await operations.dead_events(pool, limit=limit)]
        return found

    found = access.run(work())
    lines = [
        f"{name}: {each['event_type']} #{each['sequence']} of {each['partition_key']} from {each['producer']}, "
        f"{each['tries']} tries, {each['error']}"
        for name, dead in found.items()
        for each in dead
    ]
    show({"services": found}, lines or ["No dead events."], as_json=as_json)


@events.command()
def replay(
    service: Service,
    producer: Annotated[str | None, typer.Option(help="Only events of this producer.")] = None,
    key: Annotated[UUID | None, typer.Option(help="Only events of this partition key.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Try a service's dead events again, in order, then what they held back. Exit code 1 when some are still dead."""
    from services.suite import access, replaying
    from services.suite.screen import show

    adopt_running_suite()
    reports = access.run(replaying.replay(service, producer=producer, partition_key=key))
    lines = [f"{name}: {each.applied} applied, {each.still_dead} still dead" for name, each in reports.items()]
    show({"producers": {name: asdict(each) for name, each in reports.items()}}, lines, as_json=as_json)
    if any(each.still_dead for each in reports.values()):
        raise typer.Exit(ExitCode.FAILED)


@events.command()
def snapshot(
    service: Service,
    consumer: Annotated[str, typer.Option("--for", help="The service that shall get it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Send CONSUMER the present state of everything SERVICE owns, so that it can fill its mirrors."""
    from services.chassis import crash_points, data_keys
    from services.chassis.operations import SnapshotReport, send_snapshot
    from services.chassis.sealing import Suite
    from services.chassis.subscriptions import producers_of
    from services.suite import access, catalogue
    from services.suite.screen import show

    adopt_running_suite()
    if service not in producers_of(catalogue.process(consumer).definition().subscriptions):
        raise SuiteError(ExitCode.WRONG_SETTINGS, f"{consumer} does not follow {service}.")
    settings = access.service_settings_of(service)
    crash_points.arm(settings.crash_at)
    offered = catalogue.process(service).definition().snapshot
    if offered is None:
        raise SuiteError(ExitCode.WRONG_SETTINGS, f"{service} owns nothing that others mirror.")

    async def work() -> SnapshotReport:
        async with access.database(service) as pool, access.bus(service) as bus:
            keyring = await data_keys.open_keyring(pool, settings.key_file, Suite.named(settings.cipher_suite))
            return await send_snapshot(pool, bus, service=service, consumer=consumer, snapshot=offered, keyring=keyring)

    report = access.run(work())
    show(asdict(report), [f"{report.keys} keys with {report.states} states sent to {consumer}."], as_json=as_json)


@events.command()
def reconcile(
    names: Names = None,
    wait_s: Annotated[float, typer.Option("--wait", help="Seconds to let followers apply what is under way.", min=0)] = 30.0,
    *,
    as_json: AsJson = False,
) -> None:
    """Compare outboxes, streams and inboxes; publish again what a stream lost. Exit code 1 if any still differ."""
    from services.suite import access, catalogue, reconciling
    from services.suite.screen import show

    adopt_running_suite()
    chosen = names or [service.name for service in catalogue.SERVICES]
    reports = access.run(reconciling.reconcile(chosen, wait_s=wait_s))
    lines = []
    for name, report in reports.items():
        lines.append(f"{name}: {report.published} events in a fortnight, {report.republished} of them published again")
        for follower, each in report.followers.items():
            again = "; read the stream again" if each.rewound else ""
            lines.append(f"  {follower}: {each.behind} keys behind, {each.ahead} ahead{again}")
    show({"services": {name: asdict(report) for name, report in reports.items()}}, lines, as_json=as_json)
    if not all(report.good for report in reports.values()):
        raise typer.Exit(ExitCode.FAILED)
