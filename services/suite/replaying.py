"""Replay of dead events by the command line, through the service's own handlers."""

from uuid import UUID

from services.chassis import crash_points, data_keys, operations
from services.chassis.audit import ReadAuditor
from services.chassis.auth import InsideTokens
from services.chassis.clock_offset import load_offset
from services.chassis.db import in_transaction
from services.chassis.evidence.copies import COPY_PLACES
from services.chassis.evidence.watch import Watch
from services.chassis.operations import ReplayReport
from services.chassis.problems import Catalogue
from services.chassis.rows import SERVICE
from services.chassis.runtime import Runtime
from services.chassis.sealing import Suite
from services.suite import access, catalogue


async def replay(service: str, *, producer: str | None, partition_key: UUID | None) -> dict[str, ReplayReport]:
    """Try the dead events of `service` again; what its handlers emit is published by the running service."""
    settings = access.service_settings_of(service)
    crash_points.arm(settings.crash_at)
    definition = catalogue.process(service).definition()
    async with access.database(service) as pool:
        keyring = await data_keys.open_keyring(pool, settings.key_file, Suite.named(settings.cipher_suite))
        runtime = Runtime(
            name=service,
            settings=settings,
            pool=pool,
            keyring=keyring,
            tokens=InsideTokens.load(settings.inside_jwks_file, service),
            catalogue=Catalogue.load(definition.problems),
            read_auditor=ReadAuditor(pool),
            evidence=Watch(pool, service=service, places=COPY_PLACES, age_max_s=settings.audit_overdue_s),
            wake_relay=lambda: None,
            learn_keys=lambda: data_keys.learn(pool, keyring),
        )
        if settings.sandbox:
            runtime.law_clock.offset = await in_transaction(pool, load_offset, rows=SERVICE)
        return await operations.replay(
            pool,
            service=service,
            subscriptions=definition.subscriptions,
            make_work=runtime.own_work,
            producers=None if producer is None else [producer],
            partition_key=partition_key,
        )
