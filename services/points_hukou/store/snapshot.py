"""The whole present state of what this office tells, as events, for a new or restored neighbour (architecture §5)."""

from collections import defaultdict
from collections.abc import AsyncIterator
from uuid import UUID

from services.chassis.db import Transaction, prepare
from services.chassis.events import EventData
from services.chassis.keyring import Keyring
from services.contracts.points_hukou import (
    RoundCancelled,
    RoundFinished,
    RoundOpened,
    RoundPublished,
    RoundState,
    RuleSetPutInForce,
    RuleSetTakenOutOfForce,
)
from services.points_hukou.store.person_snapshot import persons_told

_IN_FORCE = prepare(
    """
    SELECT f.rule_set_id, f.in_force_id, f.version, r.name, r.document_version, r.digest, f.purpose, f.division_code,
        f.valid_from, f.ended_on
    FROM rule_set_in_force f JOIN rule_set r USING (rule_set_id) ORDER BY f.rule_set_id, f.valid_from, f.in_force_id
    """
)
_ROUNDS = prepare(
    """
    SELECT round_id, version, purpose, division_code, rule_set_id, quota, freeze_on, status, cut_off, notice_until,
        objections_until
    FROM round ORDER BY round_id
    """
)
_FACTS: dict[str, type[RoundState]] = {
    "published": RoundPublished,
    "finished": RoundFinished,
    "cancelled": RoundCancelled,
}


async def snapshot(tx: Transaction, keyring: Keyring) -> AsyncIterator[tuple[UUID, list[EventData]]]:  # noqa: ARG001
    """What is in force, by rule set, and the rounds – a city has a handful of them –, then what is told of persons."""
    told: dict[UUID, list[EventData]] = defaultdict(list)
    for row in await tx.fetch(_IN_FORCE):
        fact = RuleSetPutInForce if row["ended_on"] is None else RuleSetTakenOutOfForce
        told[row["rule_set_id"]].append(fact.model_validate(dict(row.items())))
    for rule_set_id, states in told.items():
        yield rule_set_id, states
    for row in await tx.fetch(_ROUNDS):
        yield row["round_id"], [_FACTS.get(row["status"], RoundOpened).model_validate(dict(row.items()))]
    async for person_id, said in persons_told(tx):
        yield person_id, said
