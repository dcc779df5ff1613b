"""What was made of values that come again and again in a roster."""

from collections.abc import Callable
from typing import TypeVar

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


class Remembered(dict[KeyT, ValueT]):
    """`remembered[value]` is what `make(value)` gave; past `bound` values it begins anew, so it holds no whole file."""

    def __init__(self, make: Callable[[KeyT], ValueT], bound: int) -> None:
        super().__init__()
        self._make = make
        self._bound = bound

    def __missing__(self, key: KeyT) -> ValueT:
        """Make it."""
        made = self._make(key)
        if len(self) >= self._bound:
            self.clear()
        self[key] = made
        return made
