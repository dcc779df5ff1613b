"""Encrypted columns hold small JSON models; the context `<table>|sealed|<row id>` binds a value to its row."""

from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel

from services.chassis.keyring import Keyring

ModelT = TypeVar("ModelT", bound=BaseModel)


def seal(keyring: Keyring, secrets: BaseModel, context: str) -> bytes:
    """Encrypt."""
    return keyring.seal(secrets.model_dump_json().encode(), context)


def sealed_in(table: str, row_id: UUID | str) -> str:
    """The context of a row's encrypted column."""
    return f"{table}|sealed|{row_id}"


def unseal(keyring: Keyring, model: type[ModelT], sealed: bytes, context: str) -> ModelT:
    """Decrypt; raises `ValueError` when the value was altered or moved."""
    return model.model_validate_json(keyring.open(sealed, context))
