"""Encrypted columns hold JSON models, packed; the context `<table>|sealed|<row id>` binds a value to its row."""

import zlib
from typing import TypeVar

from pydantic import BaseModel

from services.chassis.keyring import Keyring

ModelT = TypeVar("ModelT", bound=BaseModel)


def seal(keyring: Keyring, secrets: BaseModel, context: str) -> bytes:
    """Pack and encrypt."""
    return keyring.seal(zlib.compress(secrets.model_dump_json().encode()), context)


def unseal(keyring: Keyring, model: type[ModelT], sealed: bytes, context: str) -> ModelT:
    """Decrypt and unpack; raises `ValueError` when the value was altered or moved."""
    return model.model_validate_json(zlib.decompress(keyring.open(sealed, context)))
