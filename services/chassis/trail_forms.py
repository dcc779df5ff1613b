"""The trails of many new persons from few samples: what an act left about one is a form for all of its kind (`forms.py`)."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic_core import to_json

from services.chassis import person_keys
from services.chassis.forms import Form, form_of
from services.chassis.keyring import Keyring
from services.chassis.work import Trail, Work, history_context

NOW, AT = "now", "at"
"""Holes of the instant of the act, as records and as lines of evidence tell it."""


class ActForm(NamedTuple):
    """What one act about a new person leaves behind, but for ids, digests and what the holes are for. `resource_id` names the
    hole of the id of what was made.
    """

    event_type: str
    division_codes: str
    data: Form
    resource: str
    resource_id: str
    version: int
    changed: str
    snapshot: Form
    line: Form


def act_form(paper: Work, ids: Mapping[str, str], samples: Mapping[str, str]) -> ActForm:
    """The form of the one act that left something on a unit of work without a transaction, which is forgotten there. `ids` are
    the sample's; a line of evidence has nothing of a thing but its id.
    """
    (event,), (version,), (line,) = paper.take_left()
    names, samples = {sample: name for name, sample in ids.items()}, {**ids, **samples, NOW: to_json(paper.now).decode()}
    return ActForm(
        event.event_type,
        event.division_codes,
        form_of(event.data, samples),
        version.resource,
        names[str(version.resource_id)],
        version.version,
        version.changed,
        form_of(version.snapshot.decode(), samples),
        form_of(line.line, {**ids, AT: _at(paper.now)}),
    )


def instants(now: datetime) -> Mapping[str, str]:
    """What goes into the holes of the instant."""
    return {NOW: to_json(now).decode(), AT: _at(now)}


def _at(now: datetime) -> str:
    return f'"{now.isoformat(timespec="microseconds")}"'


def filled_trail(
    keyring: Keyring, person_id: str, acts: Sequence[ActForm], values: Mapping[str, str], ids: Iterator[str]
) -> Trail:
    """What these acts leave about a new person, in their order, as `Work.take_trail` would give it; `ids` are fresh."""
    made = person_keys.make_for_new(keyring, person_id, next(ids))
    events, versions, lines = [], [], []
    for act in acts:
        resource_id, line = values[act.resource_id], act.line % values
        context = history_context(act.resource, resource_id, act.version)
        sealed = made.key.seal((act.snapshot % values).encode(), context)
        events.append((next(ids), act.event_type, person_id, act.division_codes, act.data % values))
        versions.append((act.resource, resource_id, act.version, person_id, None, act.changed, sealed))
        lines.append((next(ids), person_id, line, hashlib.sha256(line.encode()).digest()))
    return Trail(person_id, tuple(events), tuple(versions), tuple(lines), made.offered)


IDS_PER_ACT = 2
"""How many fresh ids `filled_trail` takes for an act, beside one for the person's key."""
