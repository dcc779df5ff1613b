"""What a body must be before it is acted on: a fact that exists, a value that reads, an office that may, a person in sight."""

from typing import cast
from uuid import UUID

from pydantic import JsonValue

from services.chassis.errors import DomainError, FieldError
from services.chassis.work import Work
from services.points_hukou.actions.evidence.vocabulary import Declared, Vocabulary
from services.points_hukou.actions.evidence_law import LAW
from services.points_hukou.rules.facts import FactsError, read_value, written_value
from services.points_hukou.schemas.evidence import EvidenceEntry, EvidenceRecord, Stated
from services.points_hukou.store import evidence as store


async def own_evidence(work: Work, evidence_id: UUID) -> EvidenceRecord:
    """Evidence this client's office gave, its person held. Raises `DomainError` `evidence-not-found`, `evidence-not-own`."""
    found = await standing(work, evidence_id)
    if found.organisation != work.principal.organisation:
        raise DomainError("evidence-not-own")
    await hold(work, found.person_id)
    return await standing(work, evidence_id)


async def standing(work: Work, evidence_id: UUID) -> EvidenceRecord:
    """Evidence of a person whose file this client sees. Raises `DomainError('evidence-not-found')`."""
    found = await store.find_evidence(work, evidence_id)
    if found is None:
        raise DomainError("evidence-not-found")
    return found


async def hold(work: Work, person_id: UUID) -> UUID:
    """Lock a person whose file this client sees; the id it is known by now. Raises `DomainError('not-found')`."""
    held = await store.hold_persons(work, [person_id])
    if person_id not in held:
        unknown = FieldError(
            "/person_id", "person_unknown", "没有此人,或此人不在客户端的管辖范围内", "no such person this client may see"
        )
        raise DomainError("not-found", errors=[unknown])
    await work.make_person_keys([person_id, held[person_id]])
    return held[person_id]


def declared_fact(body: EvidenceEntry, known: Vocabulary | None) -> Declared:
    """The fact a body names, in the vocabulary of its rule set. Raises `DomainError('invalid-request')`."""
    if known is None:
        raise _invalid("/rule_set", "rule_set_unknown", "没有这份规则", "there is no such rule set")
    if body.fact not in known:
        raise _invalid("/fact", "fact_unknown", "该规则没有此项事实", "the rule set asks for no such fact")
    return known[body.fact]


def value_of(body: Stated, declared: Declared) -> JsonValue:
    """The value in its normal form. Raises `DomainError('invalid-request')` with every problem."""
    try:
        return cast("JsonValue", written_value(read_value(body.value, declared.fact, where="/value")))
    except FactsError as error:
        problems = [FieldError(each.field, "fact_value", each.message_zh, each.message_en, "P-10") for each in error.problems]
        raise DomainError("invalid-request", errors=problems) from None


def require_known_day(work: Work, body: Stated) -> None:
    """Nobody knows tomorrow. Raises `DomainError('invalid-request')`."""
    if body.as_of > work.today:
        raise _invalid("/as_of", "in_future", "数据截止日不得晚于今天", "as_of must not be later than today")


def require_duty(work: Work, body: EvidenceEntry, declared: Declared) -> None:
    """Whether this client may say this, this way. Raises `DomainError` `evidence-of-other-office`, `actor-required`,
    `invalid-request`.
    """
    require_known_day(work, body)
    if body.reliability == "certificate":
        work.require_actor()
    if body.reliability != "office":
        return
    if not LAW.is_office_of(work.principal.organisation, declared.rule_set, body.fact, work.today):
        zh = "该事实不由本单位主管,只能作为证明材料(certificate)或本人申报(declared)提交"
        en = "the fact is not this office's business: bring a certificate or a declaration"
        raise DomainError("evidence-of-other-office", errors=[FieldError("/fact", "not_own_duty", zh, en, "P-10")])


def no_holder(holder: store.Holder | None, pointer: str = "/document/number") -> FieldError:
    """Why a document names nobody."""
    if holder is not None and holder.is_shared:
        zh, en = "该证件号码为多人共有(重号),请改用人员编号", "several persons have this number: name the person by id"
        return FieldError(pointer, "number_shared", zh, en, "C-08")
    zh = "没有持此证件的人,或此人不在客户端的管辖范围内"
    return FieldError(pointer, "person_unknown", zh, "nobody this client may see holds this document")


def _invalid(pointer: str, code: str, zh: str, en: str) -> DomainError:
    return DomainError("invalid-request", errors=[FieldError(pointer, code, zh, en, "P-10")])
