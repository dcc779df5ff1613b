"""The export: a line that says what it is, a line per entry, a line of balances. It can be written while it is read."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from services.welfare_fund.rules.ledger.accounts import Account, Transfer, TransferKind
from services.welfare_fund.rules.ledger.chain import FIRST, Entry, canonical, spelt

FORMAT = "xinshimin-fund-ledger-1"
HEADER = canonical({"format": FORMAT}) + b"\n"


def export(entries: Iterable[Entry], balances: Mapping[Account, int]) -> Iterator[bytes]:
    """The lines of an export; `balances` in fen are those after the last entry."""
    yield HEADER
    number, head = 0, FIRST
    for entry in entries:
        number, head = entry.number, entry.hash
        yield spelt(entry) + b"\n"
    yield footer(number, head, balances)


def footer(entries: int, head: str, balances: Mapping[Account, int]) -> bytes:
    """The last line: how many entries, the last hash and every account that is not at zero."""
    told = [[each.book, each.kind, each.employer, fen] for each, fen in sorted(balances.items(), key=_order) if fen]
    return canonical({"entries": entries, "head": head, "balances": told}) + b"\n"


def read_entry(line: bytes) -> Entry:
    """An entry from its line, which must be spelt in the one way. Raises ValueError."""
    try:
        told = json.loads(line)
        entry = Entry(
            told["number"],
            told["group"],
            datetime.fromisoformat(told["booked_at"]),
            Transfer(
                told["id"],
                TransferKind(told["kind"]),
                told["book"],
                told["employer"],
                told["amount_fen"],
                told["answers"],
                told["document"],
            ),
            told["hash"],
        )
        exact = _well_typed(entry) and spelt(entry) + b"\n" == line
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError("no entry") from error
    if not exact:
        raise ValueError("not spelt in the one way")
    return entry


def _well_typed(entry: Entry) -> bool:
    transfer = entry.transfer
    numbers = (entry.number, entry.group, transfer.amount_fen)
    texts = (transfer.id, transfer.book, transfer.document, entry.hash)
    texts_or_absent = (transfer.employer, transfer.answers)
    return (
        all(type(each) is int for each in numbers)
        and all(isinstance(each, str) for each in texts)
        and all(each is None or isinstance(each, str) for each in texts_or_absent)
    )


def _order(item: tuple[Account, int]) -> tuple[str, str, str]:
    return item[0].book, item[0].kind, item[0].employer or ""
