"""Points files: what is known of a person."""

from uuid import UUID

from services.chassis.errors import DomainError
from services.chassis.fields import protection_of
from services.chassis.operation import read
from services.chassis.routing import CurrentWork, ServiceRouter
from services.points_hukou.schemas.fields import FIELDS
from services.points_hukou.schemas.files import PointsFileView
from services.points_hukou.store import files

router = ServiceRouter(tags=["points files"])


@router.get("/v1/points/files/{person_id}", **read("points.file.read", summary_zh="读取积分档案", problems=("not-found",)))
async def get_points_file(work: CurrentWork, person_id: UUID) -> PointsFileView:
    """Read a person's points file.

    Residence, permits, home division and relationships as this service knows them from the registry's events, usually within
    a second of the act; `as_of_sequence` tells how far it has heard.

    A file is visible to divisions in which the person is registered, or was until less than two years ago. A person never
    registered anywhere is held by the city as a whole: no town sees the file. Who may not see it is told the same as for an
    unknown person: 404.
    """
    file = await files.find_file(work, person_id)
    if file is None:
        raise DomainError(
            "not-found",
            detail_zh="没有此人的积分档案,或此人不在客户端的管辖范围内;新登记的人员片刻后才有档案",
            detail_en="no file of this person, or none this client may see; a file appears a moment after the registration",
        )
    assert file.birth_date is not None
    scopes = work.principal.scopes
    sight, of_others = FIELDS.sight(scopes, protection_of(file.birth_date, work.today)), FIELDS.sight(scopes, None)
    seen = file.seen_with(sight, of_others)
    work.audit("read", "points_file", file.person_id, person_id=file.person_id, fields=[*sight.shown, *of_others.shown])
    return seen
