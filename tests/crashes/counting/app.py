"""Counts events of the registry: one row per effect, never overwritten, and an event of its own about each.

Its handlers are neither upserts nor commutative, on purpose: whatever the chassis does twice or out of order stays visible. A
person in `poison` is more than it can bear.
"""

from pathlib import Path
from typing import ClassVar
from uuid import UUID

from fastapi import FastAPI
from sqlalchemy import BigInteger, MetaData, Text
from sqlmodel import Field, SQLModel

from services.chassis.app import ServiceDefinition, service_app
from services.chassis.db import NAMING_CONVENTION, prepare
from services.chassis.events import EventData, Received
from services.chassis.subscriptions import each
from services.chassis.work import Work
from services.contracts.registry import EVENTS, AboutPerson
from tests.crashes.counting.settings import CountingSettings

METADATA = MetaData(naming_convention=NAMING_CONVENTION)
FOLDER = Path(__file__).parent

_POISONED = prepare("SELECT EXISTS (SELECT FROM poison WHERE person_id = :person_id)")
_COUNT = prepare(
    "INSERT INTO effect (person_id, sequence, event_id, event_type) VALUES (:person_id, :sequence, :event_id, :event_type)"
)


class Effect(SQLModel, table=True):
    """One event applied."""

    metadata = METADATA
    __tablename__ = "effect"

    effect_id: int = Field(primary_key=True, sa_type=BigInteger)
    person_id: UUID
    sequence: int = Field(sa_type=BigInteger)
    event_id: UUID
    event_type: str = Field(sa_type=Text)


class PersonCounted(EventData):
    """An event about a person was counted."""

    event_type: ClassVar[str] = "counting.person.counted.v1"

    person_id: UUID
    counted: int

    @property
    def partition_key(self) -> UUID:
        """The person."""
        return self.person_id


async def count(work: Work, received: Received[AboutPerson]) -> None:
    """Leave one effect and tell of it."""
    person_id, sequence = received.data.person_id, received.envelope.sequence
    if await work.tx.fetch_value(_POISONED, person_id=person_id):
        raise ValueError("more than this can bear")
    await work.tx.execute(
        _COUNT,
        person_id=person_id,
        sequence=sequence,
        event_id=received.envelope.id,
        event_type=received.envelope.type,
    )
    work.emit(PersonCounted(person_id=person_id, counted=sequence))


DEFINITION = ServiceDefinition(
    name="counting",
    title_zh="计数",
    title_en="Counting",
    settings=CountingSettings,
    metadata=METADATA,
    migrations=FOLDER / "migrations",
    problems=FOLDER / "problems.toml",
    routers=(),
    changes_path="/v1/counting/changes",
    changes_scope="counting.changes.read",
    checkpoints_path="/v1/counting/audit/checkpoints",
    checkpoints_scope="counting.audit_checkpoint.read",
    follower_scopes={"person": "counting.person.read"},
    publishes=(PersonCounted,),
    subscriptions={event: each(count) for event in EVENTS},
)


def create_app(settings: CountingSettings | None = None) -> FastAPI:
    """The application."""
    return service_app(DEFINITION, settings)
