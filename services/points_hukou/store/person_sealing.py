"""Columns sealed under the key of the person they are about, so that an erasure makes them dark.

The context is `<table>|sealed|<row id>`. Older rows lie under the service's own keys and are read as they are.
"""

from uuid import UUID

from pydantic import BaseModel

from services.chassis import person_keys
from services.chassis.db import Record
from services.chassis.keyring import Keyring
from services.chassis.sealing import KeyKind, is_of
from services.chassis.work import Work
from services.points_hukou.store.sealing import ModelT, pack, unpack, unseal


def seal_about(work: Work, person_id: UUID, secrets: BaseModel, context: str) -> bytes:
    """Pack and encrypt under the person's key, after `Work.make_person_keys`."""
    return work.seal_about(person_id, pack(secrets), context)


def unseal_about(keyring: Keyring, model: type[ModelT], row: Record, context: str) -> ModelT | None:
    """What a row with `person_id`, `sealed` and `person_keys.COLUMNS` holds; `None` once the person is deleted.

    Raises `ValueError` when the value was altered or moved.
    """
    sealed: bytes | None = row["sealed"]
    if sealed is None:
        return None
    if not is_of(KeyKind.PERSON, sealed):
        return unseal(keyring, model, sealed, context)
    opened = person_keys.opened(keyring, row, sealed, context)
    return None if opened is None else unpack(model, opened)
