"""`xinshimin demo`: four rosters of nobody, for a suite that runs in sandbox mode."""

# ruff: noqa: PLC0415 - importing a command's needs only when it runs keeps `xinshimin --help` quick

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.suite.exits import ExitCode, SuiteError
from services.suite.options import AsJson

if TYPE_CHECKING:
    from services.suite.first_calls import DemoClient

demo = typer.Typer(help="Rosters of made-up people: write them, or load them into the running suite.", no_args_is_help=True)

Persons = Annotated[int | None, typer.Option(help="Only so many persons of each roster.", min=1)]


@demo.command()
def write(
    folder: Annotated[Path, typer.Option(help="Where to write them.")] = Path("demo"),
    persons: Persons = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Write the four rosters as files: a factory's workers, a landlord's guests, a school's pupils, a coordinator's visits."""
    from services.chassis.clock import LawClock
    from services.suite.demo_rosters import ROSTERS
    from services.suite.screen import show

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for roster in ROSTERS:
        path = folder / roster.name
        path.write_bytes(roster.content(LawClock().today(), persons))
        written.append(str(path))
    show({"written": written}, written, as_json=as_json)


@demo.command()
def load(persons: Persons = None, *, as_json: AsJson = False) -> None:
    """Load the four rosters through the gateway as the demo client: upload, import, follow, and fetch what was refused.

    Puts the city's rules for points in force, too. Loaded again on the same day nothing changes.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from services.suite.data_folder import Layout
    from services.suite.demo_load import office
    from services.suite.demo_rosters import ROSTERS
    from services.suite.environment import load_settings
    from services.suite.screen import show

    layout = Layout(load_settings().data_dir)
    client = _client(layout.demo_client)
    folder = layout.root / "demo"
    bars = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    results: dict[str, Any] = {}
    lines: list[str] = []
    refused: dict[str, bytes] = {}

    async def work(progress: Progress) -> None:
        async with office(client) as demo_office:
            await demo_office.prepare()
            lines.append(f"points are counted by {await demo_office.put_rules_in_force()}")
            for roster in ROSTERS:
                bar = progress.add_task(roster.title, total=None)

                def follow(done: int, total: int | None, bar: Any = bar) -> None:
                    progress.update(bar, completed=done, total=total)

                for loaded in await demo_office.load(roster, follow, size=persons):
                    follow(loaded.operation["done"], loaded.operation["total"])
                    name = f"{Path(roster.name).stem}-{loaded.kind}"
                    results[name] = loaded.operation
                    counts = ", ".join(f"{outcome} {times}" for outcome, times in sorted(loaded.operation["counts"].items()))
                    lines.append(f"{roster.name} as {loaded.kind}: {counts}")
                    if loaded.refused is not None:
                        refused[name] = loaded.refused

    with Progress(*bars, console=Console(stderr=True), disable=as_json) as progress:
        asyncio.run(work(progress))
    for name, content in refused.items():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / f"{name}-refused.csv"
        path.write_bytes(content)
        lines.append(f"{name}: refused rows with reasons in {path}")
    show({"rosters": results}, lines, as_json=as_json)


def _client(file: Path) -> "DemoClient":
    from services.suite.first_calls import read_client

    if (client := read_client(file)) is None:
        raise SuiteError(ExitCode.WRONG_SETTINGS, "There is no demo client; start the suite with `make run` first.")
    return client
