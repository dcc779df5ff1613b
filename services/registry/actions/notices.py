"""Notices: ask that somebody is told something, once.

No SMS and no letters here: the event goes to whoever owns them, with a template and its parameters (`notices.toml`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from services.chassis.ids import new_id
from services.chassis.work import Work
from services.contracts.registry import NoticeRequested
from services.registry.actions.law import LAW
from services.registry.rules.notice_templates import Addressee, ParameterValue
from services.registry.schemas.notices import NoticeRecord
from services.registry.store import notices as store
from services.registry.store.visibility import divisions_of

RESOURCE = "notice"


@dataclass(frozen=True, slots=True)
class About:
    """What a notice is about, and which occasion of it: the same thing on the same occasion is told once."""

    kind: str
    subject_id: UUID
    occasion: object


async def request_notice(
    work: Work,
    template: str,
    *,
    addressee: Addressee,
    addressee_id: UUID,
    division_code: str,
    about: About,
    parameters: Mapping[str, ParameterValue],
) -> bool:
    """Ask that somebody is told something, with its event, unless that was asked before; whether it is new.

    `division_code` is the office whose business it is. Raises LookupError for an unknown template and ValueError for other
    parameters than it declares: mistakes of the caller, never of a client. The person's row is locked by the caller, as for
    every act about a person.
    """
    text = LAW.notices.template(template, work.today)
    if addressee not in text.addressees:
        raise ValueError(f"{template} is not for {addressee}")
    record = NoticeRecord(
        notice_id=new_id(),
        template=template,
        rule=text.rule,
        addressee_kind=addressee,
        addressee_id=addressee_id,
        person_id=addressee_id if addressee is Addressee.PERSON else None,
        division_code=division_code,
        subject_kind=about.kind,
        subject_id=about.subject_id,
        parameters=text.written(parameters),
        dedupe_key=dedupe_key(template, addressee_id, about),
        requested_on=work.today,
        created_at=work.now,
    )
    if not await store.insert_notice(work, record):
        return False
    seeing = [division_code] if record.person_id is None else await divisions_of(work, record.person_id)
    fields = NoticeRequested.model_fields
    work.emit(
        NoticeRequested(**{name: value for name, value in record.__dict__.items() if name in fields}),
        division_codes=seeing or [division_code],
    )
    work.audit("request", RESOURCE, record.notice_id, person_id=record.person_id, fields=sorted(record.parameters))
    return True


def dedupe_key(template: str, addressee_id: UUID, about: About) -> str:
    """What makes two requests the same one; also known to the statements of jobs that look for what was not yet told."""
    return f"{template}|{addressee_id}|{about.subject_id}|{about.occasion}"
