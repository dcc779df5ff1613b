"""Reading rounds: their versions, who stands where, and the public notice."""

from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

from services.chassis.errors import DomainError
from services.chassis.history import VersionView, versions_of
from services.chassis.pages import Page, after, page_of, sign, unsign
from services.chassis.parameters import NotInForceError
from services.chassis.work import Work
from services.points_hukou.actions.application_standing import eyes_on
from services.points_hukou.actions.law import ROUNDS
from services.points_hukou.actions.round_standing import RESOURCE, found, noticed
from services.points_hukou.rules.round_states import RoundStatus
from services.points_hukou.schemas.round_places import NoticeEntryView, PlaceRecord, PlaceView
from services.points_hukou.schemas.rounds import RoundRecord, RoundView
from services.points_hukou.store import applications, round_places
from services.points_hukou.store import rounds as store


async def read_round(work: Work, round_id: UUID) -> RoundView:
    """One round of this client's offices."""
    return RoundView.of(await found(work, round_id))


async def list_rounds(work: Work, cursor: str | None, limit: int) -> Page[RoundView]:
    """Rounds of this client's offices, oldest first."""
    rows = await store.list_rounds(work, after(work.keyring, "rounds", cursor), limit)
    return page_of(work.keyring, "rounds", rows, limit, lambda row: RoundView.of(store.round_of(row)), id_column="round_id")


async def read_versions(work: Work, round_id: UUID, cursor: str | None, limit: int) -> Page[VersionView[RoundView]]:
    """The versions of a round, newest first."""
    await found(work, round_id)
    return await versions_of(work, RESOURCE, round_id, record=RoundRecord, view=RoundView.of, cursor=cursor, limit=limit)


async def read_places(
    work: Work, round_id: UUID, ranking: int | None, cursor: str | None, limit: int, *, admitted: bool
) -> Page[PlaceView]:
    """Who stands where, the best first, in the ranking that stands or an earlier one; with `admitted` only those who hold a
    place.
    """
    record = await found(work, round_id)
    asked = record.model_copy(update={"rankings": record.rankings if ranking is None else ranking})
    scope = f"places {round_id} {asked.rankings} {admitted}"
    load = partial(round_places.places_of, work, asked, admitted=admitted)
    rows, next_cursor = await _page(work, scope, cursor, limit, load)
    births = await applications.birth_dates_of(work, {row.person_id for row in rows})
    items = []
    for row in rows:
        sight = eyes_on(work, births.get(row.person_id))
        items.append(PlaceView.of(row, sight))
        work.audit("read", "round_place", row.place_id, person_id=row.person_id, fields=sight.shown)
    return Page(items=items, next_cursor=next_cursor)


async def read_notice(work: Work, round_id: UUID, cursor: str | None, limit: int) -> Page[NoticeEntryView]:
    """The list as the public sees it, masked, as long as the notice is up (V-59), at any window.

    Raises `DomainError('notice-not-up')`.
    """
    record = await noticed(work, round_id)
    is_up = record.status in {RoundStatus.PUBLISHED, RoundStatus.FINISHED}
    is_over = record.notice_until is None or (work.today > record.notice_until and not record.is_notice_provisional)
    if not is_up or is_over:
        raise DomainError("notice-not-up")
    assert record.published_on is not None
    try:
        shows_names = ROUNDS.shows_names(record.purpose, record.published_on)
    except NotInForceError:
        shows_names = False  # before there was any rule nothing more is shown than must be
    load = partial(round_places.notice_of, work, round_id)
    rows, next_cursor = await _page(work, f"notice {round_id} {record.rankings}", cursor, limit, load)
    work.audit("read_notice", RESOURCE, round_id, outcome=f"showed {len(rows)}")
    items = [_entry(row, shows_names=shows_names) for row in rows if row.secrets is not None]
    return Page(items=items, next_cursor=next_cursor)


async def _page(
    work: Work, scope: str, cursor: str | None, limit: int, load: Callable[..., Awaitable[list[PlaceRecord]]]
) -> tuple[list[PlaceRecord], str | None]:
    """Places after the cursor, which names rank and id; `load` takes where to begin, and how many."""
    start = None
    if cursor:
        place, place_id = unsign(work.keyring, cursor, label=scope)
        start = int(place), UUID(place_id)
    rows = await load(after=start, limit=limit + 1)
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], sign(work.keyring, scope, last.rank, str(last.place_id))


def _entry(place: PlaceRecord, *, shows_names: bool) -> NoticeEntryView:
    assert place.secrets is not None
    return NoticeEntryView(
        rank=place.rank,
        application_number=str(place.application_id),
        masked_name=place.secrets.masked_name if shows_names else None,
        town=place.town or None,
        total=place.secrets.score["total"],
        outcome=place.outcome,
    )
