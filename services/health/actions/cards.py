"""The office's acts on a vaccination card (接种卡): opened, certified, away and back, moved out and in, checked, changed."""

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.fields import Sight, protection_of
from services.chassis.ids import new_id
from services.chassis.records import changed_fields
from services.chassis.refusals import invalid, not_found, require_own_division
from services.chassis.work import Work
from services.contracts.health import CardChanged, CardMovedOut, CardOpened, CardState
from services.health.actions import forecasting
from services.health.actions.refusals import not_later
from services.health.actions.schedules import programme
from services.health.rules.cards import TRANSITIONS, CardAct, CardBasis, CardStatus, NotYet, opening
from services.health.rules.child_files import ChildError, read_child
from services.health.schemas.cards import (
    CardChange,
    CardEntry,
    CardRecord,
    CardSecrets,
    CardView,
    CertificateIssue,
    Leave,
    MoveIn,
    MoveOut,
)
from services.health.schemas.facts import ChildFacts
from services.health.schemas.fields import FIELDS
from services.health.store import cards as store
from services.health.store import persons

RESOURCE = "vaccination_card"


async def open_card(work: Work, body: CardEntry) -> CardRecord:
    """Open a card for a child. Raises `DomainError('card-exists')` while the human has one, wherever and under whatever id, and
    `('card-not-yet')` with the rule and, where there is one, the day from which this basis holds.
    """
    require_own_division(work.principal, body.division_code, "/division_code")
    person = await persons.find_person(work, body.person_id)
    if person is None:
        error = FieldError("/person_id", "person_not_found", "没有找到该人员", "there is no such person")
        raise DomainError("person-not-found", errors=[error])
    if person.in_use != body.person_id:
        zh, en = "此人已并入他人,请用现用编号", "this id was merged into another, which is to be used"
        raise invalid([FieldError("/person_id", "merged", zh, en)])
    may = opening(body.basis, born_on=person.birth_date, lives_here_since=person.lives_here_since, today=work.today)
    if isinstance(may, NotYet):
        opens_on = None if may.opens_on is None else may.opens_on.isoformat()
        raise DomainError("card-not-yet", extra={"reason": may.code, "rule": may.rule, "opens_on": opens_on})
    if errors := [*_wrong_dates(body, work.today), *_wrong_facts(body.facts, person.birth_date)]:
        raise invalid(errors)
    await persons.lock_persons(work, [body.person_id])
    if await store.is_carded(work, body.person_id):
        raise DomainError("card-exists")
    certificate = body.certificate
    record = CardRecord(
        card_id=new_id(),
        person_id=body.person_id,
        division_code=body.division_code,
        clinic_code=body.clinic_code,
        status=CardStatus.ARRIVED if certificate is None else CardStatus.REGISTERED,
        basis=body.basis,
        opened_on=work.today,
        due_on=may.due_on,
        certificate_issued_on=None if certificate is None else certificate.issued_on,
        checked_on=work.today,
        away_since=None,
        moved_out_on=None,
        has_facts=body.facts is not None,
        secrets=CardSecrets(
            certificate_number=None if certificate is None else certificate.number,
            contact=body.contact,
            origin=body.origin,
            facts=body.facts,
        ),
        version=0,
        created_at=work.now,
        updated_at=work.now,
    )
    opened = await save(work, "open", CardOpened, None, record)
    await forecasting.renew(work, [opened.card_id])
    return opened


async def change_card(work: Work, card_id: UUID, body: CardChange) -> CardRecord:
    """Change clinic, contact or what is known of the child; what was left out stays."""
    before = await take(work, card_id)
    secrets: dict[str, Any] = {name: getattr(body, name) for name in ("contact", "facts") if getattr(body, name) is not None}
    if body.facts is not None:
        births = await persons.birth_dates_of(work, [before.person_id])
        if errors := list(_wrong_facts(body.facts, births.get(before.person_id, before.opened_on))):
            raise invalid(errors)
    after = before.model_copy(
        update={
            "clinic_code": body.clinic_code or before.clinic_code,
            "has_facts": before.has_facts or body.facts is not None,
            "secrets": before.secrets.model_copy(update=secrets),
        }
    )
    changed = await save(work, "change", CardChanged, before, after)
    if body.facts is not None:
        await forecasting.renew(work, [card_id])
    return changed


async def certify(work: Work, card_id: UUID, body: CertificateIssue) -> CardRecord:
    """A certificate was issued or seen; another number than before takes the place of a lost one (IMM-57)."""
    before = await take(work, card_id)
    if errors := list(not_later("/issued_on", body.issued_on, work.today, "IMM-51")):
        raise invalid(errors)
    former = before.secrets.former_certificate_numbers
    if (old := before.secrets.certificate_number) is not None and old != body.number:
        former = (*former, old)
    secrets = {"certificate_number": body.number, "former_certificate_numbers": former}
    return await _go(
        work,
        before,
        CardAct.CERTIFY,
        certificate_issued_on=body.issued_on,
        secrets=before.secrets.model_copy(update=secrets),
    )


async def leave(work: Work, card_id: UUID, body: Leave) -> CardRecord:
    """The child is away for a while."""
    before = await take(work, card_id)
    if errors := list(not_later("/since", body.since, work.today, "IMM-55")):
        raise invalid(errors)
    return await _go(work, before, CardAct.LEAVE, away_since=body.since)


async def come_back(work: Work, card_id: UUID) -> CardRecord:
    """The child is here again."""
    return await _go(work, await take(work, card_id), CardAct.RETURN, away_since=None, checked_on=work.today)


