"""How far a long command has come, on standard error: a bar on a terminal, a line per step elsewhere, nothing for a program."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Working:
    """A context manager; `tell` says what is being done, how much of it is done, and how much there is."""

    def __init__(self, *, as_json: bool) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True, quiet=as_json)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def tell(self, what: str, done: int, total: int) -> None:
        """The newest figures of one step."""
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total)
            if not self._console.is_terminal:
                self._console.print(f"· {what}: {total:,} to do", markup=False)
        self._progress.update(self._tasks[what], completed=done, total=total)
