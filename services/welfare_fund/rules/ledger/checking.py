"""Checking an export offline: every hash, every rule and every balance again, from nothing but the file."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.welfare_fund.rules.ledger.accounts import Account, Transfer
from services.welfare_fund.rules.ledger.chain import Entry
from services.welfare_fund.rules.ledger.exporting import HEADER, footer, read_entry
from services.welfare_fund.rules.ledger.posting import Ledger, RefusedError, TrialBalance, trial_balances


class BrokenLedgerError(Exception):
    """The export is not what the ledger wrote; `line` counts from 1, `why` is for a reader."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line, self.why = line, why


@dataclass(frozen=True, slots=True)
class Checked:
    """What a sound export says: entries, the last hash, balances in fen, assets and sources of each book."""

    entries: int
    head: str
    balances: dict[Account, int]
    books: dict[str, TrialBalance]


def check(lines: Iterable[bytes], published: str | None = None) -> Checked:
    """Read an export line by line. Raises BrokenLedgerError at the first line that is wrong.

    Whoever writes the whole file anew can make every hash fit. So give the hash that was `published` or printed at any time:
    the ledger must still pass through it.
    """
    rebuilt = Rebuilt()
    number = 0
    ended = False
    for number, line in enumerate(lines, start=1):
        if ended:
            raise BrokenLedgerError(number, "there is something after the balances")
        if number == 1:
            if line != HEADER:
                raise BrokenLedgerError(number, "this is no export of a fund ledger")
        elif line.startswith(b'{"balances":'):
            rebuilt.close(number, line)
            ended = True
        else:
            rebuilt.add(number, line)
    if not ended:
        raise BrokenLedgerError(number + 1, "the end is missing: the file was cut off")
    ledger = rebuilt.ledger
    if published is not None and published not in {each.hash for each in ledger.entries}:
        raise BrokenLedgerError(number, "no entry has the published hash: this is another ledger, or an earlier state of it")
    return Checked(len(ledger.entries), ledger.head, dict(ledger.state.balances), trial_balances(ledger.state.balances))


class Rebuilt:
    """The ledger that the lines read so far make; a group is booked when the next begins."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self._group: list[Entry] = []

    def add(self, number: int, line: bytes) -> None:
        """Take the line of an entry. Raises BrokenLedgerError."""
        try:
            entry = read_entry(line)
        except ValueError as error:
            raise BrokenLedgerError(number, f"this is no entry: {error}") from None
        if self._group and entry.group != self._group[0].group:
            self._book(number)
        self._group.append(entry)

    def close(self, number: int, line: bytes) -> None:
        """Take the last line. Raises BrokenLedgerError."""
        if self._group:
            self._book(number)
        if line != footer(len(self.ledger.entries), self.ledger.head, self.ledger.state.balances):
            raise BrokenLedgerError(number, "the balances, the number of entries or the last hash are not those of the entries")

    def _book(self, number: int) -> None:
        first = number - len(self._group)
        transfers: list[Transfer] = [each.transfer for each in self._group]
        try:
            booked = self.ledger.book(transfers, self._group[0].booked_at)
        except RefusedError as error:
            raise BrokenLedgerError(first + error.place, f"the rules refuse this entry: {error.refusal}") from None
        for place, (told, made) in enumerate(zip(self._group, booked, strict=True)):
            if told != made:
                raise BrokenLedgerError(
                    first + place,
                    "this entry was changed: its number, group, instant or hash does not follow from those before",
                )
        self._group = []
