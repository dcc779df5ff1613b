"""Encrypted columns hold JSON models, packed; the context `<table>|sealed|<row id>` binds a value to its row.

What is said of a person lies under the person's own key, so that deletion is the destruction of that key (decision 0008).
"""

import zlib
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel

from services.chassis import person_keys
from services.chassis.db import Record
from services.chassis.keyring import Keyring
from services.chassis.sealing import KeyKind, is_of
from services.chassis.work import Work

ModelT = TypeVar("ModelT", bound=BaseModel)


def seal(keyring: Keyring, secrets: BaseModel, context: str) -> bytes:
    """Pack and encrypt under the service's key."""
    return keyring.seal(_packed(secrets), context)


def unseal(keyring: Keyring, model: type[ModelT], sealed: bytes, context: str) -> ModelT:
    """Decrypt and unpack; raises `ValueError` when the value was altered or moved."""
    return _unpacked(model, keyring.open(sealed, context))


def seal_about(work: Work, person_id: UUID, secrets: BaseModel, context: str) -> bytes:
    """Pack and encrypt under the key of the person it is about, after `work.make_person_keys`."""
    return work.seal_about(person_id, _packed(secrets), context)


def unseal_about(keyring: Keyring, model: type[ModelT], row: Record, person_id: UUID, context: str) -> ModelT | None:
    """What `seal_about` sealed, in a row with `sealed` and that person's `person_keys.COLUMNS`; `None` when it is gone.

    What was sealed under the service's key before revision 0017 is opened, too, until `store/resealing.py` has been there.
    Raises `ValueError` when the value was altered or moved.
    """
    if (sealed := row["sealed"]) is None:
        return None
    if not is_of(KeyKind.PERSON, sealed):
        return unseal(keyring, model, sealed, context)
    if row["person_key_id"] is None:
        return None
    stored = row["person_key_id"], row["person_key_suite"], row["person_key_wrapped"]
    opened = person_keys.open_layers(sealed, context, [person_keys.unwrap(keyring, person_id, *stored)])
    return None if opened is None else _unpacked(model, opened)


def _packed(secrets: BaseModel) -> bytes:
    return zlib.compress(secrets.model_dump_json().encode())


def _unpacked(model: type[ModelT], packed: bytes) -> ModelT:
    return model.model_validate_json(zlib.decompress(packed))
