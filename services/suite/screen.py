"""What the person at the keyboard sees while the suite starts, runs and stops."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from services.suite.exits import SuiteError
from services.suite.first_calls import DemoClient, curls


@dataclass(frozen=True, slots=True)
class Ready:
    """What the last screen tells. `demo` is `None` outside a sandbox."""

    base_url: str
    demo: DemoClient | None
    demo_file: Path
    logs: Path
    seconds: float


class Screen:
    """Progress and the last screen, for a terminal, for a log, or (`as_json`) for a program.

    As JSON, standard output carries one object when the suite is ready; all else goes to standard error.
    """

    def __init__(self, *, steps: int, as_json: bool) -> None:
        self._as_json = as_json
        self._console = Console(stderr=as_json, highlight=False, soft_wrap=True)
        # Without its refreshing thread: the supervisor forks, and a process that forks should have one thread.
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            auto_refresh=False,
        )
        self._task = self._progress.add_task("", total=steps)
        self._live = self._console.is_terminal
        if self._live:
            self._progress.start()

    def step(self, description: str) -> None:
        """The next step begins."""
        if self._live:
            self._progress.update(self._task, description=description, advance=1)
            self._progress.refresh()
        else:
            self._console.print(f"· {description}")

    def waiting_for(self, description: str) -> None:
        """Refresh within a step: what is still missing."""
        if self._live:
            self._progress.update(self._task, description=description)
            self._progress.refresh()

    def ready(self, ready: Ready) -> None:
        """The last screen."""
        self.close()
        if self._as_json:
            self._write_json(ready)
            return
        out = self._console.print
        out(f"\n[bold green]Xinshimin is ready[/] after {ready.seconds:.1f} s.\n")
        out(f"  Documentation  [bold]{ready.base_url}/docs[/]   (OpenAPI: {ready.base_url}/openapi.json)")
        if ready.demo is not None:
            out(f"  Client id      {ready.demo.client_id}")
            out(f"  Client secret  {ready.demo.client_secret}")
            out(f"                 (also in {escape(str(ready.demo_file))})")
        out(f"  Logs           {escape(str(ready.logs))}")
        out("  Stop           Ctrl-C; the data stay.\n")
        if ready.demo is not None:
            out("[bold]Three calls to try[/] in another terminal: get a token, register a person, read the person back.\n")
            for call in curls(ready.demo):
                self._console.print(call, markup=False)
                out()
        else:
            out("No sandbox: make a client with `xinshimin clients create`.\n")

    def message(self, text: str) -> None:
        """One line, for instance that the suite stops."""
        self.close()
        self._console.print(text, markup=False)

    def close(self) -> None:
        """End the progress bar."""
        if self._live:
            self._progress.stop()
            self._live = False

    def _write_json(self, ready: Ready) -> None:
        content = {
            "base_url": ready.base_url,
            "documentation": f"{ready.base_url}/docs",
            "client_id": ready.demo.client_id if ready.demo else None,
            "client_secret": ready.demo.client_secret if ready.demo else None,
            "curls": list(curls(ready.demo)) if ready.demo else [],
            "logs": str(ready.logs),
            "seconds": round(ready.seconds, 3),
        }
        sys.stdout.write(json.dumps(content, ensure_ascii=False) + "\n")
        sys.stdout.flush()


class LineProgress:
    """A bar over the lines of an audit log, on a terminal only; a context manager."""

    def __init__(self, description: str) -> None:
        console = Console(stderr=True, highlight=False)
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._description = description
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def advance(self, what: str, total: int, count: int) -> None:
        """`count` more of `total` lines of `what` are done."""
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(f"{self._description} {what}", total=total)
        self._progress.advance(self._tasks[what], count)


def show_error(error: SuiteError, *, as_json: bool) -> None:
    """Why a command failed, on standard error."""
    if as_json:
        content = {"error": error.code.name.lower(), "exit_code": int(error.code), "message": error.message}
        sys.stderr.write(json.dumps(content, ensure_ascii=False) + "\n")
    else:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"[bold red]Error[/] {escape(error.message)}")


def show(content: object, lines: Sequence[str], *, as_json: bool) -> None:
    """The result of a command: `content` as JSON, or `lines` for people."""
    if as_json:
        sys.stdout.write(json.dumps(content, ensure_ascii=False, default=str, indent=2) + "\n")
    else:
        console = Console(highlight=False, soft_wrap=True)
        for line in lines:
            console.print(line, markup=False)
