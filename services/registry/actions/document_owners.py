"""Whose documents these are: the one check behind every door through which a person comes in – form, correction, roster, and
any later one. It is certain, not likely: the same number in the same space of numbers, however typed, is the same paper.

What follows from it is the door's own: a form refuses and names the person, a roster goes on with it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from services.chassis.errors import FieldError
from services.chassis.work import Work
from services.registry.rules.person_name import name_key
from services.registry.store.persons import claim_documents, find_person

ANOTHER_NAME = FieldError(
    "/name", "another_name", "该证件已登记在另一姓名的人员名下", "the document belongs to a person of another name", "C-37"
)


@dataclass(frozen=True, slots=True)
class DocumentOwners:
    """By the digest of its number whose a document is – the canonical person's –; `elsewhere`: of somebody this client may not
    know of. One that is in neither is nobody's, and stays so until this transaction has ended.
    """

    known: Mapping[bytes, UUID]
    elsewhere: frozenset[bytes]


async def owners_of(work: Work, documents: Collection[bytes], *, own: Collection[bytes] = ()) -> DocumentOwners:
    """Claim documents for this transaction and tell whose they are, but for the `own` ones on file with the person. What an
    alias of the person brought along is not among these: it stays the alias's.
    """
    if not documents:
        return DocumentOwners({}, frozenset())
    owners = await claim_documents(work, list(documents))
    known = {number: owner for number, owner in owners.items() if owner is not None and number not in own}
    return DocumentOwners(known, frozenset(number for number, owner in owners.items() if owner is None))


async def is_under_another_name(work: Work, owner: UUID, name: str) -> bool:
    """Whether the owner of a document, whom the client sees, is recorded under another name than the one given with it: two
    humans may share a number in old records (C-08), so the paper alone makes them no one human.
    """
    recorded = await find_person(work, owner)
    return recorded is not None and name_key(recorded.record.name) != name_key(name)
