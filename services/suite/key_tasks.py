"""What `xinshimin keys` does to one service, beside its running processes."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from services.chassis import data_keys, key_file
from services.chassis.clock import LawClock, utc_now
from services.chassis.db import Transaction, in_transaction
from services.chassis.ids import new_id
from services.chassis.key_file import KeyFileError
from services.chassis.keyring import Keyring
from services.chassis.principal import service_principal
from services.chassis.resealing import count_under
from services.chassis.rotation import Progress, Rotation, RotationError, RotationReport
from services.chassis.rows import SERVICE
from services.chassis.sealed_columns import CHASSIS, SealedColumn
from services.chassis.sealing import KeyKind, Suite
from services.chassis.work import Work
from services.suite import access, catalogue
from services.suite.data_folder import write_atomically
from services.suite.exits import ExitCode, SuiteError


def columns_of(service: str) -> tuple[SealedColumn, ...]:
    """Everything a service keeps under its data keys."""
    return (*CHASSIS, *catalogue.process(service).definition().sealed)


async def overview(service: str, *, count: bool) -> dict[str, Any]:
    """The keys of a service, without a key."""
    access.service_settings_of(service)

    async def look(tx: Transaction) -> dict[str, Any]:
        rows = await tx.connection.fetch("SELECT DISTINCT kek_id FROM person_key UNION SELECT kek_id FROM data_key ORDER BY 1")
        readers = await tx.connection.fetch("SELECT seals_with FROM key_reader WHERE lapses_at > clock_timestamp() ORDER BY 1")
        found = []
        for key in await data_keys.all_keys(tx):
            head = bytes((KeyKind.SERVICE | key.suite, len(key.key_id))) + key.key_id.encode()
            values = sum([await count_under(tx, column, head) for column in columns_of(service)]) if count else None
            shown = {"key_id": key.key_id, "suite": key.suite.name, "state": key.state, "kek_id": key.kek_id}
            found.append(shown | {"values": values})
        return {
            "data_keys": found,
            "person_keys": await tx.connection.fetchval("SELECT count(*) FROM person_key"),
            "wrapped_by": [row["kek_id"] for row in rows],
            "readers": [row["seals_with"] for row in readers],
        }

    async with access.database(service) as pool:
        return await in_transaction(pool, look, rows=SERVICE)


async def rotate(service: str, progress: Progress) -> RotationReport:
    """A new data key for everything."""
    return await _with_rotation(service, "rotate", progress, lambda rotation: rotation.rotate(columns_of(service)))


async def rewrap(service: str, progress: Progress, *, new_kek: bool) -> RotationReport:
    """The key file's current key-encryption key, a fresh one if asked for, for every key."""
    if new_kek:
        _add_kek(service)
    return await _with_rotation(service, "rewrap", progress, lambda rotation: rotation.rewrap())


def new_key_name() -> str:
    """An id no other key has, from which the day is seen."""
    return f"{utc_now():%Y%m%d}-{secrets.token_hex(3)}"


def _add_kek(service: str) -> None:
    path = access.service_settings_of(service).key_file
    try:
        renewed = key_file.parse(key_file.read_secret(path)).with_new_kek(new_key_name())
        write_atomically(path.resolve(), renewed.model_dump_json(indent=2))
    except (KeyFileError, OSError) as error:
        raise SuiteError(ExitCode.NO_RIGHTS, f"No key can be added to {path}: {error}") from None


async def _with_rotation(
    service: str, operation: str, progress: Progress, act: Callable[[Rotation], Awaitable[RotationReport]]
) -> RotationReport:
    settings = access.service_settings_of(service)
    try:
        async with access.database(service) as pool, access.database(service, as_owner=True) as owner:
            keyring = await data_keys.open_keyring(pool, settings.key_file, Suite.named(settings.cipher_suite))
            report = await act(Rotation(pool, owner, keyring, progress))
            await in_transaction(pool, lambda tx: _leave_evidence(tx, service, keyring, operation, report), rows=SERVICE)
            return report
    except (RotationError, KeyFileError) as error:
        raise SuiteError(ExitCode.FAILED, str(error)) from None


def work_of(tx: Transaction, service: str, keyring: Keyring) -> Work:
    """A unit of work of the service itself, for what a command does in its name."""
    law_now = LawClock().now()
    return Work(tx, service, service_principal(service), keyring, law_now.date(), law_now, request_id=str(new_id()))


async def _leave_evidence(tx: Transaction, service: str, keyring: Keyring, operation: str, report: RotationReport) -> None:
    """An operator changed what protects the data: a line of the service's own evidence, with ids of keys only."""
    work = work_of(tx, service, keyring)
    total = sum(report.resealed.values())
    work.audit(operation, "key", None, fields=sorted(report.resealed), outcome=f"{total} under {report.key_id}")
    await work.flush()
