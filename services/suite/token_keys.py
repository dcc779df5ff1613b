"""`xinshimin keys rotate-tokens`: another key for the document tokens all services of a suite share, while they run.

First every process has both keys, then the owners of persons tell all tokens again under both, then – when every mirror has the
new ones – the old key leaves the key files and its tokens the mirrors. At no moment is there a number in a file that a service
could not resolve, and an interrupted rotation is taken up where the key files say it stands.

Where key files come from a key store, nothing here writes them: whoever keeps the store gives every service both keys, the new
one as `current`, calls once (`told`), takes the older key out, and calls again (`forgotten`).
"""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import UUID

from services.chassis import data_keys, key_file, operations
from services.chassis.db import Pool, Transaction, in_transaction, prepare
from services.chassis.key_file import KeyFile, KeyFileError, KeySet
from services.chassis.key_readers import KeyReaders, Progress, RotationError
from services.chassis.keyring import Keyring
from services.chassis.rows import SERVICE
from services.chassis.sealing import Suite
from services.chassis.subscriptions import producers_of
from services.suite import access, catalogue
from services.suite.data_folder import write_atomically
from services.suite.exits import ExitCode, SuiteError
from services.suite.key_tasks import new_key_name, work_of
from services.suite.keys import KeyFiles
from services.suite.reconciling import until_applied

_BATCH = 500

_PERSONS = prepare("SELECT count(*) FROM event_sequence")
_HAS_MIRROR = prepare("SELECT to_regclass('mirror_person_document') IS NOT NULL")
# A document that is known under an old key alone would be lost with it.
_NOT_RENEWED = prepare(
    """
    SELECT count(*) FROM (
        SELECT FROM mirror_person_document GROUP BY person_id, document_type HAVING NOT bool_or(key_id = :key_id)
    ) AS old
    """
)
_FORGET = prepare(
    """
    WITH old AS (
        SELECT token, key_id, person_id FROM mirror_person_document WHERE key_id <> :key_id LIMIT 10000
    ), gone AS (
        DELETE FROM mirror_person_document m USING old
        WHERE (m.token, m.key_id, m.person_id) = (old.token, old.key_id, old.person_id) RETURNING 1
    )
    SELECT count(*) FROM gone
    """
)


@dataclass(slots=True)
class TokenRotationReport:
    """What was done: persons whose tokens were told again, and tokens under older keys that mirrors forgot, by service.

    `to_give_up` are keys that may leave the key files now, where somebody else writes those.
    """

    key_id: str
    told: int = 0
    to_give_up: list[str] = field(default_factory=list)
    forgotten: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Service:
    """One service: its key file, its database, its running processes."""

    process: catalogue.Process
    file: Path
    keyring: Keyring
    pool: Pool
    readers: KeyReaders

    @property
    def name(self) -> str:
        """Its name."""
        return self.process.name


async def rotate(progress: Progress, *, files_from_store: bool = False, wait_s: float = 120.0) -> TokenRotationReport:
    """Rotate the key of document tokens over all services. Raises `SuiteError` when it cannot go on; then repeat it."""
    try:
        async with AsyncExitStack() as stack:
            services = [await _open(stack, process, progress, wait_s) for process in catalogue.SERVICES]
            for service in services:
                await stack.enter_async_context(service.readers.alone())
            if files_from_store:
                return await _follow_store(services, progress, wait_s)
            report = TokenRotationReport(_introduce_key(services))
            await _tell(services, report, progress, wait_s)
            for service in _owners_first(services):
                _rewrite(service, _read(service).with_one_token_key())
            await _forget(services, report, wait_s)
            return report
    except (RotationError, KeyFileError) as error:
        raise SuiteError(ExitCode.FAILED, str(error)) from None


async def _follow_store(services: list[_Service], progress: Progress, wait_s: float) -> TokenRotationReport:
    """The half of a rotation that the key files, which somebody else writes, allow."""
    currents = {keys.current for keys in _held(services).values()}
    if len(currents) > 1:
        raise RotationError(f"The key files disagree about the current document token key: {', '.join(sorted(currents))}.")
    report = TokenRotationReport(currents.pop())
    if old := _names(services) - {report.key_id}:
        await _tell(services, report, progress, wait_s)
        report.to_give_up = sorted(old)
    else:
        await _refuse_to_lose(services, report.key_id)
        await _forget(services, report, wait_s)
    return report


async def _open(stack: AsyncExitStack, process: catalogue.Process, progress: Progress, wait_s: float) -> _Service:
    settings = access.service_settings_of(process.name)
    pool = await stack.enter_async_context(access.database(process.name))
    keyring = await data_keys.open_keyring(pool, settings.key_file, Suite.named(settings.cipher_suite))
    return _Service(process, settings.key_file, keyring, pool, KeyReaders(pool, progress, wait_s))


async def _tell(services: list[_Service], report: TokenRotationReport, progress: Progress, wait_s: float) -> None:
    """Have every person's tokens in every mirror under the new key."""
    for service in services:
        service.keyring.read_again()
        await service.readers.follow(
            f"processes of {service.name} know {report.key_id}", knows=data_keys.token_key(report.key_id)
        )
        await service.readers.older_transactions_end()
    for service in services:
        report.told += await _tell_again(service, progress)
    await _all_apply(services, wait_s)
    await _refuse_to_lose(services, report.key_id)


