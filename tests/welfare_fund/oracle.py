"""The ledger a second time, without accounts: every quantity is a sum over all that was ever booked, taken anew each time."""

from collections import Counter

from services.welfare_fund.rules.ledger.accounts import Transfer

REVERSIBLE = {"opening", "recovery", "interest", "replenishment", "write_off", "late_recovery", "post"}


def quantities(past: list[Transfer], book: str, employer: str | None) -> dict[str, int]:
    """Cash, held and sources of a book, debts of one employer there, in fen."""
    of_book, of_employer = Counter[str](), Counter[str]()
    for each in past:
        if each.book != book:
            continue
        name, amount = each.kind.value, each.amount_fen
        if name == "reversal":
            name = next(other.kind.value for other in past if other.id == each.answers)
            name, amount = ("bounced", amount) if name == "post" else (name, -amount)
        of_book[name] += amount
        if each.employer == employer:
            of_employer[name] += amount
    b, e = of_book, of_employer
    incoming = b["opening"] + b["recovery"] + b["interest"] + b["replenishment"] + b["late_recovery"] + b["bounced"]
    return {
        "cash": incoming + b["allot_in"] - b["allot_out"] - b["hold"] + b["void"],
        "held": b["hold"] - b["post"] - b["void"],
        "principal": b["opening"] + b["allot_in"] - b["allot_out"],
        "interest": b["interest"],
        "replenishment": b["replenishment"],
        "receivable": e["post"] - e["bounced"] - e["recovery"] - e["write_off"],
        "written_off": e["write_off"] - e["late_recovery"],
    }


def allowed(past: list[Transfer], group: list[Transfer]) -> bool:
    """Whether a well-formed new group may be booked after `past`."""
    then = list(past)
    for each in group:
        if any(other.id == each.id for other in then) or not answer_fits(then, each):
            return False
        then.append(each)
        if min(quantities(then, each.book, each.employer).values()) < 0:
            return False
    given, got = (sum(each.amount_fen for each in group if each.kind.value == kind) for kind in ("allot_out", "allot_in"))
    return given == got


def answer_fits(past: list[Transfer], each: Transfer) -> bool:
    """Whether what a transfer ends or reverses is there, of the right kind, equal in amount and still open."""
    if each.answers is None:
        return True
    if any(other.answers == each.answers for other in past):
        return False
    kinds = REVERSIBLE if each.kind.value == "reversal" else {"hold"}
    return any(
        (other.id, other.book, other.employer, other.amount_fen) == (each.answers, each.book, each.employer, each.amount_fen)
        and other.kind.value in kinds
        for other in past
    )
