"""The ledger against its oracle over random histories; and that the comparison notices a planted bug."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from services.welfare_fund.rules.ledger import posting
from services.welfare_fund.rules.ledger.accounts import PER_EMPLOYER, Account, AccountKind, Transfer, TransferKind, sides_of
from services.welfare_fund.rules.ledger.checking import BrokenLedgerError, check
from services.welfare_fund.rules.ledger.exporting import export
from services.welfare_fund.rules.ledger.posting import Ledger, RefusedError, State, trial_balances
from tests.welfare_fund import oracle

BOOKS, EMPLOYERS = ("330282", "330282001"), ("e1", "e2")
START = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
WITH_EMPLOYER = {"hold", "recovery", "write_off", "late_recovery"}
PLAIN = [kind for kind in TransferKind if kind.value not in {"post", "void", "reversal", "allot_in", "allot_out"}]
MODEL = settings(
    max_examples=100, stateful_step_count=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


class LedgerModel(RuleBasedStateMachine):
    """Groups of every kind, sensible or not; after each step ledger and oracle must agree on everything."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.past: list[Transfer] = []
        self.times: list[datetime] = []
        self.groups: list[list[Transfer]] = []
        self.now, self.made = START, 0

    def new(self, kind: TransferKind, book: str, employer: str, amount: int) -> Transfer:
        self.made += 1
        return Transfer(f"t{self.made}", kind, book, employer if kind.value in WITH_EMPLOYER else None, amount, None, "paper")

    def answering(self, kind: TransferKind, answered: Transfer, off: int) -> Transfer:
        self.made += 1
        return replace(answered, id=f"t{self.made}", kind=kind, answers=answered.id, amount_fen=answered.amount_fen + off)

    def book(self, group: list[Transfer]) -> None:
        may = oracle.allowed(self.past, group)
        try:
            self.ledger.book(group, self.now)
        except RefusedError:
            assert not may, group
        else:
            assert may, group
            self.past += group
            self.times += [max([self.now, *self.times])] * len(group)
            self.groups.append(group)

    @rule(
        asked=st.lists(
            st.tuples(st.sampled_from(PLAIN), st.sampled_from(BOOKS), st.sampled_from(EMPLOYERS), st.integers(1, 9)),
            min_size=1,
            max_size=3,
        )
    )
    def plain(self, asked: list[tuple[TransferKind, str, str, int]]) -> None:
        self.book([self.new(*each) for each in asked])

    @rule(book=st.sampled_from(BOOKS), amount=st.integers(5, 20))
    def endow(self, book: str, amount: int) -> None:
        self.book([self.new(TransferKind.OPENING, book, "", amount)])

    @rule(amount=st.integers(1, 9), off=st.sampled_from([0, 0, 1]))
    def allot(self, amount: int, off: int) -> None:
        given = self.new(TransferKind.ALLOT_OUT, BOOKS[0], "", amount)
        self.book([given, self.new(TransferKind.ALLOT_IN, BOOKS[1], "", amount + off)])

    @rule(
        data=st.data(),
        kind=st.sampled_from([TransferKind.POST, TransferKind.VOID]),
        off=st.sampled_from([0, 0, 0, 1]),
        times=st.integers(1, 2),
    )
    def end_hold(self, data: st.DataObject, kind: TransferKind, off: int, times: int) -> None:
        holds = [each for each in self.past if each.kind is TransferKind.HOLD]
        if holds:
            hold = data.draw(st.sampled_from(holds))
            self.book([self.answering(kind, hold, off) for _ in range(times)])

    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        if self.past:
            self.book([self.answering(TransferKind.REVERSAL, data.draw(st.sampled_from(self.past)), 0)])

    @rule(data=st.data())
    def again(self, data: st.DataObject) -> None:
        if self.groups:
            group, before = data.draw(st.sampled_from(self.groups)), len(self.ledger.entries)
            assert [each.transfer for each in self.ledger.book(group, self.now)] == group
            assert len(self.ledger.entries) == before
            with pytest.raises(RefusedError):
                self.ledger.book([replace(group[0], document="other"), *group[1:]], self.now)

    @rule(seconds=st.integers(-5, 30))
    def clock(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(data=st.data())
    def looking_back(self, data: st.DataObject) -> None:
        instant = data.draw(st.sampled_from([START, *self.times]))
        agree(self.ledger.balances_at(instant), [each for each, at in zip(self.past, self.times, strict=True) if at <= instant])

    @invariant()
    def same(self) -> None:
        assert [each.transfer for each in self.ledger.entries] == self.past
        agree(self.ledger.state.balances, self.past)
        assert all(each.assets_fen == each.sources_fen for each in trial_balances(self.ledger.state.balances).values())

    def teardown(self) -> None:
        checked = check(export(self.ledger.entries, self.ledger.state.balances))
        assert (checked.entries, checked.head) == (len(self.past), self.ledger.head)


def agree(balances: Mapping[Account, int], past: list[Transfer]) -> None:
    for book in BOOKS:
        for employer in EMPLOYERS:
            for name, fen in oracle.quantities(past, book, employer).items():
                kind = AccountKind(name)
                assert balances.get(Account(book, kind, employer if kind in PER_EMPLOYER else None), 0) == fen, (
                    book,
                    employer,
                    name,
                )


def test_ledger_and_oracle_agree() -> None:
    run_state_machine_as_test(LedgerModel, settings=MODEL)


def _no_floor(state: State, account: Account, change: int, place: int) -> None:
    state.balances[account] = state.balances.get(account, 0) + change


def _never_ended(state: State, transfer: Transfer, place: int) -> Transfer:
    answered = _ANSWER(state, transfer, place)
    del state.answered[answered.id]
    return answered


def _same_direction(transfer: Transfer, answered: Transfer | None) -> tuple[Account, Account]:
    debit, credit = _SIDES(transfer, answered)
    return (credit, debit) if transfer.kind is TransferKind.REVERSAL else (debit, credit)


_ANSWER, _SIDES = State.answer, sides_of
BUGS: list[tuple[object, str, Callable[..., object]]] = [
    (State, "move", _no_floor),
    (State, "answer", _never_ended),
    (State, "staged", lambda state: state),
    (Ledger, "known", lambda ledger, transfers: ()),
    (posting, "sides_of", _same_direction),
    (posting, "bisect_right", lambda entries, instant, key: sum(key(each) < instant for each in entries)),
    (posting, "check_allotment", lambda transfers: None),
]


NOTICED = (AssertionError, BrokenLedgerError, RefusedError, pytest.fail.Exception)


@pytest.mark.parametrize(("owner", "name", "bug"), BUGS, ids=[name for _, name, _ in BUGS])
def test_a_planted_bug_is_noticed(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, bug: Callable[..., object]
) -> None:
    monkeypatch.setattr(owner, name, bug)
    hunt = settings(MODEL, phases=[Phase.generate], report_multiple_bugs=False)
    with pytest.raises(NOTICED):
        run_state_machine_as_test(LedgerModel, settings=hunt)
