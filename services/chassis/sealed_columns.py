"""Which columns hold sealed values, declared beside the tables, so that a rotation finds every one of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.chassis.sealing import KeyKind


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of values sealed by keys of `kind`.

    `key` is the primary key, `context` a format over the columns in `key` and `also`; `names_key` says that the row's `kek_id`
    names the key.
    """

    table: str
    column: str
    key: tuple[str, ...]
    context: str
    also: tuple[str, ...] = ()
    kind: KeyKind = KeyKind.SERVICE
    names_key: bool = False

    @classmethod
    def of(cls, table: str, key: str, column: str = "sealed") -> "SealedColumn":
        """The usual form: one key column, context `<table>|<column>|<key>`."""
        return cls(table, column, (key,), f"{table}|{column}|{{{key}}}")

    def context_of(self, row: Mapping[str, Any]) -> str:
        """The context of one row's value."""
        return self.context.format_map({name: row[name] for name in (*self.key, *self.also)})

    @property
    def label(self) -> str:
        """`table.column`."""
        return f"{self.table}.{self.column}"


CHASSIS: Sequence[SealedColumn] = (
    SealedColumn(
        "idempotency_key",
        "body",
        ("client_id", "operation", "key"),
        "idempotency_key|{client_id}|{operation}|{key}",
    ),
    # Of nobody, or older than the keys of persons.
    SealedColumn("history", "snapshot", ("resource", "resource_id", "version"), "history|{resource}|{resource_id}|{version}"),
    SealedColumn.of("proposal", "proposal_id", "content"),
)
"""What every service has under its data keys."""

WRAPPED: Sequence[SealedColumn] = (
    SealedColumn(
        "data_key", "wrapped", ("key_id",), "data_key|{key_id}|{suite}", ("suite",), KeyKind.ENCRYPTION, names_key=True
    ),
    SealedColumn(
        "person_key",
        "wrapped",
        ("person_id",),
        "person_key|{person_id}|{key_id}|{suite}",
        ("key_id", "suite"),
        KeyKind.ENCRYPTION,
        names_key=True,
    ),
)
"""What every service has under its key-encryption keys."""

NOT_SEALED = frozenset({"digest", "fingerprint", "chain_hash", "subtrees"})
"""Columns of bytes that hold digests; so do all whose name ends in `_index`."""
