"""The chassis's own tables, as numbered SQL that a service's migration applies. Released files are frozen."""

from pathlib import Path

from alembic.operations import Operations

from services.chassis.migrations import execute_script

_FOLDER = Path(__file__).parent


def apply(op: Operations, number: int) -> None:
    """Run `ground/<number>.sql` inside the current migration."""
    execute_script(op, sql(number))


def sql(number: int) -> str:
    """The text of `ground/<number>.sql`."""
    return (_FOLDER / f"{number:04d}.sql").read_text("utf-8")
