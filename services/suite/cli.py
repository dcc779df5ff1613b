"""The command line `xinshimin`.

Importing this module is quick: what a command needs is imported when it runs.
"""

# ruff: noqa: PLC0415 - see above

import asyncio
import socket
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from services.suite.cli_audit import audit
from services.suite.cli_clients import clients
from services.suite.cli_demo import demo
from services.suite.cli_education import education
from services.suite.cli_events import events
from services.suite.cli_fund import fund
from services.suite.cli_health import health
from services.suite.cli_keys import keys
from services.suite.cli_points import points
from services.suite.exits import ExitCode, SuiteError
from services.suite.options import AsJson, Names, adopt_running_suite

app = typer.Typer(
    name="xinshimin",
    help="Public services for the people who move to a city to work. Settings come from the environment: see .env.example.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(audit, name="audit")
app.add_typer(clients, name="clients")
app.add_typer(demo, name="demo")
app.add_typer(education, name="education")
app.add_typer(fund, name="fund")
app.add_typer(events, name="events")
app.add_typer(health, name="health")
app.add_typer(keys, name="keys")
app.add_typer(points, name="points")


def main() -> NoReturn:
    """Run the command; expected failures become a message and an exit code of `exits.ExitCode`."""
    try:
        app()
    except SuiteError as error:
        from services.suite.screen import show_error

        show_error(error, as_json="--json" in sys.argv)
        sys.exit(error.code)
    sys.exit(ExitCode.DONE)


@app.callback()
def read_environment() -> None:
    """Take `.env` of the checkout into account before any command."""
    from services.suite import environment

    environment.load_env_file()


@app.command()
def up(
    *,
    ends_with_parent: Annotated[
        bool, typer.Option("--end-with-parent", help="Stop when the process that started this one ends, as `make run` does.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Start the whole suite on this machine and keep it running until Ctrl-C.

    Embedded PostgreSQL and NATS are started unless the environment names servers; then migrations, services and gateway.
    With --json, standard output carries one object once everything is ready. Exit code 0 after a wanted stop; 28 names a part
    that died; the others are in services/suite/exits.py.
    """
    from services.suite import processes, supervisor
    from services.suite.environment import load_settings
    from services.suite.screen import Screen

    if ends_with_parent:
        processes.end_with_parent()
    screen = Screen(steps=supervisor.STEPS, as_json=as_json)
    try:
        code = supervisor.run(load_settings(), screen)
    finally:
        screen.close()
    raise typer.Exit(code)


@app.command()
def serve(
    name: Annotated[str, typer.Argument(help="registry, points_hukou, … or gateway.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8080,
    fd: Annotated[
        int | None, typer.Option(help="A listening socket inherited from the parent, instead of address and port.")
    ] = None,
) -> None:
    """Run one process of the suite in the foreground, as a container does. Its settings come from the environment."""
    from services.suite.listening import listen
    from services.suite.serve import serve as serve_process

    serve_process(name, listener=listen(host, port) if fd is None else socket.socket(fileno=fd))


@app.command()
def migrate(names: Names = None, *, as_json: AsJson = False) -> None:
    """Bring databases to their newest revision: of the named processes, or of all. Safe to repeat and to run side by side."""
    from services.suite import access, catalogue, preparation
    from services.suite.screen import show

    adopt_running_suite()
    chosen = [catalogue.process(name) for name in names] if names else list(catalogue.PROCESSES)
    for process in chosen:
        access.database_settings_of(process.name)
    revisions: dict[str, str] = {}
    asyncio.run(preparation.migrate(chosen, revisions.__setitem__))
    show({"revisions": revisions}, [f"{name}: {revision}" for name, revision in revisions.items()], as_json=as_json)


@app.command(hidden=True)
def prepare(
    demo_file: Annotated[Path | None, typer.Option(help="Make the demo client and write it here.")] = None,
    base_url: Annotated[str, typer.Option(help="Address of the gateway, for the demo client's file.")] = "",
) -> None:
    """What `up` does between the servers and the processes."""
    from services.suite import catalogue, preparation

    async def work() -> None:
        await preparation.migrate(catalogue.PROCESSES, lambda _name, _revision: None)
        if demo_file is not None:
            await preparation.ensure_demo_client(demo_file, base_url)

    asyncio.run(work())


@app.command()
def check(*, as_json: AsJson = False) -> None:
    """Look at databases and revisions, streams, consumers, lag, readiness and clocks. Exit code 32 if anything is wrong."""
    from services.suite import checking
    from services.suite.screen import show

    suite = adopt_running_suite()
    findings = asyncio.run(checking.check(suite))
    lines = [f"{'ok ' if each.ok else 'BAD'} {each.subject}: {each.what} – {each.detail}" for each in findings]
    good = all(each.ok for each in findings)
    show({"ok": good, "findings": [each.as_dict() for each in findings]}, lines, as_json=as_json)
    sys.stdout.flush()
    if not good:
        raise typer.Exit(ExitCode.CHECK_FAILED)
