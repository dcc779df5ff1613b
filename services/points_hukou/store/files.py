"""Reading a person's points file; row-level security decides who may see it (architecture §6, decision 0013).

A division sees the persons registered in it, and those whose registration there ended less than two years ago. Events do not
tell which town merely entered a person, so somebody never registered anywhere is held by the city as a whole: seen from the
city and above, by no town, and by nobody elsewhere. A town never sees a person here whom the registry would not show it; of
one it sees, it sees every registration, without addresses, as in the registry's changes. After a move within one registration
it sees less, because the event tells only where the person lives now.
"""

from uuid import UUID

from services.chassis.db import prepare
from services.chassis.schemas import View
from services.chassis.work import Work
from services.points_hukou.schemas.files import EmploymentView, PermitView, PointsFileView, RegistrationView, RelationshipView

_LISTED_MAX = 200


def _listed(view: type[View], table: str, *, condition: str, order: str) -> str:
    """SQL of a JSON list of rows with the fields of `view`, newest first."""
    columns = ", ".join(name for name in view.model_fields if name != "masked_fields")
    return f"""(
        SELECT coalesce(jsonb_agg(to_jsonb(newest)), '[]') FROM (
            SELECT {columns} FROM {table} WHERE {condition} ORDER BY {order} DESC LIMIT {_LISTED_MAX}
        ) newest
    )"""  # noqa: S608 - constants of this module


_RELATIONSHIPS = _listed(
    RelationshipView,
    "mirror_relationship",
    condition="person_id = ANY (known.ids) OR related_person_id = ANY (known.ids)",
    order="(valid_from, relationship_id)",
)
_REGISTRATIONS = _listed(
    RegistrationView,
    "mirror_residence_registration",
    condition="person_id = ANY (known.ids)",
    order="(registered_on, registration_id)",
)
_PERMITS = _listed(PermitView, "mirror_residence_permit", condition="person_id = ANY (known.ids)", order="permit_id")
_EMPLOYMENTS = _listed(
    EmploymentView, "mirror_employment", condition="person_id = ANY (known.ids)", order="(started_on, employment_id)"
)
# While keys are rotated a document has a token under each of them: count under the key that knows most.
_DOCUMENTS = """(
        SELECT coalesce(jsonb_agg(jsonb_build_object('type', document_type, 'count', documents) ORDER BY document_type), '[]')
        FROM (
            SELECT document_type, max(tokens) AS documents FROM (
                SELECT document_type, count(DISTINCT token) AS tokens FROM mirror_person_document
                WHERE person_id = ANY (known.ids) GROUP BY document_type, key_id
            ) per_key GROUP BY document_type
        ) counted
    )"""

# One statement, so one snapshot: the inbox position is exactly that of the states beside it. `known` is materialised because
# every part asks for its ids.
_FIND = prepare(
    f"""
    WITH canonical AS (
        SELECT coalesce(
            (SELECT canonical_person_id FROM mirror_person_alias
                WHERE person_id = CAST(:person_id AS uuid) AND unmerged_on IS NULL),
            CAST(:person_id AS uuid)
        ) AS person_id
    ), human AS (
        SELECT person_id, ARRAY(
            SELECT a.person_id FROM mirror_person_alias a
            WHERE a.canonical_person_id = c.person_id AND a.unmerged_on IS NULL ORDER BY a.person_id
        ) AS merged_person_ids FROM canonical c
    ), known AS MATERIALIZED (
        SELECT person_id, merged_person_ids, person_id || merged_person_ids AS ids FROM human
    )
    SELECT person_id, known.merged_person_ids, i.sequence AS as_of_sequence, p.updated_at, p.masked_name, p.birth_date,
        p.sex_code, p.hukou_division_code, p.no_document_reason,
        {_DOCUMENTS} AS identity_documents, {_RELATIONSHIPS} AS relationships,
        {_REGISTRATIONS} AS residence_registrations, {_PERMITS} AS residence_permits, {_EMPLOYMENTS} AS employments
    FROM known
    JOIN mirror_person p USING (person_id)
    JOIN inbox_position i ON i.producer = 'registry' AND i.partition_key = person_id
    """  # noqa: S608 - constants of this module
)


async def find_file(work: Work, person_id: UUID) -> PointsFileView | None:
    """The file of a person, under whatever id the person is known; `None` when there is none this client may see."""
    row = await work.tx.fetch_row(_FIND, person_id=person_id)
    if row is None:
        return None
    file = PointsFileView.model_validate(dict(row.items()))
    parts = (*file.relationships, *file.residence_registrations, *file.residence_permits, *file.employments)
    return file.model_copy(update={"updated_at": max([file.updated_at, *(part.updated_at for part in parts)])})
