"""What models and rules make of a sample: a made-up person with the words of a row."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NamedTuple

from services.chassis.errors import FieldError
from services.chassis.forms import Form, form_of
from services.chassis.ids import new_id
from services.chassis.keyring import Keyring
from services.chassis.long_work.tables.refusals import NOT_TAKEN
from services.chassis.principal import Principal
from services.chassis.trail_forms import ActForm, act_form
from services.chassis.work import Work
from services.registry.actions.divisions import require_own_division
from services.registry.actions.law import LAW
from services.registry.actions.persons import entered as entered_person
from services.registry.actions.refusals import notice
from services.registry.actions.registration_entry import assess_entry
from services.registry.actions.registration_entry import entered as entered_registration
from services.registry.imports.prepared import NOWHERE, leave_person, leave_registration, notes_of, paper, warnings_of
from services.registry.imports.rows import Bringer, entry_said, person_said
from services.registry.rules.citizen_number import check_character
from services.registry.rules.findings import Finding
from services.registry.rules.identity_number import DocumentType
from services.registry.rules.person_name import masked_name
from services.registry.schemas.person_views import PersonRecord
from services.registry.store.persons import LockedPerson, document_secrets, person_secrets
from services.registry.store.registrations import registration_secrets

_NAME = "甲样"
_PHONE = "13000000000"
_ADDRESS = "样街零号"
_BORN = date(1990, 1, 1)
_NOW = datetime(1900, 1, 2, 3, 4, 5, 678901, UTC)
_FIRST_17 = {sex_code: f"{LAW.divisions.city}{_BORN:%Y%m%d}00{sex_code}" for sex_code in "12"}
_NUMBERS = {sex_code: first_17 + check_character(first_17) for sex_code, first_17 in _FIRST_17.items()}


class Who(NamedTuple):
    """A row's words about a person that others are described by, too, and what the number says of it."""

    document_type: str
    sex_code: str
    ethnicity_code: str
    education_code: str
    hukou_division_code: str
    has_phone: bool
    sex_in_number: str
    doubts: tuple[Finding, ...]


class Where(NamedTuple):
    """A row's words about a residence but for the address; `hukou_division_code` is any that floats there as the row's does."""

    division_code: str
    residence_kind: str
    reported_by: str
    started_on: str
    expected_end_on: str
    hukou_division_code: str | None


class PersonSample(NamedTuple):
    """What becomes of persons described like this."""

    act: ActForm
    secrets: Form
    document_secrets: Form
    document_type: str
    sex_code: str
    ethnicity_code: str | None
    education_code: str | None
    hukou_code: str | None
    warnings: str


class HomeSample(NamedTuple):
    """What becomes of residences described like this, of somebody of age who was born by then."""

    act: ActForm
    secrets: Form
    notes: Sequence[FieldError]
    division_code: str
    residence_kind: str
    reported_by: str
    started_on: date
    expected_end_on: date | None
    reported_late: bool


@dataclass(frozen=True, slots=True)
class Sampling:
    """Has samples judged in the name of who brings the roster, on the law's day."""

    keyring: Keyring
    service: str
    request_id: str
    principal: Principal
    today: date

    def person(self, who: Who) -> PersonSample | None:
        """`None`: such a row is not taken as it stands, or is about another document than a citizen number."""
        words = {**who._asdict(), "name": _NAME, "document_number": _NUMBERS[who.sex_in_number]}
        words["phone"] = _PHONE if who.has_phone else ""
        try:
            record = entered_person(person_said(defaultdict(str, words)), self.today, _NOW)
        except NOT_TAKEN:
            return None
        document = record.identity_documents[0]
        if document.type is not DocumentType.CITIZEN_ID:
            return None
        doubts = dict.fromkeys((*record.warnings, *map(notice, who.doubts)))
        record = record.model_copy(update={"warnings": tuple(doubts)})
        ids = {"person_id": str(record.person_id), "document_id": str(document.document_id)}
        values = self._person_values(record)
        work = self._paper
        leave_person(work, record)
        return PersonSample(
            act_form(work, ids, values),
            form_of(person_secrets(record), values),
            form_of(document_secrets(document), values),
            document.type.value,
            record.sex_code,
            record.ethnicity_code,
            record.education_code,
            record.hukou_division_code,
            warnings_of(record),
        )

    def _person_values(self, record: PersonRecord) -> Mapping[str, str]:
        document = record.identity_documents[0]
        tokens = self.keyring.document_tokens(document.type, document.normalised_number).values()
        return {
            "name": f'"{record.name}"',
            "masked_name": f'"{masked_name(record.name)}"',
            "number": f'"{document.number}"',
            "phone": f'"{_PHONE}"',
            "birth_date": f'"{record.birth_date}"',
            **{token_hole(place): token for place, token in enumerate(tokens)},
        }

    def home(self, where: Where) -> HomeSample | None:
        """`None`: such a row is not taken as it stands."""
        desk, stranger = self._desk, _stranger(where.hukou_division_code)
        try:
            said = entry_said({**where._asdict(), "address": _ADDRESS})
            require_own_division(desk, said.division_code, "/division_code")
            entry = said.model_copy(update={"person_id": stranger.person_id})
            assessment = assess_entry(desk, entry, stranger)
            record = entered_registration(desk, entry, assessment, NOWHERE).record
        except NOT_TAKEN:
            return None
        ids = {"person_id": str(record.person_id), "registration_id": str(record.registration_id)}
        values = {"address": f'"{_ADDRESS}"'}
        work = self._paper
        leave_registration(work, record)
        return HomeSample(
            act_form(work, ids, values),
            form_of(registration_secrets(record), values),
            notes_of(desk, record, assessment),
            record.division_code,
            record.residence_kind.value,
            record.reported_by.value,
            record.started_on,
            record.expected_end_on,
            record.reported_late,
        )

    @property
    def _desk(self) -> Bringer:
        return Bringer(self.principal, self.today, _NOW)

    @property
    def _paper(self) -> Work:
        return paper(self._desk, self.keyring, self.service, self.request_id)


def token_hole(place: int) -> str:
    """The hole of the document token under one of the suite's keys, counted from the newest."""
    return f"token_{place}"


def _stranger(hukou_division_code: str | None) -> LockedPerson:
    """Somebody of age, born before anybody came to live anywhere."""
    return LockedPerson(
        person_id=new_id(),
        birth_date=date.min,
        hukou_division_code=hukou_division_code,
        document_types=(DocumentType.CITIZEN_ID,),
        is_visible=True,
        is_held=True,
        merged_into=None,
        contested=frozenset(),
    )