async def move_out(work: Work, card_id: UUID, body: MoveOut) -> CardRecord:
    """The child lives elsewhere now; the card is kept apart (IMM-55) and its record may be read to be handed over (X-34)."""
    before = await take(work, card_id)
    if errors := list(not_later("/moved_on", body.moved_on, work.today, "IMM-55")):
        raise invalid(errors)
    notes = before.secrets.notes if body.note is None else (*before.secrets.notes, body.note)
    secrets = before.secrets.model_copy(update={"moved_to_division_code": body.to_division_code, "notes": notes})
    return await _go(
        work, before, CardAct.MOVE_OUT, fact=CardMovedOut, moved_out_on=body.moved_on, away_since=None, secrets=secrets
    )


async def move_in(work: Work, card_id: UUID, body: MoveIn) -> CardRecord:
    """The unit of the present residence takes the card over (IMM-52); the client needs to see the child, not the old office."""
    require_own_division(work.principal, body.division_code, "/division_code")
    before = await _locked(work, card_id)
    secrets = before.secrets if body.origin is None else before.secrets.model_copy(update={"origin": body.origin})
    return await _go(
        work,
        before,
        CardAct.MOVE_IN,
        division_code=body.division_code,
        clinic_code=body.clinic_code,
        moved_out_on=None,
        away_since=None,
        checked_on=work.today,
        secrets=secrets,
    )


async def check(work: Work, card_id: UUID) -> CardRecord:
    """The unit looked: the child is still there (IMM-55)."""
    before = await take(work, card_id)
    return await save(work, "check", CardChanged, before, before.model_copy(update={"checked_on": work.today}))


async def find(work: Work, card_id: UUID) -> CardRecord:
    """The card. Raises `DomainError('card-not-found')`."""
    record = await store.find_card(work, card_id)
    if record is None:
        raise not_found("card")
    return record


async def take(work: Work, card_id: UUID) -> CardRecord:
    """The card, locked for an act of the office that keeps it. Raises `DomainError('card-of-other-office')`: who sees the child
    takes the card over first (IMM-52).
    """
    record = await _locked(work, card_id)
    if not record.division_code.startswith(work.principal.division_prefix):
        raise DomainError("card-of-other-office")
    return record


def status_after(record: CardRecord, act: CardAct) -> CardStatus:
    """Where an act leads. Raises `DomainError('card-act-not-allowed')`."""
    status = TRANSITIONS.get((record.status, act))
    if status is None:
        raise DomainError("card-act-not-allowed", extra={"card_status": record.status.value, "act": act.value})
    return status


async def save(work: Work, operation: str, fact: type[CardState], before: CardRecord | None, after: CardRecord) -> CardRecord:
    """Store a new or changed card, tell it, remember it, leave evidence. Both offices of a card taken over are told."""
    after = after.model_copy(update={"version": 1 if before is None else before.version + 1, "updated_at": work.now})
    await (store.insert_card if before is None else store.update_card)(work, after)
    changed = changed_fields(before, after)
    state = {name: getattr(after, name) for name in fact.model_fields}
    offices = dict.fromkeys(each.division_code for each in (after, before) if each is not None)
    work.emit(fact.model_validate(state), division_codes=list(offices))
    work.remember(RESOURCE, after.card_id, after.version, snapshot=after, changed=changed, person_id=after.person_id)
    work.audit(operation, RESOURCE, after.card_id, person_id=after.person_id, fields=changed)
    return after


async def sight_of(work: Work, person_id: UUID) -> Sight:
    """This client's eyes on a child; of somebody it does not see, those on a child."""
    born = (await persons.birth_dates_of(work, [person_id])).get(person_id)
    return eyes_on(work, born)


def eyes_on(work: Work, born: date | None) -> Sight:
    """This client's eyes on somebody born that day."""
    return FIELDS.sight(work.principal.scopes, None if born is None else protection_of(born, work.today))


async def shown(work: Work, record: CardRecord) -> CardView:
    """The card as this client may see it, with its line of evidence."""
    sight = await sight_of(work, record.person_id)
    work.audit("read", RESOURCE, record.card_id, person_id=record.person_id, fields=sight.shown)
    return CardView.of(record, sight)


async def _locked(work: Work, card_id: UUID) -> CardRecord:
    record = await store.lock_card(work, card_id)
    if record is None:
        raise not_found("card")
    work.expect_version(record.version)
    return record


async def _go(
    work: Work, before: CardRecord, act: CardAct, *, fact: type[CardState] = CardChanged, **changed: Any
) -> CardRecord:
    after = before.model_copy(update=changed | {"status": status_after(before, act)})
    return await save(work, act.value, fact, before, after)


def _wrong_dates(body: CardEntry, today: date) -> Iterable[FieldError]:
    if body.certificate is not None:
        yield from not_later("/certificate/issued_on", body.certificate.issued_on, today, "IMM-51")
    if body.origin is not None:
        yield from not_later("/origin/moved_on", body.origin.moved_on, today, "IMM-56")
    elif body.basis is CardBasis.TRANSFER:
        zh, en = "转入建卡须写明来源", "a card handed over says where from"
        yield FieldError("/origin", "missing", zh, en, "IMM-56")


def _wrong_facts(facts: ChildFacts | None, born_on: date) -> Iterable[FieldError]:
    """What the engine could not use, by field."""
    if facts is None:
        return
    try:
        read_child(facts.model_dump(mode="json") | {"born_on": born_on.isoformat()}, programme())
    except ChildError as error:
        for each in error.problems:
            rule = each.rules[0] if each.rules else None
            yield FieldError(f"/facts{each.field}", "unusable", each.message_zh, each.message_en, rule)