async def _forget(services: list[_Service], report: TokenRotationReport, wait_s: float) -> None:
    """Once nobody makes tokens under older keys, and none is under way, take them out of the mirrors."""
    for service in services:
        await service.readers.follow(f"processes of {service.name} gave up older keys", only=data_keys.token_key(report.key_id))
        await service.readers.older_transactions_end()
    await _all_apply(services, wait_s)
    for service in services:
        report.forgotten[service.name] = await _forget_old(service, report.key_id)
        await in_transaction(service.pool, partial(_leave_evidence, service=service, report=report), rows=SERVICE)


def _introduce_key(services: list[_Service]) -> str:
    """The id of the key to rotate to, in every key file afterwards: that of an unfinished rotation, or a new one."""
    held = _held(services)
    unfinished = next((keys for keys in held.values() if len(keys.keys) > 1), None)
    name = unfinished.current if unfinished else new_key_name()
    secret = unfinished.keys[name] if unfinished else key_file.make_key()
    for service in services:
        _rewrite(service, _read(service).with_token_key(name, secret))
    return name


def _held(services: list[_Service]) -> dict[str, KeySet]:
    """The document token keys in the key files, by service; raises `RotationError` for files that are not of one suite."""
    files = {service.name: _read(service).document_token for service in services}
    held = {name: keys for name, keys in files.items() if keys is not None}
    if missing := files.keys() - held.keys():
        raise RotationError(f"The key files of {', '.join(sorted(missing))} have no document token keys.")
    if not set.intersection(*(set(keys.keys.items()) for keys in held.values())):
        raise RotationError("The key files share no document token key: these services are of different suites.")
    return held


def _names(services: list[_Service]) -> set[str]:
    return {name for keys in _held(services).values() for name in keys.keys}


async def _tell_again(service: _Service, progress: Progress) -> int:
    """Let the owner of persons tell all their tokens; the number of persons."""
    renew = service.process.definition().renew_tokens
    if renew is None:
        return 0
    total: int = await in_transaction(service.pool, lambda tx: tx.fetch_value(_PERSONS), rows=SERVICE)
    told, after = 0, None
    while True:
        count, after = await in_transaction(service.pool, partial(_batch, service=service, after=after), rows=SERVICE)
        told += count
        progress(f"{service.name} tells tokens", told, max(total, told))
        if after is None:
            return told


async def _batch(tx: Transaction, *, service: _Service, after: UUID | None) -> tuple[int, UUID | None]:
    renew = service.process.definition().renew_tokens
    assert renew is not None
    work = work_of(tx, service.name, service.keyring)
    done = await renew(work, after=after, limit=_BATCH)
    await work.flush()
    return done


async def _all_apply(services: list[_Service], wait_s: float) -> None:
    """Wait until every follower has had all its producers told."""
    for producer, follower in _followers(services):
        unpublished = partial(operations.count_unpublished, producer.pool)
        await producer.readers.until_none(f"{producer.name} has published", unpublished)
        async with access.bus(follower.name) as bus:
            await until_applied(bus, producer.name, follower.name, wait_s)
        found = await operations.compare_inbox(producer.pool, follower.pool, producer=producer.name)
        if found.behind:
            raise RotationError(f"{follower.name} is {found.behind} keys behind {producer.name}; see `xinshimin events lag`.")


def _followers(services: list[_Service]) -> Iterator[tuple[_Service, _Service]]:
    for follower in services:
        producers = producers_of(follower.process.definition().subscriptions)
        yield from ((producer, follower) for producer in services if producer.name in producers)


async def _refuse_to_lose(services: list[_Service], key_id: str) -> None:
    async def count(tx: Transaction) -> int:
        has_mirror = await tx.fetch_value(_HAS_MIRROR)
        return await tx.fetch_value(_NOT_RENEWED, key_id=key_id) if has_mirror else 0

    for service in services:
        if left := await in_transaction(service.pool, count, rows=SERVICE):
            raise RotationError(f"{service.name} knows {left} documents under older keys alone; no key was given up. Repeat.")


async def _forget_old(service: _Service, key_id: str) -> int:
    async def forget(tx: Transaction) -> int:
        return await tx.fetch_value(_FORGET, key_id=key_id) if await tx.fetch_value(_HAS_MIRROR) else 0

    total = 0
    while gone := await in_transaction(service.pool, forget, rows=SERVICE):
        total += gone
    return total


def _owners_first(services: list[_Service]) -> list[_Service]:
    """Who tells tokens gives up the old key before those who look them up."""
    return sorted(services, key=lambda each: each.process.definition().renew_tokens is None)


def _read(service: _Service) -> KeyFile:
    return key_file.parse(key_file.read_secret(service.file))


def _rewrite(service: _Service, renewed: KeyFile) -> None:
    try:
        write_atomically(service.file.resolve(), renewed.model_dump_json(indent=2))
        if renewed.document_token is not None:
            KeyFiles(service.file.parent).share(renewed.document_token)
    except OSError as error:
        raise SuiteError(ExitCode.NO_RIGHTS, f"{service.file} cannot be changed: {error}") from None


async def _leave_evidence(tx: Transaction, *, service: _Service, report: TokenRotationReport) -> None:
    work = work_of(tx, service.name, service.keyring)
    gone = report.forgotten[service.name]
    work.audit("rotate", "document_token_key", None, outcome=f"{report.key_id}; {gone} older tokens forgotten")
    await work.flush()
