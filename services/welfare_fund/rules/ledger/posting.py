"""Booking: a group of linked transfers is booked whole or refused whole."""

from bisect import bisect_right
from collections import ChainMap
from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from services.welfare_fund.rules.ledger.accounts import (
    ASSETS,
    REVERSED_SIDES,
    Account,
    AccountKind,
    Transfer,
    TransferKind,
    sides_of,
)
from services.welfare_fund.rules.ledger.chain import FIRST, Entry, linked

MOST_LINKED = 500
"""Transfers that may be linked: one transaction, one locked update per account (issue 8, point 9)."""

_K = TypeVar("_K")
_V = TypeVar("_V")
_MOST_FEN = 2**63 - 1
_ENDS_HOLD = frozenset({TransferKind.POST, TransferKind.VOID})
_ANSWERS = _ENDS_HOLD | {TransferKind.REVERSAL}
_WITH_EMPLOYER = _ENDS_HOLD | {TransferKind.HOLD, TransferKind.RECOVERY, TransferKind.WRITE_OFF, TransferKind.LATE_RECOVERY}


class Refusal(StrEnum):
    """Why a transfer, and with it its group, is not booked."""

    ID_REUSED = "id_reused"
    GROUP_SIZE = "group_size"
    INCOMPLETE = "incomplete"
    AMOUNT = "amount"
    UNKNOWN_ANSWERED = "unknown_answered"
    ANSWERED_ALREADY = "answered_already"
    DIFFERS_FROM_ANSWERED = "differs_from_answered"
    NOT_ANSWERABLE = "not_answerable"
    BELOW_FLOOR = "below_floor"
    UNEQUAL_ALLOTMENT = "unequal_allotment"


class RefusedError(Exception):
    """Nothing of the group was booked; `place` is the first transfer at fault, `account` the one that would fall below zero."""

    def __init__(self, refusal: Refusal, place: int = 0, account: Account | None = None) -> None:
        super().__init__(f"{refusal} at transfer {place}" + (f": {account}" if account else ""))
        self.refusal, self.place, self.account = refusal, place, account


@dataclass(frozen=True, slots=True)
class State:
    """What must be known to judge a transfer: balances in fen, transfers by id, and which of them have been answered."""

    balances: MutableMapping[Account, int] = field(default_factory=dict)
    transfers: MutableMapping[str, Transfer] = field(default_factory=dict)
    answered: MutableMapping[str, str] = field(default_factory=dict)

    def staged(self) -> "State":
        """A state that reads through to this one and keeps its own writes."""
        return State(ChainMap({}, self.balances), ChainMap({}, self.transfers), ChainMap({}, self.answered))

    def take(self, transfer: Transfer, place: int) -> None:
        """Book one transfer. Raises RefusedError."""
        _check_form(transfer, place)
        if transfer.id in self.transfers:
            raise RefusedError(Refusal.ID_REUSED, place)
        answered = self.answer(transfer, place) if transfer.answers is not None else None
        debit, credit = sides_of(transfer, answered)
        self.move(debit, transfer.amount_fen if debit.kind in ASSETS else -transfer.amount_fen, place)
        self.move(credit, -transfer.amount_fen if credit.kind in ASSETS else transfer.amount_fen, place)
        self.transfers[transfer.id] = transfer

    def answer(self, transfer: Transfer, place: int) -> Transfer:
        """What `transfer` ends or reverses; it is answered from now on, once and for ever."""
        answered = self.transfers.get(transfer.answers or "")
        if answered is None:
            raise RefusedError(Refusal.UNKNOWN_ANSWERED, place)
        fits = answered.kind is TransferKind.HOLD if transfer.kind in _ENDS_HOLD else answered.kind in REVERSED_SIDES
        if not fits:
            raise RefusedError(Refusal.NOT_ANSWERABLE, place)
        if answered.id in self.answered:
            raise RefusedError(Refusal.ANSWERED_ALREADY, place)
        if _what(answered) != _what(transfer):
            raise RefusedError(Refusal.DIFFERS_FROM_ANSWERED, place)
        self.answered[answered.id] = transfer.id
        return answered

    def move(self, account: Account, change_fen: int, place: int) -> None:
        """Change one balance, never to below zero nor beyond what a bigint holds."""
        balance = self.balances.get(account, 0) + change_fen
        if balance < 0:
            raise RefusedError(Refusal.BELOW_FLOOR, place, account)
        if balance > _MOST_FEN:
            raise RefusedError(Refusal.AMOUNT, place, account)
        self.balances[account] = balance


