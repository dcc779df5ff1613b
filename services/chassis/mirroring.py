"""Mirrors of what a neighbour owns: a table filled from events alone, in which older news never overwrites newer.

Of a person whom `mirror_person_deleted` names nothing is written any more, whatever comes late.
"""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel

from services.chassis.db import prepare
from services.chassis.events import EventData, Received
from services.chassis.work import Work

StateT = TypeVar("StateT", bound=EventData)

_DIALECT: Any = postgresql.dialect()  # type: ignore[no-untyped-call]
_NOT_IN_DATA = ("sequence", "updated_at")
_PERSON_IDS = ("person_id", "related_person_id", "canonical_person_id")


class Mirror(Generic[StateT]):
    """A mirror table and the events that fill it; its other columns are named like the fields of the events."""

    def __init__(self, model: type[SQLModel]) -> None:
        table: Table = model.__table__  # type: ignore[attr-defined]
        (self._key,) = (column.name for column in table.primary_key)
        self._fields = [column.name for column in table.columns if column.name not in _NOT_IN_DATA]
        names = ", ".join(column.name for column in table.columns)
        arrays = ", ".join(f"CAST(:{column.name} AS {column.type.compile(_DIALECT)}[])" for column in table.columns)
        persons = ", ".join(f"given.{name}" for name in _PERSON_IDS if name in table.columns)
        changes = ", ".join(f"{column.name} = excluded.{column.name}" for column in table.columns if not column.primary_key)
        self.upsert = f"""
            INSERT INTO {table.name} AS m ({names}) SELECT * FROM unnest({arrays}) AS given ({names})
            WHERE NOT EXISTS (SELECT FROM mirror_person_deleted x WHERE x.person_id IN ({persons}))
            ON CONFLICT ({self._key}) DO UPDATE SET {changes} WHERE m.sequence < excluded.sequence
            RETURNING m.{self._key}
            """  # noqa: S608 - names of the table's own columns
        """SQL that takes an array per column and returns the keys of the rows it wrote."""
        self._keep = prepare(self.upsert)

    async def keep(self, work: Work, events: Sequence[Received[StateT]]) -> None:
        """Write the last state of every subject; rows that already know something newer are left alone."""
        await work.tx.execute(self._keep, **self.arrays(work, self.last_states(events)))

    async def kept(self, work: Work, events: Sequence[Received[StateT]]) -> list[Any]:
        """The same; returns the keys of the rows that were written."""
        rows = await work.tx.fetch(self._keep, **self.arrays(work, self.last_states(events)))
        return [row[self._key] for row in rows]

    def last_states(self, events: Sequence[Received[StateT]]) -> list[Received[StateT]]:
        """The last event of every subject; those of one subject come in order."""
        return list({getattr(event.data, self._key): event for event in events}.values())

    def arrays(self, work: Work, events: Sequence[Received[StateT]]) -> dict[str, list[Any]]:
        """The arguments of `upsert`."""
        arrays: dict[str, list[Any]] = {name: [getattr(event.data, name) for event in events] for name in self._fields}
        arrays["sequence"] = [event.envelope.sequence for event in events]
        arrays["updated_at"] = [work.now] * len(events)
        return arrays
