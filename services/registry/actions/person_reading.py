"""Persons: read, look back, resolve, search. Every person shown is a line of evidence."""

from uuid import UUID

from services.chassis import rate_limits
from services.chassis.errors import DomainError
from services.chassis.history import VersionView, versions_of
from services.chassis.pages import Page, sign, unsign
from services.chassis.work import Work
from services.registry.actions.divisions import require_own_division
from services.registry.actions.persons import RESOURCE
from services.registry.actions.refusals import no_such_person
from services.registry.actions.sights import sight_on
from services.registry.rules.division import significant
from services.registry.rules.identity_number import normalised_number
from services.registry.rules.person_name import masked_name, name_key
from services.registry.rules.pinyin import spelled
from services.registry.rules.search_keys import PREFIX_CODE_POINTS, SearchKey
from services.registry.schemas.person_views import FoundPersonView, PastPersonView, PersonRecord, PersonView, ResolvedPersonView
from services.registry.schemas.persons import PersonResolution
from services.registry.schemas.searching import EmployerQuery, PersonSearch, ResidenceStatus
from services.registry.store import persons as store
from services.registry.store import visibility
from services.registry.store.person_search import found_person
from services.registry.store.person_search import resolve_person as find_by_number_and_name
from services.registry.store.person_search import search_persons as find_by_criteria
from services.registry.store.search_keys import digest

# Resolving needs a complete number and the name that belongs to it; the limit is against trying names to a number.
RESOLVE_LIMIT = 120
RESOLVE_WINDOW_S = 60.0


async def read_person(work: Work, person_id: UUID) -> PersonView:
    """The person; masked for a client that only resolved it."""
    seen = await store.find_person(work, person_id)
    if seen is None:
        raise await no_such_person(work, person_id)
    sight = sight_on(work, seen.record.birth_date)
    if not seen.is_visible:
        sight = sight.narrowed()
    view = PersonView.of(seen.record, sight)
    work.audit("read", RESOURCE, person_id, person_id=person_id, fields=sight.shown)
    return view


async def read_person_history(work: Work, person_id: UUID, cursor: str | None, limit: int) -> Page[VersionView[PastPersonView]]:
    """Versions of a person the client may see, newest first. How old the person is now decides what of them is shown: a version
    with a wrong birth date makes nobody an adult.
    """
    sight = sight_on(work, (await require_visible(work, person_id)).birth_date)
    versions = await versions_of(
        work,
        RESOURCE,
        person_id,
        record=PersonRecord,
        view=lambda record: PastPersonView.of(record, sight),
        cursor=cursor,
        limit=limit,
    )
    work.audit("read_history", RESOURCE, person_id, person_id=person_id, fields=sight.shown)
    return versions


async def require_visible(work: Work, person_id: UUID) -> PersonRecord:
    """The person; raises `DomainError('person-not-found')` unless the client's division may see it."""
    seen = await store.find_person(work, person_id)
    if seen is None or not seen.is_visible:
        raise await no_such_person(work, person_id)
    return seen.record


async def resolve_person(work: Work, body: PersonResolution) -> ResolvedPersonView:
    """Tell which person a complete number and name belong to, wherever registered, so that a new town can go on with it.

    The answer to a wrong number and to a wrong name is the same. Raises `DomainError('person-unresolved')`, or
    `('number-shared')` when several have this number and this name.
    """
    await rate_limits.check(work, "resolve", limit=RESOLVE_LIMIT, window_s=RESOLVE_WINDOW_S)
    document = body.identity_document
    number = normalised_number(document.type, document.number)
    expires_at = work.now + visibility.RESOLUTION_LASTS
    found = await find_by_number_and_name(
        work,
        expires_at=expires_at,
        number_index=store.number_index(work.keyring, document.type, number),
        name_index=store.name_index(work.keyring, body.name),
    )
    criteria = ["identity_documents", "name"]
    if len(found) != 1:
        work.audit("resolve", RESOURCE, None, fields=criteria, outcome="shared" if found else "not_found")
        raise DomainError("number-shared" if found else "person-unresolved")
    (person_id,) = found
    record = await store.load_person(work, person_id)
    work.audit("resolve", RESOURCE, person_id, person_id=person_id, fields=criteria)
    return ResolvedPersonView(person_id=person_id, masked_name=masked_name(record.name), expires_at=expires_at)


async def search_persons(work: Work, body: PersonSearch) -> Page[FoundPersonView]:
    """Persons the client may see that match every criterion, masked."""
    if body.division_code is not None:
        require_own_division(work, body.division_code, "/division_code")
    scope = f"persons {work.keyring.fingerprint(body.model_dump_json(exclude={'cursor', 'limit'}).encode()).hex()}"
    start = UUID(unsign(work.keyring, body.cursor, label=scope)[0]) if body.cursor else None
    found = await find_by_criteria(work, _criteria(work, body), after=start, limit=body.limit)
    shown: dict[UUID, list[str]] = {}
    items = []
    for rows in found[: body.limit]:
        sight = sight_on(work, rows[0]["birth_date"])
        view = FoundPersonView.of(found_person(work.keyring, rows, with_documents=not sight.is_minor), sight)
        items.append(view)
        shown[view.person_id] = sight.shown
    more = sign(work.keyring, scope, str(found[body.limit - 1][0]["found_as"])) if len(found) > body.limit else None
    work.audit("search", RESOURCE, None, fields=body.criteria(), outcome=f"found {len(items)}")
    work.audit_each("find", RESOURCE, shown)
    return Page(items=items, next_cursor=more)


def _criteria(work: Work, body: PersonSearch) -> dict[str, object]:
    """What the store searches by: digests of what is sealed, everything else as it is."""
    keyring = work.keyring
    criteria: dict[str, object] = {
        name: given
        for name in ("person_ids", "birth_date", "born_from", "born_until")
        if (given := getattr(body, name)) is not None
    }
    if (document := body.identity_document) is not None:
        number = normalised_number(document.type, document.number)
        criteria["number_index"] = store.number_index(keyring, document.type, number)
    if body.name is not None:
        criteria["name_index"] = store.name_index(keyring, body.name)
    if body.name_prefix is not None:
        beginning = name_key(body.name_prefix)
        is_short = len(beginning) == PREFIX_CODE_POINTS[0]
        key = SearchKey.NAME_PREFIX_2 if is_short else SearchKey.NAME_PREFIX_3
        criteria["prefix_2" if is_short else "prefix_3"] = digest(keyring, key, beginning)
    if body.pinyin is not None:
        typed = spelled(body.pinyin)
        criteria["pinyin"] = digest(keyring, SearchKey.PINYIN, typed)
        criteria["initials"] = digest(keyring, SearchKey.INITIALS, typed)
    if body.employer is not None:
        criteria |= _employer(body.employer)
    if body.division_code is not None:
        criteria["division_prefix"] = significant(body.division_code)
    if body.residence_status is not None:
        criteria["is_registered"] = body.residence_status is ResidenceStatus.REGISTERED
    return criteria


def _employer(asked: EmployerQuery) -> dict[str, object]:
    return {"employer_code": asked.credit_code} if asked.employer_id is None else {"employer_id": asked.employer_id}