class Ledger:
    """All books of the fund: entries in their order, and the state they add up to."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.state = State()
        self._place_of: dict[str, int] = {}

    @property
    def head(self) -> str:
        """The hash of the last entry: whoever keeps it can tell any later change of what was booked until then."""
        return self.entries[-1].hash if self.entries else FIRST

    def book(self, transfers: Sequence[Transfer], at: datetime) -> tuple[Entry, ...]:
        """Book linked transfers: all or none. The same group again gives its entries and books nothing. Raises RefusedError.

        `at` is an instant with offset; a clock that steps back does not take the ledger with it: then the last entry's
        instant counts.
        """
        if not 0 < len(transfers) <= MOST_LINKED:
            raise RefusedError(Refusal.GROUP_SIZE)
        if known := self.known(transfers):
            return known
        staged = self.state.staged()
        for place, transfer in enumerate(transfers):
            staged.take(transfer, place)
        check_allotment(transfers)
        return self._keep(transfers, at, staged)

    def known(self, transfers: Sequence[Transfer]) -> tuple[Entry, ...]:
        """The entries of a group that is booked already; none for a new one, even if single ids of it are known."""
        first = self._place_of.get(transfers[0].id)
        if first is None:
            return ()
        group = tuple(each for each in self.entries[first : first + MOST_LINKED] if each.group == self.entries[first].group)
        return group if tuple(each.transfer for each in group) == tuple(transfers) else ()

    def _keep(self, transfers: Sequence[Transfer], at: datetime, staged: State) -> tuple[Entry, ...]:
        if self.entries:
            at = max(at, self.entries[-1].booked_at)
        group = len(self.entries) + 1
        for transfer in transfers:
            self._place_of[transfer.id] = len(self.entries)
            self.entries.append(linked(self.head, len(self.entries) + 1, group, at, transfer))
        self.state.balances.update(_own(staged.balances))
        self.state.transfers.update(_own(staged.transfers))
        self.state.answered.update(_own(staged.answered))
        return tuple(self.entries[group - 1 :])

    def balances_at(self, instant: datetime) -> dict[Account, int]:
        """Balances in fen after everything booked until `instant`, the instant itself included."""
        until = bisect_right(self.entries, instant, key=lambda each: each.booked_at)
        past = State()
        for entry in self.entries[:until]:
            past.take(entry.transfer, 0)
        return dict(past.balances)


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """Assets and sources in fen of one book or of all; a ledger whose two sides differ is broken."""

    assets_fen: int
    sources_fen: int


def trial_balances(balances: MutableMapping[Account, int]) -> dict[str, TrialBalance]:
    """For each book: cash + held + receivable + written off against principal + interest + replenishment (wage_fund.md §6)."""
    books = sorted({account.book for account in balances})
    return {book: TrialBalance(_sum(balances, book, ASSETS), _sum(balances, book, set(AccountKind) - ASSETS)) for book in books}


def check_allotment(transfers: Iterable[Transfer]) -> None:
    """What one book gives, others of the same group get, so that allotting makes no money. Raises RefusedError."""
    net = {TransferKind.ALLOT_OUT: -1, TransferKind.ALLOT_IN: 1}
    if sum(net.get(each.kind, 0) * each.amount_fen for each in transfers):
        raise RefusedError(Refusal.UNEQUAL_ALLOTMENT)


def _check_form(transfer: Transfer, place: int) -> None:
    if not 0 < transfer.amount_fen <= _MOST_FEN:
        raise RefusedError(Refusal.AMOUNT, place)
    answers = (transfer.answers is not None) == (transfer.kind in _ANSWERS)
    employer = transfer.kind is TransferKind.REVERSAL or (transfer.employer is not None) == (transfer.kind in _WITH_EMPLOYER)
    if not (answers and employer and transfer.id and transfer.book and transfer.document and transfer.employer != ""):
        raise RefusedError(Refusal.INCOMPLETE, place)


def _what(transfer: Transfer) -> tuple[str, str | None, int]:
    return transfer.book, transfer.employer, transfer.amount_fen


def _own(mapping: MutableMapping[_K, _V]) -> MutableMapping[_K, _V]:
    return mapping.maps[0] if isinstance(mapping, ChainMap) else mapping


def _sum(balances: MutableMapping[Account, int], book: str, kinds: Iterable[AccountKind]) -> int:
    wanted = frozenset(kinds)
    return sum(fen for account, fen in balances.items() if account.book == book and account.kind in wanted)
