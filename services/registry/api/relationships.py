"""Relationships between persons."""

from uuid import UUID

from services.chassis.operation import read, write
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.registry.actions import relationships
from services.registry.schemas.relationships import RelationshipEnd, RelationshipRegistration, RelationshipView

router = ServiceRouter(tags=["relationships"])


@router.post(
    "/v1/relationships",
    status_code=201,
    **write(
        "registry.relationship.write",
        summary_zh="登记亲属或监护关系",
        problems=["person-not-found", "person-merged", "person-not-held", "relationship-exists", "relationship-contradicts"],
    ),
)
async def register_relationship(work: CurrentWork, body: RelationshipRegistration) -> Answer[RelationshipView]:
    """Register a relationship.

    `kind` says what `related_person_id` is to `person_id`: with `parent`, the related person is the parent.
    """
    made = await relationships.register_relationship(work, body)
    return Answer(made, version=made.version, location=f"/v1/relationships/{made.relationship_id}")


@router.get(
    "/v1/relationships/{relationship_id}",
    **read("registry.person.read", summary_zh="读取关系", problems=["relationship-not-found"]),
)
async def read_relationship(work: CurrentWork, relationship_id: UUID) -> Answer[RelationshipView]:
    """Read a relationship."""
    found = await relationships.read_relationship(work, relationship_id)
    return Answer(found, version=found.version)


@router.post(
    "/v1/relationships/{relationship_id}/end",
    **write(
        "registry.relationship.write",
        summary_zh="结束关系",
        problems=["relationship-not-found", "person-not-held", "relationship-ended", "actor-required"],
    ),
)
async def end_relationship(work: CurrentWork, relationship_id: UUID, body: RelationshipEnd) -> Answer[RelationshipView]:
    """End a relationship.

    With the reason `recorded_in_error` this is an officer's act and needs an actor.
    """
    ended = await relationships.end_relationship(work, relationship_id, body)
    return Answer(ended, version=ended.version)
