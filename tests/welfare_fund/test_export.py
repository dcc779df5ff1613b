"""An export is accepted as it was written and refused after any change."""

from datetime import UTC, datetime
from hashlib import sha256

import pytest

from services.welfare_fund.rules.ledger.accounts import Account, AccountKind, Transfer, TransferKind
from services.welfare_fund.rules.ledger.checking import BrokenLedgerError, check
from services.welfare_fund.rules.ledger.exporting import export, read_entry
from services.welfare_fund.rules.ledger.posting import MOST_LINKED, Ledger, Refusal, RefusedError

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
CITY = "330282"


def filled() -> Ledger:
    ledger = Ledger()
    ledger.book([Transfer("t1", TransferKind.OPENING, CITY, None, 3_000_000_000, None, "甬财2006-1")], AT)
    holds = [Transfer(f"h{each}", TransferKind.HOLD, CITY, "e1", 134_000, None, "case-1") for each in range(3)]
    ledger.book(holds, AT)
    ledger.book([Transfer("p0", TransferKind.POST, CITY, "e1", 134_000, "h0", "bank-1")], AT)
    return ledger


def lines() -> list[bytes]:
    ledger = filled()
    return list(export(ledger.entries, ledger.state.balances))


def test_what_was_written_is_accepted() -> None:
    checked = check(lines())
    assert checked.entries == 5
    assert checked.balances[Account(CITY, AccountKind.CASH)] == 3_000_000_000 - 3 * 134_000
    assert checked.books[CITY].assets_fen == checked.books[CITY].sources_fen == 3_000_000_000


@pytest.mark.parametrize("line", range(7))
def test_every_changed_byte_is_refused(line: int) -> None:
    sound = lines()
    for place in range(len(sound[line])):
        changed = bytearray(sound[line])
        changed[place] ^= 1
        with pytest.raises(BrokenLedgerError):
            check([*sound[:line], bytes(changed), *sound[line + 1 :]])


@pytest.mark.parametrize("line", range(7))
def test_a_missing_or_doubled_line_is_refused(line: int) -> None:
    sound = lines()
    for other in ([*sound[:line], *sound[line + 1 :]], [*sound[:line], sound[line], *sound[line:]]):
        with pytest.raises(BrokenLedgerError):
            check(other)


@pytest.mark.parametrize("employer", ["0", "false", "[]", "{}"])
def test_an_employer_that_is_no_text_is_refused(employer: str) -> None:
    """Even in the one spelling: an empty value must neither pass for absent nor stop the check."""
    changed = [each.replace(b'"employer":"e1"', f'"employer":{employer}'.encode()) for each in lines()]
    with pytest.raises(ValueError, match="one way"):
        read_entry(changed[2])
    with pytest.raises(BrokenLedgerError) as broken:
        check(changed)
    assert "this is no entry" in broken.value.why


def test_the_hash_is_as_specified() -> None:
    """Computed a second time from the text of the decision, so that the form cannot change unnoticed."""
    text = (
        '{"amount_fen":3000000000,"answers":null,"book":"330282","booked_at":"2026-03-02T01:00:00.000000Z","document":"甬财2006-1",'
        '"employer":null,"group":1,"id":"t1","kind":"opening","number":1}'
    )
    assert filled().entries[0].hash == sha256(b"xinshimin/welfare-fund/ledger/1\0" + bytes(32) + text.encode()).hexdigest()


def test_at_most_five_hundred_are_linked() -> None:
    group = [Transfer(f"i{each}", TransferKind.INTEREST, CITY, None, 1, None, "d") for each in range(MOST_LINKED + 1)]
    with pytest.raises(RefusedError) as refused:
        Ledger().book(group, AT)
    assert refused.value.refusal is Refusal.GROUP_SIZE
    assert len(Ledger().book(group[:-1], AT)) == MOST_LINKED
