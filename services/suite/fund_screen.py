"""What `xinshimin fund verify` tells: as a document for scripts and as lines for people."""

from typing import Any

from services.welfare_fund.rules.ledger.checking import BrokenLedgerError, Checked


def told_of(checked: Checked) -> dict[str, Any]:
    """A sound export: entries, the last hash, each book's two sides and each account's balance in fen."""
    return {
        "verified": True,
        "entries": checked.entries,
        "head": checked.head,
        "books": [
            {"book": book, "assets_fen": sides.assets_fen, "sources_fen": sides.sources_fen}
            for book, sides in checked.books.items()
        ],
        "balances": [
            {"book": each.book, "account": each.kind.value, "employer": each.employer, "balance_fen": fen}
            for each, fen in checked.balances.items()
            if fen
        ],
    }


def told_of_broken(error: BrokenLedgerError) -> dict[str, Any]:
    """A broken export: the first line at fault and why."""
    return {"verified": False, "line": error.line, "why": error.why}


def lines_of(told: dict[str, Any]) -> list[str]:
    """The same for people; amounts in yuan."""
    return [
        f"账本完整 · The ledger is sound: {told['entries']} 笔 · entries",
        f"末笔哈希 · last hash {told['head']}",
        *(_line_of_book(each) for each in told["books"]),
        *(_line_of_account(each) for each in told["balances"]),
    ]


def lines_of_broken(told: dict[str, Any]) -> list[str]:
    """The same for people."""
    return [f"账本不可信,第 {told['line']} 行 · The ledger is not sound, line {told['line']}: {told['why']}"]


def _line_of_book(told: dict[str, Any]) -> str:
    return f"{told['book']}: 资产 · assets {_yuan(told['assets_fen'])} = 来源 · sources {_yuan(told['sources_fen'])}"


def _line_of_account(told: dict[str, Any]) -> str:
    name = " ".join(each for each in (told["book"], told["account"], told["employer"]) if each)
    return f"  {name}: {_yuan(told['balance_fen'])}"


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02}"
