"""Notices: what somebody is to be told, as kept and as shown."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from services.chassis.schemas import View
from services.registry.rules.notice_templates import Addressee, NoticeTemplate, ParameterKind


class NoticeRecord(View):
    """A request to tell somebody something, as the store keeps it. It never changes."""

    notice_id: UUID
    template: str
    rule: str
    addressee_kind: Addressee
    addressee_id: UUID
    person_id: UUID | None
    division_code: str
    subject_kind: str
    subject_id: UUID
    parameters: dict[str, str | int]
    dedupe_key: str
    requested_on: date
    created_at: datetime


class NoticeView(View):
    """A notice that was requested; whether and how it was delivered is known to whoever owns SMS and letters."""

    notice_id: UUID
    template: str = Field(
        description="Code of the template, as `GET /v1/notice-templates` lists it.", examples=["endorsement_due"]
    )
    rule: str = Field(description="The rule for whose sake it is sent.")
    addressee_kind: Addressee
    addressee_id: UUID
    division_code: str = Field(description="Division of the office whose business it is.")
    subject_kind: str = Field(description="What it is about.", examples=["residence_permit"])
    subject_id: UUID
    parameters: dict[str, str | int] = Field(description="Ids, days, numbers and codes the text is filled in with.")
    text_zh: str = Field(description="The text as it stood on the day of the request.")
    text_en: str
    requested_on: date = Field(description="Law date.")
    created_at: datetime

    @classmethod
    def of(cls, record: NoticeRecord, template: NoticeTemplate) -> Self:
        """The notice with its text."""
        text_zh, text_en = template.rendered(record.parameters)
        kept = {name: value for name, value in record.__dict__.items() if name not in {"person_id", "dedupe_key"}}
        return cls(**kept, text_zh=text_zh, text_en=text_en)


class NoticeTemplateView(View):
    """A text with its parameters in `{braces}`."""

    code: str
    rule: str
    addressees: list[Addressee]
    parameters: dict[str, ParameterKind] = Field(description="Every parameter of the template with its kind.")
    text_zh: str
    text_en: str

    @classmethod
    def of(cls, template: NoticeTemplate) -> Self:
        """The template as data."""
        return cls(
            code=template.code,
            rule=template.rule,
            addressees=list(template.addressees),
            parameters=dict(template.parameters),
            text_zh=template.text_zh,
            text_en=template.text_en,
        )


class NoticeTemplatesView(View):
    """The templates in force on a day."""

    on: date
    items: list[NoticeTemplateView]
