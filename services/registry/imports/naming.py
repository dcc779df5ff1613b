"""Whom a row names: a person the register knows, by complete number and name."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from services.chassis.errors import FieldError
from services.chassis.keyring import Keyring
from services.chassis.refusals import invalid
from services.registry.actions.divisions import Desk
from services.registry.actions.document_owners import ANOTHER_NAME, SHARED_NUMBER
from services.registry.actions.refusals import field_error
from services.registry.imports import cells
from services.registry.imports.knowing import Knowledge, KnownPerson
from services.registry.rules.citizen_number import RefusedNumber
from services.registry.rules.identity_number import normalised_number, parse_document_number
from services.registry.schemas.persons import DocumentQuery, PersonResolution
from services.registry.store.persons import name_index, number_index

NOT_REGISTERED = FieldError(
    "/identity_document/number",
    "not_registered",
    "没有以该证件号码和姓名登记的人员，请先登记人员",
    "nobody is registered with this number and name: register the person first",
    "RR-03",
)
SHARED = replace(SHARED_NUMBER, pointer="/identity_document/number")


class Named(NamedTuple):
    """The digests under which the register knows a person."""

    number_index: bytes
    name_index: bytes


def named(desk: Desk, keyring: Keyring, row: Mapping[str, str]) -> Named:
    """Whom the row's number and name mean. Raises like the models and rules of the single door."""
    kind, number = cells.document_type(row["document_type"]), row["document_number"]
    said = PersonResolution(identity_document=DocumentQuery(type=kind, number=number), name=row["name"])
    parsed = parse_document_number(kind, number, today=desk.today)
    if isinstance(parsed, RefusedNumber):
        raise invalid(field_error("/identity_document/number", problem) for problem in parsed.problems)
    by_number = number_index(keyring, kind, normalised_number(kind, number))
    return Named(by_number, name_index(keyring, said.name))


def known_as(known: Knowledge, who: Named) -> KnownPerson:
    """The person. Raises `DomainError('invalid-request')`: of somebody out of sight the answer to a wrong number and to a
    wrong name is the same, as at `resolve`. Of a number that several humans have it is not asked which of them the row means,
    and of several out of sight not told that they have it.
    """
    if not known.may_be_told_of(who.number_index):
        raise invalid([NOT_REGISTERED])
    person = known.persons.get(who.number_index)
    if person is None:
        raise invalid([SHARED])
    if person.name_index != who.name_index:
        raise invalid([ANOTHER_NAME])
    return person
