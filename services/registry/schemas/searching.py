"""Searching persons, and the log of searches, at the edge."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from services.chassis.pages import PAGE_LIMIT_MAX
from services.chassis.schemas import Command, UnmaskedText, View, rule_error
from services.registry.rules.person_name import name_key
from services.registry.rules.pinyin import spelled
from services.registry.rules.search_keys import PREFIX_CODE_POINTS
from services.registry.schemas.credit_code import CreditCode
from services.registry.schemas.persons import Code, DocumentQuery, Name

_SPELLING_LETTERS_MIN = 3
_SELECTIVE = ("identity_document", "name", "name_prefix", "pinyin", "employer", "person_ids")


class ResidenceStatus(StrEnum):
    """Whether somebody has a current registration in the client's own division."""

    REGISTERED = "registered"
    NOT_REGISTERED = "not_registered"


class EmployerQuery(Command):
    """An employer, by its id or by its whole code, wherever it lies."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    employer_id: UUID | None = None
    credit_code: CreditCode | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.employer_id is None) == (self.credit_code is None):
            raise rule_error(
                "one_of", zh="请给出用人单位编号或统一社会信用代码之一", en="give employer_id or credit_code, one of them"
            )
        return self


class PersonSearch(Command):
    """Criteria, all of which must match; at least one of document, name, its beginning, its pinyin, employer and ids."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "王小明", "birth_date": "1988-08-08"}]})

    identity_document: DocumentQuery | None = None
    name: Name | None = Field(None, description="The whole name; with or without the middle dot.")
    name_prefix: Annotated[UnmaskedText, Field(min_length=2, max_length=10)] | None = Field(
        None, description="Beginning of the name, two or three characters without spaces and dots.", examples=["王小"]
    )
    pinyin: Annotated[UnmaskedText, Field(min_length=3, max_length=100)] | None = Field(
        None,
        description="The whole name in pinyin without tones, or its initials; at least three letters.",
        examples=["wang xiaoming"],
    )
    employer: EmployerQuery | None = Field(
        None, description="Who works there now, as far as this client sees person and employment."
    )
    birth_date: date | None = Field(None, description="Narrows a search.")
    born_from: date | None = Field(None, description="Narrows a search: born on this day or later.")
    born_until: date | None = Field(None, description="Narrows a search: born on this day or earlier.")
    division_code: Code | None = Field(
        None, description="Narrows a search: registered there now; within the client's own division.", examples=["330282107"]
    )
    residence_status: ResidenceStatus | None = Field(
        None, description="Narrows a search: with or without a current registration in the client's own division."
    )
    person_ids: list[UUID] | None = Field(None, min_length=1, max_length=PAGE_LIMIT_MAX)
    cursor: str | None = Field(None, max_length=256, description="`next_cursor` of the page before.")
    limit: int = Field(20, ge=1, le=PAGE_LIMIT_MAX, description="Enough to choose by; narrow the search rather than read on.")

    @model_validator(mode="after")
    def _is_selective(self) -> Self:
        if all(getattr(self, name) is None for name in _SELECTIVE):
            raise rule_error(
                "not_selective",
                zh="至少给出证件、姓名、姓名前几个字、拼音、用人单位或人员编号之一",
                en=f"give at least one of {', '.join(_SELECTIVE)}",
            )
        if self.name_prefix is not None and len(name_key(self.name_prefix)) not in PREFIX_CODE_POINTS:
            raise rule_error(
                "name_prefix", zh="姓名前缀应为两个或三个字", en="a beginning of a name has two or three characters"
            )
        if self.pinyin is not None and len(spelled(self.pinyin)) < _SPELLING_LETTERS_MIN:
            raise rule_error("pinyin", zh="拼音至少三个字母", en="pinyin has at least three letters")
        return self

    def criteria(self) -> list[str]:
        """Names of the criteria given, for the evidence."""
        return sorted(self.model_fields_set - {"cursor", "limit"})


class LoggedSearchView(View):
    """A search somebody made: who, when, for what, by which criteria, and how much was found. Never a value."""

    search_id: UUID
    searched_at: datetime
    client_id: str
    organisation: str
    division_code: str
    actor: str | None = Field(description="The officer, where the client named one.")
    purpose: str | None
    criteria: list[str] = Field(description="Names of the fields searched by.", examples=[["birth_date", "name"]])
    found: int = Field(description="Persons on the page that was answered.")
    request_id: str
