"""Digests under which persons are found by parts of what is sealed: keyed (decision 0010), cut to eight bytes, so that an index
over a million of them is small. Two texts with one digest would only be a hit too many; what is found is opened and looked at.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from uuid import UUID

from services.chassis.db import prepare
from services.chassis.keyring import Keyring
from services.chassis.work import Work
from services.registry.rules.pinyin import read_pinyin
from services.registry.rules.search_keys import Described, SearchKey, search_texts
from services.registry.schemas.person_views import PersonRecord
from services.registry.store.persons import COLUMNS, person_of

PINYIN = read_pinyin((Path(__file__).parents[1] / "parameters" / "pinyin.tsv").read_text("utf-8"))

_DIGEST_BYTES = 8
_PURPOSES = {key: f"person_search_key.{key.value}" for key in SearchKey}
_NAMES = ", ".join(key.value for key in SearchKey)
_ARRAYS = ", ".join(f"CAST(:{key.value} AS bigint[])" for key in SearchKey)
_CHANGES = ", ".join(f"{key.value} = excluded.{key.value}" for key in SearchKey)
_KEEP = prepare(
    f"""
    INSERT INTO person_search_key (person_id, {_NAMES})
    SELECT g.* FROM unnest(CAST(:person_ids AS uuid[]), {_ARRAYS}) AS g (person_id, {_NAMES})
    ON CONFLICT (person_id) DO UPDATE SET {_CHANGES}
    """  # noqa: S608 - names of the table's own columns
)
_UNKEYED = prepare(
    f"""
    SELECT {COLUMNS} FROM person p
    WHERE NOT EXISTS (SELECT FROM person_search_key k WHERE k.person_id = p.person_id)
    ORDER BY p.person_id LIMIT CAST(:limit AS integer) FOR UPDATE OF p
    """  # noqa: S608
)

_REMEMBERED = 1 << 16
_OWN = frozenset({SearchKey.PHONE, SearchKey.INITIALS_AND_BIRTH})

Digests = dict[str, int | None]
"""By the names of the columns that keep them."""


def digest(keyring: Keyring, key: SearchKey, text: str) -> int:
    """The digest of a text under its key's own secret."""
    mac = keyring.blind_index(_PURPOSES[key], text)
    return int.from_bytes(mac[:_DIGEST_BYTES], signed=True)


def digests_of(keyring: Keyring, record: PersonRecord) -> Digests:
    """Every digest of a person."""
    described = Described(record.name, record.phone, record.birth_date, record.hukou_division_code)
    texts = search_texts(described, PINYIN)
    return {key.value: None if text is None else digest(keyring, key, text) for key, text in texts.items()}


class Digester:
    """Digests of many persons one after the other; those of texts that many share are remembered, up to a bound."""

    def __init__(self, keyring: Keyring) -> None:
        self._shared = lru_cache(_REMEMBERED)(partial(digest, keyring))
        self._own = partial(digest, keyring)

    def digests(self, name: str, phone: str | None, birth_date: date, hukou: str | None) -> Iterator[int | None]:
        """What `digests_of` gives, in the order of `SearchKey`."""
        for key, text in search_texts(Described(name, phone, birth_date, hukou), PINYIN).items():
            made = self._own if key in _OWN else self._shared
            yield None if text is None else made(key, text)


async def keep(work: Work, person_ids: Sequence[UUID | str], digests: Sequence[Digests]) -> None:
    """Keep the digests of these persons, in place of earlier ones."""
    values: dict[str, list[Any]] = {key.value: [of_one[key.value] for of_one in digests] for key in SearchKey}
    await work.tx.execute(_KEEP, person_ids=person_ids, **values)


async def keep_missing(work: Work, *, limit: int) -> int:
    """Key persons who were entered before there were keys; how many there were."""
    rows = await work.tx.fetch(_UNKEYED, limit=limit)
    if rows:
        digests = [digests_of(work.keyring, person_of(work.keyring, row)) for row in rows]
        await keep(work, [row["person_id"] for row in rows], digests)
    return len(rows)
