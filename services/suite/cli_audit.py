"""`xinshimin audit`: are the audit lines complete and unaltered?"""

# ruff: noqa: PLC0415 - importing a command's needs only when it runs keeps `xinshimin --help` quick

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.suite.exits import ExitCode, SuiteError
from services.suite.options import AsJson, Names, adopt_running_suite

if TYPE_CHECKING:
    from services.chassis.evidence.verifier import Report

audit = typer.Typer(help="Evidence: verify the audit logs, or export them for somebody who shall.", no_args_is_help=True)

LateAfter = Annotated[
    float, typer.Option(help="Seconds after which a line must have its seal, a checkpoint its copies.", min=0)
]


@audit.command()
def verify(
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SERVICE]... or FILE", help="Without any: all services and the gateway.", show_default=False),
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(help="Folder of public keys, <service>.jwks.json. Needed for a FILE.", show_default=False)
    ] = None,
    copies: Annotated[
        Path | None, typer.Option(help="With a FILE: folder of copies to compare with, taken before it.", show_default=False)
    ] = None,
    late_after: LateAfter = 60.0,
    kept_days: Annotated[int, typer.Option(help="With a FILE: days lines must have been kept.", min=183)] = 1096,
    restored: Annotated[
        list[str] | None,
        typer.Option(metavar="SERVICE:EPOCH", help="A restore you know of began this epoch: copies before it may be missing."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Recompute the logs from their lines; compare with signatures and copies. Exit code 33 if anything is wrong.

    With services (or nothing) the databases and both places outside are read. With a FILE of `audit export` nothing but that
    file, the public keys and a folder of copies is needed; without copies a cut tail cannot be seen.
    """
    from services.suite import access, auditing
    from services.suite.screen import LineProgress, show

    epochs = _epochs(restored or [])
    with LineProgress("Verifying") as progress:
        if file := _file_among(what or []):
            if keys is None:
                raise SuiteError(ExitCode.WRONG_SETTINGS, "An export is verified with public keys: --keys FOLDER.")
            work = auditing.verify_file(
                file,
                keys_folder=keys,
                copies_folder=copies,
                late_s=late_after,
                kept_days=kept_days,
                restored_epochs=epochs,
                progress=progress.advance,
            )
        else:
            adopt_running_suite()

            async def verify_all() -> list["Report"]:
                return [
                    await auditing.verify_service(
                        name,
                        keys_folder=keys,
                        late_s=late_after,
                        restored_epoch=epochs.get(name, 0),
                        progress=progress.advance,
                    )
                    for name in _processes(what)
                ]

            work = verify_all()
        reports = access.run(work)
    sound = all(report.sound for report in reports)
    content = {"ok": sound, "services": [_as_dict(report) for report in reports]}
    show(content, [line for report in reports for line in _lines(report)], as_json=as_json)
    if not sound:
        raise typer.Exit(ExitCode.EVIDENCE_BROKEN)


@audit.command(name="export")
def export_logs(
    file: Annotated[Path, typer.Argument(help="A file that does not exist yet; .gz compresses.")],
    names: Names = None,
    late_after: LateAfter = 60.0,
    *,
    as_json: AsJson = False,
) -> None:
    """Write the audit logs of services with seals and checkpoints into one file. It holds ids of persons: keep it safe."""
    from services.suite import access, auditing
    from services.suite.screen import LineProgress, show

    adopt_running_suite()
    with LineProgress("Exporting") as progress:
        written = access.run(auditing.export_services(file, _processes(names), late_s=late_after, progress=progress.advance))
    show(
        {"file": str(file), "entries": written},
        [f"{name}: {count} entries" for name, count in written.items()],
        as_json=as_json,
    )


def _processes(names: list[str] | None) -> list[str]:
    """All of them keep evidence."""
    from services.suite import catalogue

    return [catalogue.process(name).name for name in names] if names else [each.name for each in catalogue.PROCESSES]


def _file_among(what: list[str]) -> Path | None:
    from services.suite import catalogue

    known = {process.name for process in catalogue.PROCESSES}
    if len(what) == 1 and what[0] not in known and Path(what[0]).is_file():
        return Path(what[0])
    return None


def _epochs(given: list[str]) -> dict[str, int]:
    epochs = {}
    for each in given:
        service, colon, epoch = each.partition(":")
        if not colon or not epoch.isdecimal():
            raise SuiteError(ExitCode.WRONG_SETTINGS, f"{each!r} is not SERVICE:EPOCH.")
        epochs[service] = int(epoch)
    return epochs


def _as_dict(report: "Report") -> dict[str, Any]:
    return {
        "service": report.service,
        "ok": report.sound,
        "lines": report.lines,
        "first_position": report.first_position,
        "size": report.size,
        "checkpoints": report.checkpoints,
        "newest_signed_at": report.newest_signed_at,
        "copies": report.copies,
        "lost_by_known_restores": report.lost_by_known_restores,
        "counts": dict(report.counts),
        "findings": [asdict(each) for each in report.findings],
    }


def _lines(report: "Report") -> list[str]:
    copies = ", ".join(f"{count} copies in the {place}" for place, count in report.copies.items())
    looked_at = f"{report.lines} lines, {report.checkpoints} checkpoints, {copies or 'not compared with any copy'}"
    verdict = "sound" if report.sound else f"{report.counts.total()} FINDINGS"
    lines = [f"{report.service}: {verdict} ({looked_at})"]
    lines += [
        f"  {each.kind}{f' at {each.position}' if each.position is not None else ''}: {each.detail}" for each in report.findings
    ]
    if report.lost_by_known_restores:
        lines.append(f"  {report.lost_by_known_restores} checkpoints were lost by restores you know of")
    return lines
