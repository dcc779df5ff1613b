"""Which rows are plain, and what becomes of them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from services.chassis.ids import new_ids
from services.chassis.keyring import Keyring
from services.chassis.long_work.tables.files import Numbered
from services.chassis.long_work.tables.layout import Layout
from services.chassis.long_work.tables.refusals import NotUnderstoodError
from services.chassis.months import is_younger_than
from services.chassis.parameters import NotInForceError
from services.chassis.principal import Principal
from services.chassis.trail_forms import IDS_PER_ACT, filled_trail, instants
from services.registry.actions.law import LAW
from services.registry.imports import cells
from services.registry.imports.plain.remembered import Remembered
from services.registry.imports.plain.samples import HomeSample, PersonSample, Sampling, Where, Who, token_hole
from services.registry.imports.prepared import PreparedRow
from services.registry.rules.citizen_number import (
    birth_date_in,
    birth_date_warnings,
    check_character,
    division_code_warnings,
)
from services.registry.rules.division import is_division_code
from services.registry.rules.identity_number import DocumentType
from services.registry.rules.person_name import masked_name
from services.registry.store.bulk import NewResident
from services.registry.store.persons import name_index, number_index
from services.registry.store.sealing import sealed_in
from services.registry.store.search_keys import Digester

# Texts that stand in JSON as they are, that no model trims, composes or refuses, and of which each has one spelling.
_NAME = re.compile("[\u4e00-\u9fff]{1,50}")
_NUMBER = re.compile("[1-6][0-9]{16}[0-9X]")
_PHONE = re.compile("1[3-9][0-9]{9}")
_SIGN = r"\u4e00-\u9fffA-Za-z0-9#()（）,，、。·：:;；&+@/_.\-—～~"
_ADDRESS = re.compile(f"[{_SIGN}](?:[{_SIGN} ]{{0,198}}[{_SIGN}])?")

_CHARS_MAX = 200

_ACTS = 2
_IDS = 4 + _ACTS * IDS_PER_ACT  # person, document, registration, key
_DAYS_REMEMBERED = 1 << 15
_NAMES_REMEMBERED = 1 << 14
_SAMPLES_REMEMBERED = 1 << 11


class _Born(NamedTuple):
    day: date
    json: str


class PlainRows:
    """Makes the plain rows of one operation ready, on one day of the law."""

    def __init__(self, sampling: Sampling) -> None:
        self._keyring = sampling.keyring
        self._today = sampling.today
        self._digester = Digester(sampling.keyring)
        self._persons = Remembered[tuple[Any, ...], PersonSample | None](
            lambda who: sampling.person(Who(*who)), _SAMPLES_REMEMBERED
        )
        self._homes = Remembered[tuple[Any, ...], HomeSample | None](
            lambda where: sampling.home(Where(*where)), _SAMPLES_REMEMBERED
        )
        self._born = Remembered(self._born_on, _DAYS_REMEMBERED)
        self._days = Remembered(_day, _DAYS_REMEMBERED)
        self._hukou_like: dict[tuple[str, bool | None], str | None] = {}
        self._name_indexes = Remembered[str, bytes](lambda name: name_index(sampling.keyring, name), _NAMES_REMEMBERED)

    def made(self, now: datetime, layout: Layout, numbered: Sequence[Numbered]) -> Iterator[PreparedRow | None]:
        """Each row of a chunk that is brought in at that instant; `None` for one that is not plain."""
        shared, ids = instants(now), new_ids(_IDS * len(numbered))
        for number, values in numbered:
            yield self._made(shared, ids, number, values, layout.fields(values))

    def _made(
        self, shared: Mapping[str, str], ids: Iterator[str], number: int, values: Sequence[str], said: Mapping[str, str]
    ) -> PreparedRow | None:
        document = said["document_number"]
        if not _is_plainly_written(said) or check_character(document[:17]) != document[17]:
            return None
        born = self._born[document[6:14]]
        if born is None or (said["birth_date"] and self._days[said["birth_date"]] != born.day):
            return None
        person = self._person(said, document, born)
        home = None if person is None else self._home(said, person.hukou_code)
        if person is None or home is None or home.started_on < born.day:
            return None
        return self._filled(shared, ids, number, values, said, born, person, home)

    def _born_on(self, eight_digits: str) -> _Born | None:
        """`None`: no day, or one that asks for more – a minor, somebody born in the future or too long ago."""
        day, problems = birth_date_in(eight_digits, self._today)
        if day is None or problems or birth_date_warnings(day):
            return None
        try:
            age = LAW.registration.guardian_required_below_age.on(self._today)
        except NotInForceError:
            return None
        return None if is_younger_than(day, age, self._today) else _Born(day, f'"{day}"')

    def _person(self, said: Mapping[str, str], document: str, born: _Born) -> PersonSample | None:
        return self._persons[
            said["document_type"],
            said["sex_code"],
            said["ethnicity_code"],
            said["education_code"],
            said["hukou_division_code"],
            bool(said["phone"]),
            "1" if int(document[16]) % 2 else "2",
            division_code_warnings(document[:6], born.day, self._today, LAW.divisions),
        ]

    def _home(self, said: Mapping[str, str], hukou: str | None) -> HomeSample | None:
        division = said["division_code"]
        if not is_division_code(division):
            return None
        floats = LAW.divisions.is_floating(hukou, division, self._today) if hukou else None
        if len(self._hukou_like) >= _SAMPLES_REMEMBERED:
            self._hukou_like.clear()
        return self._homes[
            division,
            said["residence_kind"],
            said["reported_by"],
            said["started_on"],
            said["expected_end_on"],
            self._hukou_like.setdefault((division, floats), hukou),
        ]

    def _filled(
        self,
        shared: Mapping[str, str],
        ids: Iterator[str],
        number: int,
        values: Sequence[str],
        said: Mapping[str, str],
        born: _Born,
        person: PersonSample,
        home: HomeSample,
    ) -> PreparedRow:
        keyring, name, document, phone = self._keyring, said["name"], said["document_number"], said["phone"]
        person_id, document_id, registration_id = next(ids), next(ids), next(ids)
        tokens = keyring.document_tokens(DocumentType.CITIZEN_ID, document).values()
        texts = {
            **shared,
            "person_id": person_id,
            "document_id": document_id,
            "registration_id": registration_id,
            "name": f'"{name}"',
            "masked_name": f'"{masked_name(name)}"',
            "number": f'"{document}"',
            "phone": f'"{phone}"',
            "address": f'"{said["address"]}"',
            "birth_date": born.json,
            **{token_hole(place): token for place, token in enumerate(tokens)},
        }
        by_number = number_index(keyring, DocumentType.CITIZEN_ID, document)
        by_name = self._name_indexes[name]
        resident = NewResident(
            person_id,
            keyring.seal((person.secrets % texts).encode(), sealed_in("person", person_id)),
            by_name,
            born.day,
            person.sex_code,
            person.ethnicity_code,
            person.education_code,
            person.hukou_code,
            person.warnings,
            document_id,
            person.document_type,
            by_number,
            keyring.seal((person.document_secrets % texts).encode(), sealed_in("identity_document", document_id)),
            registration_id,
            home.division_code,
            keyring.seal((home.secrets % texts).encode(), sealed_in("residence_registration", registration_id)),
            home.residence_kind,
            home.reported_by,
            home.started_on,
            home.expected_end_on,
            home.reported_late,
            *self._digester.digests(name, phone or None, born.day, person.hukou_code),
        )
        trail = filled_trail(keyring, person_id, (person.act, home.act), texts, ids)
        return PreparedRow(number, values, (), by_number, by_name, (), home.notes, resident, trail)


def _is_plainly_written(said: Mapping[str, str]) -> bool:
    """Whether what is the row's own is written as everybody writes it, and the rest is no longer than a word to remember."""
    phone = said["phone"]
    return bool(
        max(map(len, said.values())) <= _CHARS_MAX
        and _NAME.fullmatch(said["name"])
        and _NUMBER.fullmatch(said["document_number"])
        and (not phone or _PHONE.fullmatch(phone))
        and _ADDRESS.fullmatch(said["address"])
    )


def _day(text: str) -> date | None:
    try:
        return cells.as_date(text, "")
    except NotUnderstoodError:
        return None


def plain_rows(keyring: Keyring, service: str, request_id: str, principal: Principal, today: date) -> PlainRows:
    """For the rows of one operation; the same from chunk to chunk as long as the day and the suite's keys are."""
    return _remembered(Sampling(keyring, service, request_id, principal, today), keyring.token_keys)


@lru_cache(maxsize=1)
def _remembered(sampling: Sampling, _token_keys: tuple[str, ...]) -> PlainRows:
    return PlainRows(sampling)
