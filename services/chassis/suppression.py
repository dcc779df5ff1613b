"""Small numbers of people are not shown below city level, nor numbers from which one could be computed (indicators.md §5).

A table has a row for each group of people and a column for each way it can go; the sums of its rows (how many people a group
has) and of its columns (the city's figures) are known. Whatever is not zero and below the smallest number is hidden, and more
beside it until no hidden number can be computed from the sums. A group smaller than that is hidden as a whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass

Row = tuple[int, ...]
Cells = tuple[int | None, ...]
_Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Shown:
    """What may be shown of a table: `None` is hidden. `people` are the sums of the rows."""

    people: Cells
    cells: tuple[Cells, ...]


def shown_of(table: Sequence[Row], smallest: int) -> Shown:
    """What may be shown of a table whose column sums are known to everybody."""
    people = [sum(row) for row in table]
    withheld = _withheld(people, smallest)
    hidden = {(at, column) for at in withheld for column in range(len(table[at]))}
    hidden |= {(at, column) for at, row in enumerate(table) for column, cell in enumerate(row) if 0 < cell < smallest}
    hiding = _Hiding(table, withheld, hidden, smallest)
    hiding.complete()
    return Shown(
        tuple(None if at in withheld else number for at, number in enumerate(people)),
        tuple(
            tuple(None if (at, column) in hidden else cell for column, cell in enumerate(row)) for at, row in enumerate(table)
        ),
    )


def _withheld(people: Sequence[int], smallest: int) -> set[int]:
    """Groups of which not even the size is shown: small ones, and the next larger while the rest of the city tells them."""
    ordered = sorted((number, at) for at, number in enumerate(people) if number)
    withheld = [at for number, at in ordered if number < smallest]
    while withheld and (len(withheld) < 2 or sum(people[at] for at in withheld) < smallest) and len(withheld) < len(ordered):
        withheld.append(ordered[len(withheld)][1])
    return set(withheld)


class _Hiding:
    """Hides more until the rest does not tell what is hidden. A withheld row has no sum that anybody knows."""

    def __init__(self, table: Sequence[Row], withheld: set[int], hidden: set[_Place], smallest: int) -> None:
        self._table, self._hidden, self._smallest = table, hidden, smallest
        columns = range(len(table[0]) if table else 0)
        rows = [[(at, column) for column in columns] for at in range(len(table)) if at not in withheld]
        self._lines = [*rows, *([(at, column) for at in range(len(table))] for column in columns)]

    def complete(self) -> None:
        """Until every line hides nothing or enough, and no small number is the only one that fits."""
        while True:
            line = next((line for line in self._lines if self._tells(line)), None) or self._line_of_known()
            if line is None:
                return
            self._hidden.add(min(self._shown(line), key=self._cost))

    def _shown(self, line: Sequence[_Place]) -> list[_Place]:
        return [place for place in line if place not in self._hidden]

    def _cost(self, place: _Place) -> tuple[bool, int, _Place]:
        """What is lost by hiding a number: the smallest that is not zero goes first, since zeros hide badly."""
        number = self._number(place)
        return number == 0, number, place

    def _number(self, place: _Place) -> int:
        return self._table[place[0]][place[1]]

    def _tells(self, line: Sequence[_Place]) -> bool:
        """Whether a line gives away what it hides: one number alone, or so few people that they may as well be told."""
        hidden = [self._number(place) for place in line if place in self._hidden]
        return bool(hidden) and len(hidden) < len(line) and (len(hidden) < 2 or sum(hidden) < self._smallest)

    def _line_of_known(self) -> Sequence[_Place] | None:
        """A line with a small hidden number that only one value fits, and with something left to hide."""
        lowest, highest = self._bounds()
        for place in sorted(self._hidden):
            if 0 < self._number(place) < self._smallest and lowest[place] == highest[place]:
                for line in self._lines:
                    if place in line and self._shown(line):
                        return line
        return None

    def _bounds(self) -> tuple[dict[_Place, int], dict[_Place, int]]:
        """Between what each hidden number must lie, as anybody can work out line by line from the sums."""
        lines = [[place for place in line if place in self._hidden] for line in self._lines]
        sums = [sum(map(self._number, line)) for line in lines]
        lowest = dict.fromkeys(self._hidden, 0)
        highest = dict.fromkeys(self._hidden, sum(map(sum, self._table)))
        changed = True
        while changed:
            changed = False
            for line, total in zip(lines, sums, strict=True):
                low, high = sum(lowest[place] for place in line), sum(highest[place] for place in line)
                for place in line:
                    least, most = total - (high - highest[place]), total - (low - lowest[place])
                    if least > lowest[place] or most < highest[place]:
                        lowest[place], highest[place] = max(lowest[place], least), min(highest[place], most)
                        changed = True
                        low, high = sum(lowest[each] for each in line), sum(highest[each] for each in line)
        return lowest, highest
