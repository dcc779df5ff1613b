"""What `xinshimin audit` does: verify against the databases, export, verify an export without any."""

import getpass
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path

from services.chassis.audit import commit_lines
from services.chassis.clock import utc_now
from services.chassis.db import Pool
from services.chassis.evidence import export, log
from services.chassis.evidence.checkpoint import PublicKeys, SigningKeys
from services.chassis.evidence.copies import Folder, Place, Stream
from services.chassis.evidence.verifier import Demands, Kind, Report, Verifier
from services.chassis.ids import new_id
from services.chassis.keyring import KeyFileError
from services.chassis.principal import Principal
from services.chassis.work import audit_line
from services.suite import access
from services.suite.exits import ExitCode, SuiteError

Progress = Callable[[str, int, int], None]
"""Hears a service, how many lines it has, and how many were looked at since it heard last."""


async def verify_service(
    service: str, *, keys_folder: Path | None, late_s: float, restored_epoch: int, progress: Progress
) -> Report:
    """Verify the log in a service's database, and compare with both places outside."""
    settings = access.evidence_settings_of(service)
    keys = _public_keys(service, keys_folder, settings.audit_key_file)
    demands = Demands(at=utc_now(), late_s=late_s, kept_days=settings.audit_retention_days, restored_epoch=restored_epoch)
    verifier = Verifier(keys, demands)
    async with access.database(service) as pool, access.bus(service) as bus:
        places: list[Place] = [Folder(settings.audit_copy_dir, service), Stream(bus.archive(service))]
        # The newest copies first: whatever they name is in the log that is read after. Later ones may not be.
        newest = {place.name: await place.last() for place in places}
        within = await log.bounds(pool)
        heard = partial(progress, service, within.lines)
        async for entry in log.entries(pool, within, late_s=late_s, progress=heard):
            verifier.take(entry)
        verifier.end()
        for place in places:
            await _verify_copies(verifier, place, newest[place.name])
        report = verifier.report
        outcome = "sound" if report.sound else f"{report.counts.total()} findings"
        await _leave_line(pool, "verify", f"{outcome} in {report.lines} lines")
    return report


async def _leave_line(pool: Pool, operation: str, outcome: str) -> None:
    """Whoever looks through the evidence of everybody leaves evidence, too."""
    operator = Principal("operator", "operator", "", actor=getpass.getuser(), purpose="administration")
    line = audit_line(
        operator,
        operation=operation,
        resource="audit_log",
        resource_id=None,
        person_id=None,
        fields=(),
        outcome=outcome,
        request_id=str(new_id()),
        at=utc_now(),
    )
    await commit_lines(pool, [line])


async def _verify_copies(verifier: Verifier, place: Place, newest: str | None) -> None:
    copies = verifier.begin_copies(place.name)
    if newest is not None:
        async with aclosing(place.everything()) as kept:
            async for signed in kept:
                copies.take(signed)
                if signed == newest:
                    break
    copies.end()


async def export_services(path: Path, services: Sequence[str], *, late_s: float, progress: Progress) -> dict[str, int]:
    """Write the logs of `services`, each once its own evidence of that is committed; returns their numbers of entries."""
    written: dict[str, int] = {}
    with _writer(path) as writer:
        for service in services:
            written[service] = 0
            async with access.database(service) as pool:
                within = await log.bounds(pool)
                await _leave_line(pool, "export", f"lines {within.first} to {within.last}")
                writer.begin(export.Section(service, utc_now(), within))
                heard = partial(progress, service, within.lines)
                async for entry in log.entries(pool, within, late_s=late_s, progress=heard):
                    writer.add(entry)
                    written[service] += 1
                writer.end()
    return written


def _writer(path: Path) -> export.Writer:
    try:
        return export.Writer(path)
    except FileExistsError:
        raise SuiteError(ExitCode.FAILED, f"{path} exists already; an export is never written over.") from None
    except OSError as error:
        raise SuiteError(ExitCode.FAILED, f"{path}: {error.strerror}") from error


async def verify_file(
    path: Path,
    *,
    keys_folder: Path,
    copies_folder: Path | None,
    late_s: float,
    kept_days: int,
    restored_epochs: Mapping[str, int],
    progress: Progress,
) -> list[Report]:
    """Verify an export with public keys alone, and compare with copies in a folder if there is one."""
    reports: list[Report] = []
    verifier: Verifier | None = None

    async def finish(done: Verifier) -> None:
        done.end()
        if copies_folder is not None:
            place = Folder(copies_folder, done.report.service)
            await _verify_copies(done, place, await place.last())

    total = 0
    try:
        for found in export.read(path):
            if isinstance(found, export.Section):
                if verifier is not None:
                    await finish(verifier)
                verifier = _verifier_of(found, keys_folder, late_s, kept_days, restored_epochs)
                reports.append(verifier.report)
                total = found.bounds.lines
                continue
            assert verifier is not None
            verifier.take(found)
            if verifier.report.lines % 2000 == 0:
                progress(verifier.report.service, total, 2000)
    except export.ExportError as error:
        if verifier is None:
            raise SuiteError(ExitCode.FAILED, f"{path}: {error}") from None
        verifier.report.add(Kind.EXPORT_DAMAGED, None, str(error))
    except OSError as error:
        raise SuiteError(ExitCode.FAILED, f"{path}: {error.strerror}") from error
    assert verifier is not None
    await finish(verifier)
    return reports


def _verifier_of(
    section: export.Section, keys_folder: Path, late_s: float, kept_days: int, restored_epochs: Mapping[str, int]
) -> Verifier:
    keys = _public_keys(section.service, keys_folder, None)
    restored = restored_epochs.get(section.service, 0)
    return Verifier(keys, Demands(at=section.exported_at, late_s=late_s, kept_days=kept_days, restored_epoch=restored))


def _public_keys(service: str, folder: Path | None, private_file: Path | None) -> PublicKeys:
    try:
        if folder is not None:
            return PublicKeys.load(service, folder / f"{service}.jwks.json")
        assert private_file is not None
        return SigningKeys.load(service, private_file).public
    except KeyFileError as error:
        raise SuiteError(ExitCode.WRONG_SETTINGS, str(error)) from None
