"""`xinshimin fund`: whether an export of the wage-arrears fund's ledger is sound – offline, for auditors."""

# ruff: noqa: PLC0415 - importing a command's needs only when it runs keeps `xinshimin --help` quick

from pathlib import Path
from typing import Annotated

import typer

from services.suite.exits import ExitCode, SuiteError
from services.suite.options import AsJson

fund = typer.Typer(
    help="欠薪应急周转金账本的核验 · The wage-arrears fund: check an export of its ledger. Needs no running suite.",
    no_args_is_help=True,
)


@fund.callback()
def _named() -> None:
    """Keep `verify` a command of its own while it is the only one."""


@fund.command()
def verify(
    export: Annotated[Path, typer.Argument(help="导出的账本 · An export of the ledger.")],
    head: Annotated[
        str | None, typer.Option("--head", help="曾公布的哈希 · A hash published earlier.", show_default=False)
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """逐笔重算账本的哈希、规则和余额 · Compute every hash, rule and balance of the ledger again.

    Exit code 36 if anything is otherwise, with the first line at fault; 34 if the file cannot be read.
    """
    from services.suite import fund_screen
    from services.suite.screen import show
    from services.welfare_fund.rules.ledger.checking import BrokenLedgerError, check

    try:
        with export.open("rb") as lines:
            told = fund_screen.told_of(check(lines, head))
    except OSError as error:
        raise SuiteError(ExitCode.INPUT_REFUSED, f"{export}: 无法读取 · cannot be read: {error}") from None
    except BrokenLedgerError as error:
        broken = fund_screen.told_of_broken(error)
        show(broken, fund_screen.lines_of_broken(broken), as_json=as_json)
        raise typer.Exit(ExitCode.NOT_VERIFIED) from None
    show(told, fund_screen.lines_of(told), as_json=as_json)
