"""A key per person: what is remembered of somebody is sealed under it, so that deletion is the destruction of one row.

Keys lie in `person_key`, wrapped by a key-encryption key of the service, and are never cached beyond one transaction: no
process can go on reading, or sealing, with a key that was destroyed. A person registered anew gets a new key with a new id;
what the old one sealed stays dark.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

from services.chassis.db import Record, Transaction, prepare
from services.chassis.entropy import random_bytes
from services.chassis.ids import quick_id
from services.chassis.keyring import Keyring
from services.chassis.sealing import Key, KeyKind, Suite, head_of, is_of, new_key

COLUMNS = "k.key_id AS person_key_id, k.suite AS person_key_suite, k.wrapped AS person_key_wrapped"
"""For a statement that reads the person anyway, with `LEFT JOIN person_key k`; its rows go to `Work.learn_person_key`."""

DESTROY = prepare("DELETE FROM person_key WHERE person_id = :person_id")
_FIND = prepare(f"SELECT k.person_id, {COLUMNS} FROM person_key k WHERE k.person_id = ANY (CAST(:person_ids AS uuid[]))")  # noqa: S608
_KEEP = prepare(
    """
    INSERT INTO person_key (person_id, key_id, suite, wrapped, kek_id)
    SELECT * FROM unnest(CAST(:person_ids AS uuid[]), CAST(:key_ids AS uuid[]), CAST(:suites AS smallint[]),
        CAST(:wrapped AS bytea[]), CAST(:kek_ids AS text[])) AS o (person_id, key_id, suite, wrapped, kek_id)
    ORDER BY person_id ON CONFLICT (person_id) DO NOTHING
    """
)


@dataclass(frozen=True, slots=True)
class PersonKey:
    """One person's key; `wrapped` by `kek_id` as long as it is to be stored."""

    person_id: UUID
    key_id: UUID
    key: Key
    wrapped: bytes | None = None
    kek_id: str | None = None


def make(keyring: Keyring, person_id: UUID) -> PersonKey:
    """A fresh key for a person who may have none."""
    suite, key_id = keyring.suite, UUID(bytes=random_bytes(16), version=4)
    material = new_key(suite)
    wrapped = keyring.wrap(material, wrapping_context(person_id, key_id, suite))
    return PersonKey(person_id, key_id, _key(suite, key_id, material), wrapped, keyring.kek_id)


class NewKey(NamedTuple):
    """A key for a person who is new, and what is to be stored of it: the fields of `OfferedKey`, ids as texts."""

    key: Key
    offered: tuple[str, str, int, bytes, str]


def make_for_new(keyring: Keyring, person_id: str, key_id: str) -> NewKey:
    """`make` for one of many: ids come as texts, the key's is fresh."""
    suite = keyring.suite
    material = new_key(suite)
    wrapped = keyring.wrap(material, wrapping_context(person_id, key_id, suite))
    key = Key(KeyKind.PERSON, suite, bytes.fromhex(key_id.replace("-", "")), material)
    return NewKey(key, (person_id, key_id, int(suite), wrapped, keyring.kek_id))


def unwrap(keyring: Keyring, person_id: UUID, key_id: UUID, suite: int, wrapped: bytes) -> PersonKey:
    """A stored key, ready for use; raises `ValueError` when it was altered, moved or wrapped by an unknown key."""
    material = keyring.unwrap(wrapped, wrapping_context(person_id, key_id, suite))
    return PersonKey(person_id, key_id, _key(Suite(suite), key_id, material))


def wrapping_context(person_id: UUID | str, key_id: UUID | str, suite: int) -> str:
    """Where a person's wrapped key lies; authenticated with it."""
    return f"person_key|{person_id}|{key_id}|{suite}"


def _key(suite: Suite, key_id: UUID, material: bytes) -> Key:
    return Key(KeyKind.PERSON, suite, key_id.bytes, material)


class OfferedKey(NamedTuple):
    """A key as the database is asked to keep it; without `wrapped` it has it already."""

    person_id: UUID
    key_id: UUID
    suite: int
    wrapped: bytes | None
    kek_id: str | None


