"""Whose documents these are: the one check behind every door through which a person comes in – form, correction, roster, and
any later one. It is certain, not likely: the same number in the same space of numbers, however typed, is the same paper.

What follows from it is the door's own: a form refuses and names the person, a roster goes on with it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.work import Work
from services.registry.actions.refusals import with_id
from services.registry.rules.person_name import name_key
from services.registry.schemas.person_views import DocumentRecord
from services.registry.store.persons import claim_documents, find_person, number_index

ANOTHER_NAME = FieldError(
    "/name", "another_name", "该证件已登记在另一姓名的人员名下", "the document belongs to a person of another name", "C-37"
)

SHARED_NUMBER = FieldError(
    "/identity_documents/0/number",
    "shared_number",
    "该证件号码为多人共有（重号），请逐人办理",
    "several persons have this number; act for each of them by itself",
    "C-08",
)


ELSEWHERE = FieldError(
    "/identity_documents/0/number",
    "taken",
    "该证件已登记在一名人员名下，请凭完整证件号码和姓名查询后继续办理",
    "this document belongs to a person on the register: resolve by complete number and name, then go on",
    "C-08",
)
"""Of somebody out of sight nothing is told that a form would not tell, neither of the name."""


@dataclass(frozen=True, slots=True)
class DocumentOwners:
    """By the digest of its number whose a document is – the canonical person's –; `elsewhere`: of somebody this client may not
    know of; `shared`: of several humans (C-08), `None` for each it may not know of. One that is in none of them is nobody's,
    and stays so until this transaction has ended.
    """

    known: Mapping[bytes, UUID]
    elsewhere: frozenset[bytes]
    shared: Mapping[bytes, tuple[UUID | None, ...]]

    def humans(self, number: bytes) -> tuple[UUID | None, ...]:
        """Everybody who has the number, `None` for one this client may not know of."""
        if number in self.known:
            return (self.known[number],)
        return (None,) if number in self.elsewhere else self.shared.get(number, ())


async def owners_of(work: Work, documents: Collection[bytes], *, own: Collection[bytes] = ()) -> DocumentOwners:
    """Claim documents for this transaction and tell whose they are, but for the `own` ones on file with the person. What an
    alias of the person brought along is not among these: it stays the alias's.
    """
    if not documents:
        return DocumentOwners({}, frozenset(), {})
    claimed = await claim_documents(work, list(documents))
    known: dict[bytes, UUID] = {}
    elsewhere: set[bytes] = set()
    shared: dict[bytes, tuple[UUID | None, ...]] = {}
    for number, humans in claimed.items():
        match humans:
            case _ if number in own:
                continue
            case [UUID() as one]:
                known[number] = one
            case [None]:
                elsewhere.add(number)
            case _:
                shared[number] = tuple(humans)
    return DocumentOwners(known, frozenset(elsewhere), shared)


def number_index_of(work: Work, document: DocumentRecord) -> bytes:
    """The digest under which a document's number is claimed."""
    return number_index(work.keyring, document.type, document.normalised_number)


async def person_exists(work: Work, pointer: str, humans: Sequence[UUID | None], name: str) -> DomainError:
    """The document at `pointer`, given with a name, belongs to these humans already."""
    zh, en = "该证件已登记在一名人员名下", "this document belongs to a person on the register"
    errors = [FieldError(pointer, "taken", zh, en)]
    resolve = {"resolve": "/v1/persons/resolve"}
    if len(humans) > 1:
        return DomainError(
            "person-exists",
            detail_zh="该证件号码为多人共有（重号），请使用其中本人的人员编号，或凭完整证件号码和姓名查询后继续办理。",
            detail_en="Several persons have this number: go on with the one it is, or resolve by complete number and name.",
            errors=errors,
            extra={"person_ids": [str(human) for human in humans if human is not None]} | resolve,
        )
    (owner,) = humans
    if owner is None:
        return DomainError(
            "person-exists",
            detail_zh="请凭完整证件号码和姓名查询人员编号后继续办理。",
            detail_en="Resolve the person by complete number and name, then go on.",
            errors=errors,
            extra=resolve,
        )
    if await _is_under_another_name(work, owner, name):
        errors.append(ANOTHER_NAME)
    return DomainError(
        "person-exists",
        detail_zh="请使用已登记的人员编号办理。",
        detail_en="Go on with the person named here.",
        errors=errors,
        extra=with_id("person_id", owner),
    )


async def _is_under_another_name(work: Work, owner: UUID, name: str) -> bool:
    """Whether the owner of a document, whom the client sees, is recorded under another name than the one given with it: two
    humans may share a number in old records (C-08), so the paper alone makes them no one human.
    """
    recorded = await find_person(work, owner)
    return recorded is not None and name_key(recorded.record.name) != name_key(name)
