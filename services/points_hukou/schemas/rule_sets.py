"""Rule sets at the edge, and the full state of one as the store keeps it. No person is in them."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, PlainText, View, pattern_field, rule_error
from services.points_hukou.rules.compiling import RuleSetText
from services.points_hukou.rules.purposes import Purpose
from services.points_hukou.rules.rule_set_states import RuleSetStatus

_TEXT_MAX = 200_000
# As `chassis.schemas.PlainText`, but lines and tabs are what a text of many lines is made of.
_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def _without_control_characters(text: str) -> str:
    if _REFUSED.search(text):
        raise rule_error("control_character", zh="不得含控制字符", en="control characters are not allowed")
    return text


Toml = Annotated[str, StringConstraints(max_length=_TEXT_MAX), AfterValidator(_without_control_characters)]
DivisionCode = Annotated[PlainText, pattern_field(r"^[0-9]{6}$", description="County-level or above, such as 330282.")]

_RULE_SET = """format = 1
id = "cixi-county-2026"
…"""


class RuleSetTexts(Command):
    """A rule set: one that ships, by its id, or a text of one's own in the format of `rule_sets/README.md`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"released": "ningbo-2022"}]})

    released: Annotated[PlainText, Field(max_length=60)] | None = Field(None, description="The id of one that ships.")
    rule_set: Toml | None = Field(None, description="TOML, where it is one's own.", examples=[_RULE_SET])
    choices: Toml = Field("", description="TOML: of one's own text the choices beside it; of a released one the city's own.")
    cases: Toml = Field("", description="TOML: its cases. Of a released one those that ship, unless given.")


class PutInForce(Command):
    """From a day, for these uses, in a division and below."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"purposes": ["school", "housing"], "division_code": "330282", "valid_from": "2027-01-01"}]
        }
    )

    purposes: Annotated[list[Purpose], Field(min_length=1, max_length=len(Purpose))]
    division_code: DivisionCode
    valid_from: date = Field(description="Today or later: nobody is counted by law that came afterwards.")
    service: Annotated[PlainText, Field(max_length=60)] | None = Field(
        None, description="Which service of the rule set; without it that of the purpose's name, or the only one."
    )


class TakeOutOfForce(Command):
    """It counts this use no more, from a day on."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"purpose": "housing", "division_code": "330282", "ended_on": "2027-07-01"}]}
    )

    purpose: Purpose
    division_code: DivisionCode
    ended_on: date = Field(description="First day on which it does not count, tomorrow or later; its first day to call it off.")


class RuleSetRecord(VersionedRecord):
    """The full state of a rule set."""

    rule_set_id: UUID
    name: str
    document_version: int
    name_zh: str
    name_en: str
    doc_no: str | None
    jurisdiction: str
    division_code: str
    status: RuleSetStatus
    texts: dict[str, Any]
    own_choices: str
    cases: str
    digest: str | None
    problems: tuple[str, ...] | None
    drafted_by: str
    proposed_by: str | None
    approved_by: str | None
    approved_on: date | None

    @property
    def chain(self) -> dict[str, RuleSetText]:
        """The texts of everything it extends, itself included, by id."""
        return {name: RuleSetText(each["rule_set"], each["choices"]) for name, each in self.texts.items()}


class RuleSetSummaryView(View):
    """A rule set in a list."""

    rule_set_id: UUID
    version: int = Field(description="Of this record; the version its text gives itself is `document_version`.")
    name: str = Field(examples=["ningbo-2022"])
    document_version: int
    name_zh: str
    name_en: str
    doc_no: str | None
    jurisdiction: str
    division_code: str = Field(description="Of the office that handed it in.")
    status: RuleSetStatus
    digest: str | None = Field(description="SHA-256 over every text it consists of, once it compiles.")
    problems: list[str] | None = Field(
        description="What the last check found, each beginning with its place; null: not checked as it stands."
    )
    drafted_by: str
    proposed_by: str | None
    approved_by: str | None
    approved_on: date | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: RuleSetRecord) -> Self:
        """The rule set for a reader."""
        return cls(**{name: getattr(record, name) for name in cls.model_fields} | {"problems": _listed(record.problems)})


class RuleSetView(RuleSetSummaryView):
    """A rule set with its whole text: whoever has it can count again what was counted by it."""

    texts: dict[str, Any] = Field(description="By id: `rule_set` and `choices` of each rule set of the chain.")
    own_choices: str
    cases: str


class InForceRecord(VersionedRecord):
    """The full state of a rule set's being in force."""

    in_force_id: UUID
    rule_set_id: UUID
    purpose: Purpose
    service: str
    division_code: str
    valid_from: date
    ended_on: date | None
    put_by: str


class InForceView(View):
    """Which rule set counts a use."""

    in_force_id: UUID
    rule_set_id: UUID
    name: str = Field(examples=["ningbo-2022"])
    document_version: int
    digest: str
    purpose: Purpose
    service: str
    division_code: str = Field(description="Where it was put in force; it may be a division above the one asked for.")
    valid_from: date
    ended_on: date | None = Field(description="First day on which it does not count.")
    put_by: str


class RulesInForceView(View):
    """What is in force in a division on a day, by use; a use that is not there is counted by nothing."""

    division_code: str
    on: date
    items: list[InForceView]


def _listed(problems: tuple[str, ...] | None) -> list[str] | None:
    return None if problems is None else list(problems)
