"""Arguments and first steps that several commands share."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from services.suite.running import RunningSuite

AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON on standard output.")]
Names = Annotated[list[str] | None, typer.Argument(metavar="[SERVICE]...", help="Without any: all.", show_default=False)]


def adopt_running_suite() -> "RunningSuite | None":
    """Take the settings of the suite that runs on this data folder, where the environment does not give them."""
    from services.suite import running  # noqa: PLC0415 - only when a command runs
    from services.suite.data_folder import Layout  # noqa: PLC0415
    from services.suite.environment import load_settings  # noqa: PLC0415

    return running.adopt(Layout(load_settings().data_dir))
