"""The place that a household transfer rests on, in whatever office's round: told to who sees the round or has the case."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.schemas import View
from services.chassis.work import Work
from services.points_hukou.schemas.round_places import PlaceSecrets
from services.points_hukou.store.round_places import context_of
from services.points_hukou.store.sealing import unseal_about

_HOLD = prepare("SELECT * FROM hold_place(CAST(:round_id AS uuid), CAST(:application_id AS uuid), CAST(:person_id AS uuid))")
_SCORES = prepare("SELECT * FROM scores_of_place(CAST(:round_id AS uuid), CAST(:application_id AS uuid))")


class HeldPlace(View):
    """A place somebody holds by an application that is confirmed: when it became theirs, what for, and what counts now."""

    rule_set_id: UUID
    finished_on: date
    moved_up_on: date | None
    assessment_id: UUID
    counted_assessment_id: UUID
    secrets: PlaceSecrets


async def hold_place(work: Work, round_id: UUID, application_id: UUID, person_id: UUID) -> HeldPlace | None:
    """The place, if that human holds it; round and application stay as they are until the commit."""
    row = await work.tx.fetch_row(_HOLD, round_id=round_id, application_id=application_id, person_id=person_id)
    if row is None:
        return None
    secrets = unseal_about(work.keyring, PlaceSecrets, row, row["person_id"], context_of(row["place_id"]))
    if secrets is None:  # erased
        return None
    kept = {name: value for name, value in row.items() if name in HeldPlace.model_fields}
    return HeldPlace(**kept, secrets=secrets)


async def scores_of_place(work: Work, round_id: UUID, application_id: UUID) -> tuple[Sequence[Record], Sequence[Record]]:
    """The row of the score that counts now of the application that holds a place, and those of who else of the family was
    scored beside it, for `actions.round_contenders.figures_by_rule`.
    """
    rows = await work.tx.fetch(_SCORES, round_id=round_id, application_id=application_id)
    return [row for row in rows if row["beside"] is None], [row for row in rows if row["beside"] is not None]
