"""An audit line is the canonical JSON of its members, whatever stands in them."""

import json
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.chassis.principal import Principal
from services.chassis.work import audit_line, canonical_json

_TEXTS = st.text(max_size=12)
_IDS = st.none() | st.uuids()


@given(
    texts=st.tuples(*[_TEXTS] * 8),
    maybe=st.tuples(*[st.none() | _TEXTS] * 3),
    fields=st.lists(_TEXTS, max_size=3),
    ids=st.tuples(_IDS, _IDS),
)
def test_a_line_is_canonical(
    texts: tuple[str, ...], maybe: tuple[str | None, ...], fields: list[str], ids: tuple[UUID | None, UUID | None]
) -> None:
    client, organisation, division, operation, resource, outcome, request, _ = texts
    principal = Principal(client, organisation, division, actor=maybe[0], purpose=maybe[1])
    line = audit_line(
        principal,
        operation=operation,
        resource=resource,
        resource_id=ids[0],
        person_id=ids[1],
        fields=fields,
        outcome=outcome,
        request_id=request,
        at=datetime(2026, 6, 1, tzinfo=UTC),
        proposer=maybe[2],
    )
    content = json.loads(line.line)
    assert line.line == canonical_json(content)
    assert content["fields"] == fields
    assert content.get("proposer") == (maybe[2] or None)
    assert (content["person"], content["resource_id"]) == tuple(str(each) if each else None for each in reversed(ids))