class KeysInUse:
    """The person keys of one transaction: learned from rows it read, made for persons it knows no key of, or brought by who
    sealed for a new person elsewhere.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._stored: dict[UUID, tuple[UUID, int, bytes]] = {}
        self._ready: dict[UUID, PersonKey] = {}

    def bring(self, key: tuple[str, str, int, bytes, str]) -> UUID:
        """Take the key of a new person, made elsewhere and kept by who brings it, as the fields of `OfferedKey` with ids as
        texts; it is unwrapped only if more is to be sealed under it. The person's id.
        """
        person_id = quick_id(key[0])
        self._stored[person_id] = (quick_id(key[1]), key[2], key[3])
        return person_id

    async def make_sure(self, tx: Transaction, person_ids: Collection[UUID]) -> None:
        """Have the database keep a key of each of these persons, and know it: what is sealed under it then is no history row,
        which would be sealed again should the key turn out to be another.
        """
        if unknown := sorted(set(person_ids) - self._stored.keys()):
            for row in await tx.fetch(_FIND, person_ids=unknown):
                self.learn(row)
        if not (without := sorted(set(unknown) - self._stored.keys())):
            return
        keys = self.offered(without)
        await tx.execute(
            _KEEP,
            person_ids=[key.person_id for key in keys],
            key_ids=[key.key_id for key in keys],
            suites=[key.suite for key in keys],
            wrapped=[key.wrapped for key in keys],
            kek_ids=[key.kek_id for key in keys],
        )
        for row in await tx.fetch(_FIND, person_ids=without):  # the one that was kept, ours or somebody's who was faster
            self.learn(row)

    def offered(self, person_ids: Iterable[UUID]) -> list[OfferedKey]:
        """The keys of these persons, for the database to keep those it has not."""
        return [_offered(self.of(person_id)) for person_id in person_ids]

    def learn(self, row: Record) -> None:
        """Take the key from a row with `person_id` and `COLUMNS`; without one, whatever was known is forgotten."""
        person_id: UUID = row["person_id"]
        self._ready.pop(person_id, None)
        self._stored.pop(person_id, None)
        if row["person_key_id"] is not None:
            self._stored[person_id] = (row["person_key_id"], row["person_key_suite"], row["person_key_wrapped"])

    def of(self, person_id: UUID) -> PersonKey:
        """The person's key as far as this transaction knows; a fresh one otherwise."""
        if (found := self._ready.get(person_id)) is None:
            stored = self._stored.get(person_id)
            found = make(self._keyring, person_id) if stored is None else unwrap(self._keyring, person_id, *stored)
            self._ready[person_id] = found
        return found

    def settle(self, keys: Iterable[OfferedKey]) -> None:
        """The database has these now, for this transaction."""
        for key in keys:
            self._ready[key.person_id] = replace(self.of(key.person_id), wrapped=None, kek_id=None)

    def seal(self, plaintext: bytes, context: str, person_ids: Iterable[UUID]) -> bytes:
        """Seal under the key of every one of the persons, the first one's innermost: readable while all of them exist."""
        sealed = plaintext
        for person_id in person_ids:
            sealed = self.of(person_id).key.seal(sealed, context)
        return sealed


def _offered(key: PersonKey) -> OfferedKey:
    return OfferedKey(key.person_id, key.key_id, key.key.suite, key.wrapped, key.kek_id)


def opened(keyring: Keyring, row: Record, sealed: bytes, context: str) -> bytes | None:
    """What `Work.seal_about` sealed, given a row with `person_id` and `COLUMNS`; `None` when the person's key was destroyed.

    Raises `ValueError` when the value was altered or moved.
    """
    key = None
    if row["person_key_id"] is not None:
        stored = row["person_key_id"], row["person_key_suite"], row["person_key_wrapped"]
        key = unwrap(keyring, row["person_id"], *stored)
    return open_layers(sealed, context, [key])


def open_layers(sealed: bytes, context: str, keys: Iterable[PersonKey | None]) -> bytes | None:
    """Open what `KeysInUse.seal` sealed, given the keys the persons have now in the same order.

    `None` when a key it needs was destroyed. Raises `ValueError` when the value was altered or moved.
    """
    for key in reversed(list(keys)):
        if not is_of(KeyKind.PERSON, sealed):
            raise ValueError("the value lacks a person's seal")
        if key is None or head_of(sealed) != key.key.head:
            return None
        sealed = key.key.open(sealed, context)
    return sealed
