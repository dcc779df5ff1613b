"""`xinshimin health`: a child's doses judged and the next ones forecast – offline, without a running suite."""

# ruff: noqa: PLC0415 - importing a command's needs only when it runs keeps `xinshimin --help` quick

from pathlib import Path
from typing import Annotated

import typer

from services.suite.options import AsJson

health = typer.Typer(
    help="Immunisation: doses judged, the next ones forecast, a plan for who is behind. Needs no running suite.",
    no_args_is_help=True,
)


@health.callback()
def _group() -> None:
    """One command so far, and more to come: without this Typer would make it the group itself."""


@health.command()
def forecast(
    case: Annotated[Path, typer.Option("--case", help="JSON with born_on, doses and what else is known of the child.")],
    as_of: Annotated[str, typer.Option("--as-of", help="Law day of the assessment, such as 2026-11-30.")],
    edition: Annotated[
        str | None,
        typer.Option(help="Forecast by this edition instead of that of the day, such as cn-nip-2021.", show_default=False),
    ] = None,
    overlay: Annotated[
        Path | None, typer.Option(help="A city's own vaccines, as services/health/README.md has them.", show_default=False)
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Judge every dose by the edition of its day, say what comes next in each line, and plan for a child who is behind.

    Exit code 34 if the child, the day or the schedules cannot be used; each problem names its field and rules.
    """
    from services.health.rules.wording import lines_of
    from services.suite import health_files
    from services.suite.screen import show

    told = health_files.forecast(case, as_of, edition, overlay)
    show(told, list(lines_of(told)), as_json=as_json)
