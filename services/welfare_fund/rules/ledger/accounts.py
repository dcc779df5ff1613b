"""The accounts of a book (the city's own or a town's) and the transfers between them (wage_fund.md §6)."""

from dataclasses import dataclass
from enum import StrEnum


class AccountKind(StrEnum):
    """What an account counts. Every balance is told in the account's natural sign and is never below zero."""

    CASH = "cash"
    HELD = "held"
    RECEIVABLE = "receivable"
    WRITTEN_OFF = "written_off"
    PRINCIPAL = "principal"
    INTEREST = "interest"
    REPLENISHMENT = "replenishment"


ASSETS = frozenset({AccountKind.CASH, AccountKind.HELD, AccountKind.RECEIVABLE, AccountKind.WRITTEN_OFF})
"""Accounts that grow by debits; the others grow by credits. Assets and sources of each book are equal after every transfer."""

PER_EMPLOYER = frozenset({AccountKind.RECEIVABLE, AccountKind.WRITTEN_OFF})


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """One account: a division's book, what it counts, and for receivables and write-offs whose debt."""

    book: str
    kind: AccountKind
    employer: str | None = None


class TransferKind(StrEnum):
    """Why money moves. `post` and `void` end a hold; `reversal` undoes a transfer by a new one."""

    OPENING = "opening"
    ALLOT_OUT = "allot_out"
    ALLOT_IN = "allot_in"
    HOLD = "hold"
    POST = "post"
    VOID = "void"
    RECOVERY = "recovery"
    INTEREST = "interest"
    REPLENISHMENT = "replenishment"
    WRITE_OFF = "write_off"
    LATE_RECOVERY = "late_recovery"
    REVERSAL = "reversal"


SIDES: dict[TransferKind, tuple[AccountKind, AccountKind]] = {
    TransferKind.OPENING: (AccountKind.CASH, AccountKind.PRINCIPAL),
    TransferKind.ALLOT_OUT: (AccountKind.PRINCIPAL, AccountKind.CASH),
    TransferKind.ALLOT_IN: (AccountKind.CASH, AccountKind.PRINCIPAL),
    TransferKind.HOLD: (AccountKind.HELD, AccountKind.CASH),
    TransferKind.POST: (AccountKind.RECEIVABLE, AccountKind.HELD),
    TransferKind.VOID: (AccountKind.CASH, AccountKind.HELD),
    TransferKind.RECOVERY: (AccountKind.CASH, AccountKind.RECEIVABLE),
    TransferKind.INTEREST: (AccountKind.CASH, AccountKind.INTEREST),
    TransferKind.REPLENISHMENT: (AccountKind.CASH, AccountKind.REPLENISHMENT),
    TransferKind.WRITE_OFF: (AccountKind.WRITTEN_OFF, AccountKind.RECEIVABLE),
    TransferKind.LATE_RECOVERY: (AccountKind.CASH, AccountKind.WRITTEN_OFF),
}
"""Debit and credit of each kind; those of a reversal follow from what it reverses."""

REVERSED_SIDES: dict[TransferKind, tuple[AccountKind, AccountKind]] = {
    kind: (SIDES[kind][1], SIDES[kind][0])
    for kind in (
        TransferKind.OPENING,
        TransferKind.RECOVERY,
        TransferKind.INTEREST,
        TransferKind.REPLENISHMENT,
        TransferKind.WRITE_OFF,
        TransferKind.LATE_RECOVERY,
    )
} | {TransferKind.POST: (AccountKind.CASH, AccountKind.RECEIVABLE)}
"""What can be reversed, and how. A post that bounced comes back to cash, since its hold has ended; a hold is voided instead,
and an allotment is allotted back."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One movement as it is asked for. `id` names it for ever; the same transfer sent again is booked once.

    `employer` whose debt it touches (holds, posts, voids, recoveries, write-offs, and reversals of these),
    `amount_fen` above zero, `answers` the hold that is ended or the transfer that is reversed, `document` the paper
    it stands on.
    """

    id: str
    kind: TransferKind
    book: str
    employer: str | None
    amount_fen: int
    answers: str | None
    document: str


def sides_of(transfer: Transfer, answered: Transfer | None) -> tuple[Account, Account]:
    """The debited and the credited account. `answered` is what a reversal reverses; KeyError if that cannot be reversed."""
    if transfer.kind is TransferKind.REVERSAL and answered is not None:
        debit, credit = REVERSED_SIDES[answered.kind]
    else:
        debit, credit = SIDES[transfer.kind]
    return _account(transfer, debit), _account(transfer, credit)


def _account(transfer: Transfer, kind: AccountKind) -> Account:
    return Account(transfer.book, kind, transfer.employer if kind in PER_EMPLOYER else None)
