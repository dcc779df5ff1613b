"""The schedules at hand: those of the release, and a city's own beside them."""

from functools import cache
from pathlib import Path

from services.health.rules.compiling import Programme, ScheduleTexts, compile_programme

_RELEASED = Path(__file__).parents[1] / "schedules"
_APART = frozenset({"vaccines", "rules"})


@cache
def released() -> ScheduleTexts:
    """The schedules that ship."""
    return read_folder(_RELEASED)


@cache
def programme() -> Programme:
    """The programme of the release, compiled once."""
    return compile_programme(released())


def read_folder(folder: Path) -> ScheduleTexts:
    """The schedules in a folder. Raises OSError, UnicodeError."""
    texts = {file.stem: file.read_text("utf-8") for file in sorted(folder.glob("*.toml"))}
    editions = {name: text for name, text in texts.items() if name not in _APART}
    return ScheduleTexts(vaccines=texts["vaccines"], rules=texts["rules"], editions=editions)
