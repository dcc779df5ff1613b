"""`xinshimin education`: whether a published placement is what it should be – offline, for parents, journalists and courts."""

# ruff: noqa: PLC0415 - importing a command's needs only when it runs keeps `xinshimin --help` quick

from pathlib import Path
from typing import Annotated

import typer

from services.suite.exits import ExitCode
from services.suite.options import AsJson

education = typer.Typer(
    help="入学结果的核验 · School placements: check a published result or one child's proof. Needs no running suite.",
    no_args_is_help=True,
)

BundleFile = Annotated[Path, typer.Argument(help="公布的结果文件 · The published result of a round.")]
ChildId = Annotated[str, typer.Argument(help="儿童代号 · The child's pseudonym in that round.")]
Digest = Annotated[str, typer.Option("--digest", help="公布的摘要 · The digest that was published.", show_default=False)]


@education.command()
def verify(
    bundle: BundleFile,
    digest: Annotated[
        str | None, typer.Option("--digest", help="公布的摘要 · The digest that was published.", show_default=False)
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """按公布的规则和种子重新安排一遍,并检查公平 · Place everybody again and check that nobody was passed over.

    Checks the commitment, does the whole round again, compares every child, checks by definition that nobody has justified envy
    and no place is wasted, and the digest. Exit code 36 if anything is otherwise, 34 if the file is no such result.
    """
    from services.education.rules.placement.proving import verify as findings_of
    from services.suite import education_files, education_screen
    from services.suite.screen import show
    from services.suite.working import Working

    read = education_files.bundle(bundle)
    with Working(as_json=as_json) as working:
        findings = [*findings_of(read, working.tell), *education_screen.digest_findings(read, digest)]
    told = education_screen.told_of_round(read, findings)
    show(told, education_screen.lines_of_round(told), as_json=as_json)
    if findings:
        raise typer.Exit(ExitCode.NOT_VERIFIED)


@education.command()
def proof(
    bundle: BundleFile,
    child: ChildId,
    save: Annotated[
        Path | None, typer.Option("--save", help="写入文件 · Write the proof here, for `check-proof`.", show_default=False)
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """取出一名儿童的证明 · One child's own proof out of a published result: small, and it tells of no other child."""
    from services.education.rules.placement.proving import proof_of
    from services.education.rules.placement.published import write_proof
    from services.suite import education_files, education_screen
    from services.suite.screen import show

    read = education_files.bundle(bundle)
    try:
        found = proof_of(read, child)
    except KeyError:
        raise education_files.not_there(child) from None
    if save is not None:
        education_files.write_new(save, write_proof(found))
    told = education_screen.told_of_proof(found, [])
    show(told, education_screen.lines_of_proof(told), as_json=as_json)


@education.command(name="check-proof")
def check_proof(
    file: Annotated[Path, typer.Argument(help="证明文件 · A proof, as `proof --save` or the service gives it.")],
    digest: Digest,
    *,
    as_json: AsJson = False,
) -> None:
    """核对一名儿童的证明 · Whether a child's proof belongs to the published digest. Exit code 36 if it does not."""
    from services.education.rules.placement.proving import check_proof as findings_of
    from services.suite import education_files, education_screen
    from services.suite.screen import show

    read = education_files.proof(file)
    findings = list(findings_of(read, digest))
    told = education_screen.told_of_proof(read, findings)
    show(told, education_screen.lines_of_proof(told), as_json=as_json)
    if findings:
        raise typer.Exit(ExitCode.NOT_VERIFIED)


@education.command()
def why(bundle: BundleFile, child: ChildId, *, as_json: AsJson = False) -> None:
    """为什么没有去那所学校 · Why not that school? Every wish of one child, with the figures it turned on.

    Does the round again for it, so the answer does not rest on what the file says came out.
    """
    from services.suite import education_files, education_screen
    from services.suite.screen import show

    read = education_files.bundle(bundle)
    try:
        told = education_screen.told_of_child(read, child)
    except KeyError:
        raise education_files.not_there(child) from None
    show(told, education_screen.lines_of_child(told), as_json=as_json)
