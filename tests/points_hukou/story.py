"""What the registry tells about one person, and what the person's file must then say – worked out the slow and plain way."""

import itertools
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from services.chassis.bus import Outgoing
from services.chassis.clock import utc_now
from services.chassis.cloudevents import headers_of, source_of
from services.chassis.events import Envelope, EventData
from services.chassis.ids import new_id
from services.chassis.snapshots import Snapshot, SnapshotState, snapshot_type
from services.contracts import registry

PRODUCER = "registry"
TOWN = "330282107"
NEXT_TOWN = "330282113"
_RELATIONSHIP = ("relationship_id", "person_id", "related_person_id", "kind", "valid_from", "ended_on", "end_reason", "version")
_REGISTRATION = (
    *("registration_id", "person_id", "status", "division_code", "residence_kind", "registered_on", "started_on"),
    *("residence_since", "ended_on", "end_reason", "version"),
)
_PERMIT = (
    *("permit_id", "person_id", "status", "ground", "division_code", "issued_on", "residence_years_from", "suspended_on"),
    *("ended_on", "end_reason", "version"),
)
_EMPLOYMENT = (
    *("employment_id", "person_id", "employer_id", "division_code", "industry_code", "occupation_code", "started_on"),
    *("ended_on", "end_reason", "version"),
)


def token(document_type: str = "citizen_id", *, key_id: str = "d1") -> registry.DocumentToken:
    """A document nobody else has."""
    return registry.DocumentToken(document_type=document_type, key_id=key_id, token=new_id().hex * 2)


@dataclass(slots=True)
class Story:
    """The registry's events about one person, in their order; the n-th has sequence n."""

    person_id: UUID = field(default_factory=new_id)
    events: list[EventData] = field(default_factory=list)

    def _add(self, fact: type[EventData], state: dict[str, Any]) -> None:
        self.events.append(fact.model_validate({"person_id": self.person_id, **state}))

    def person(self, fact: type[registry.PersonState] = registry.PersonRegistered, **changed: Any) -> None:
        """The person is registered or corrected."""
        known = [event for event in self.events if isinstance(event, registry.PersonState)]
        state = {
            "version": len(known) + 1,
            "masked_name": "王*",
            "birth_date": date(1990, 5, 1),
            "sex_code": "2",
            "hukou_division_code": "522426",
            "document_tokens": (token(),),
            "no_document_reason": None,
        }
        self._add(fact, state | changed)

    def relationship(self, fact: type[registry.RelationshipState], relationship_id: UUID, version: int, **changed: Any) -> None:
        """A relationship begins or ends."""
        state = {
            "relationship_id": relationship_id,
            "version": version,
            "related_person_id": UUID(int=7),
            "kind": "spouse",
            "valid_from": date(2015, 2, 14),
            "ended_on": None,
            "end_reason": None,
        }
        self._add(fact, state | changed)

    def registration(
        self, fact: type[registry.ResidenceRegistrationState], registration_id: UUID, version: int, **changed: Any
    ) -> None:
        """A residence registration begins, changes or ends."""
        state = {
            "registration_id": registration_id,
            "version": version,
            "status": "current",
            "division_code": TOWN,
            "residence_kind": "rented",
            "registered_on": date(2025, 3, 1),
            "started_on": date(2025, 2, 27),
            "residence_since": date(2025, 3, 1),
            "ended_on": None,
            "end_reason": None,
        }
        self._add(fact, state | changed)

    def permit(self, fact: type[registry.ResidencePermitState], permit_id: UUID, version: int, **changed: Any) -> None:
        """Something happens to a permit."""
        state = {
            "permit_id": permit_id,
            "version": version,
            "status": "valid",
            "ground": "employment",
            "regime": "zj-2016",
            "division_code": TOWN,
            "applied_on": date(2025, 9, 1),
            "accepted_on": date(2025, 9, 1),
            "due_on": date(2025, 9, 22),
            "issued_on": date(2025, 9, 10),
            "endorsement_anchor_on": date(2025, 9, 10),
            "endorsement_from": date(2026, 8, 11),
            "endorsement_until": date(2026, 9, 10),
            "residence_years_from": date(2025, 3, 1),
            "suspended_on": None,
            "lost_on": None,
            "ended_on": None,
            "end_reason": None,
            "reason_codes": (),
        }
        self._add(fact, state | changed)

    def employment(self, fact: type[registry.EmploymentState], employment_id: UUID, version: int, **changed: Any) -> None:
        """Somebody is taken on, moves within the works, or leaves."""
        state = {
            "employment_id": employment_id,
            "version": version,
            "employer_id": UUID(int=11),
            "division_code": "330282104",
            "industry_code": "C3856",
            "occupation_code": "6",
            "started_on": date(2025, 3, 3),
            "ended_on": None,
            "end_reason": None,
        }
        self._add(fact, state | changed)

    def merge(self, fact: type[registry.PersonAliasState], version: int, canonical_person_id: UUID, **changed: Any) -> None:
        """The id turns out to be another person's, or not to be."""
        merged_on = date(2027, 1, 15)
        unmerged_on = date(2027, 2, 1) if fact is registry.PersonUnmerged else None
        state = {"canonical_person_id": canonical_person_id, "merged_on": merged_on, "unmerged_on": unmerged_on}
        self._add(fact, state | {"version": version} | changed)

    def correction(self, contest_id: str, outcome: str) -> None:
        """The registry answers a contest of what it says."""
        reason = {"code": "data_correct", "rule": "V-18", "message_zh": "经核实无误", "message_en": "checked and right"}
        state = {"version": 1, "contest_id": contest_id, "rights_request_id": new_id(), "outcome": outcome}
        self._add(registry.CorrectionAnswered, state | {"reasons": () if outcome == "corrected" else (reason,)})

    def deletion(self) -> None:
        """The person is deleted."""
        self._add(registry.PersonDeleted, {"version": 9, "deleted_on": date(2031, 2, 9)})

    def messages(self, first: int = 1, last: int | None = None) -> list[Outgoing]:
        """The events from sequence `first` to `last` as the relay would send them."""
        return [_message(event, number) for number, event in enumerate(self.events, 1) if first <= number <= (last or number)]

    def snapshot(self, sequence: int) -> Outgoing:
        """The state after `sequence` events, as the registry would send it to this service alone."""
        states = tuple(
            SnapshotState(type=event.event_type, data=event.model_dump(mode="json")) for event in self.states(sequence)
        )
        body = Snapshot(partition_key=self.person_id, sequence=sequence, states=states)
        subject = snapshot_type(PRODUCER, "points_hukou")
        envelope = Envelope(new_id(), subject, source_of(PRODUCER, 1), utc_now(), self.person_id, sequence)
        return Outgoing(subject, headers_of(envelope), body.model_dump_json().encode())

    def states(self, sequence: int) -> list[EventData]:
        """The last event of every subject among the first `sequence`."""
        return list({_subject(event): event for event in self.events[:sequence]}.values())

    def file(self, sequence: int | None = None) -> dict[str, Any]:
        """The file after the first `sequence` events (all of them), as JSON, without times of the system clock."""
        known = self.states(len(self.events) if sequence is None else sequence)
        (person,) = (state for state in known if isinstance(state, registry.PersonState))
        return {
            "person_id": str(self.person_id),
            "merged_person_ids": [],
            "as_of_sequence": len(self.events) if sequence is None else sequence,
            **_shown(person, ("masked_name", "birth_date", "sex_code", "hukou_division_code", "no_document_reason")),
            "identity_documents": _counted(person.document_tokens),
            "relationships": _newest(known, registry.RelationshipState, _RELATIONSHIP, "valid_from"),
            "residence_registrations": _newest(known, registry.ResidenceRegistrationState, _REGISTRATION, "registered_on"),
            "residence_permits": [
                permit
                for permit in _newest(known, registry.ResidencePermitState, _PERMIT, "permit_id")
                if permit["status"] != "refused"
            ],
            "employments": _newest(known, registry.EmploymentState, _EMPLOYMENT, "started_on"),
        }


def full_story() -> Story:
    """Every event about a human with one id; what may come twice does, also with other types in between."""
    story, marriage, home, move, refused, withdrawn, permit, job, next_job = Story(), *(new_id() for _ in range(8))
    unissued = {"issued_on": None, "residence_years_from": None}
    story.person(document_tokens=(token(), token("passport")))
    story.person(registry.PersonCorrected, masked_name="王**", sex_code="1", document_tokens=(token(), token()))
    story.person(registry.PersonCorrected, hukou_division_code="522401")
    story.relationship(registry.RelationshipRegistered, marriage, 1)
    story.registration(registry.ResidenceRegistrationRegistered, home, 1)
    story.employment(registry.EmploymentStarted, job, 1)
    story.permit(
        registry.ResidencePermitRefused, refused, 1, status="refused", accepted_on=None, reason_codes=("x",), **unissued
    )
    story.relationship(registry.RelationshipEnded, marriage, 2, ended_on=date(2025, 6, 1), end_reason="divorce")
    story.registration(registry.ResidenceRegistrationChanged, home, 2, division_code=NEXT_TOWN)
    story.registration(registry.ResidenceRegistrationChanged, home, 3, residence_kind="owned")
    story.employment(registry.EmploymentChanged, job, 2, occupation_code="4")
    story.permit(registry.ResidencePermitAccepted, withdrawn, 1, status="accepted", **unissued)
    gone = {"status": "withdrawn", "ended_on": date(2025, 9, 3), "end_reason": "withdrawn_by_applicant"}
    story.permit(registry.ResidencePermitEnded, withdrawn, 2, **gone, **unissued)
    story.permit(registry.ResidencePermitAccepted, permit, 1, status="accepted", **unissued)
    story.permit(registry.ResidencePermitIssued, permit, 2)
    story.permit(registry.ResidencePermitEndorsed, permit, 3)
    story.permit(registry.ResidencePermitLossReported, permit, 4, lost_on=date(2026, 12, 1))
    story.permit(registry.ResidencePermitReplaced, permit, 5)
    story.permit(registry.ResidencePermitSuspended, permit, 6, status="suspended", suspended_on=date(2027, 9, 11))
    story.permit(registry.ResidencePermitEndorsed, permit, 7, residence_years_from=date(2027, 11, 2))
    story.employment(registry.EmploymentEnded, job, 3, occupation_code="4", ended_on=date(2028, 1, 31), end_reason="resigned")
    story.employment(registry.EmploymentStarted, next_job, 1, started_on=date(2028, 2, 8))
    left = {"status": "ended", "ended_on": date(2029, 1, 31), "end_reason": "moved"}
    story.registration(registry.ResidenceRegistrationEnded, home, 4, **left)
    story.registration(registry.ResidenceRegistrationRegistered, move, 1, registered_on=date(2029, 2, 9))
    return story


def copy_of(message: Outgoing) -> Outgoing:
    """The same event under another message id, so that the stream keeps both."""
    return Outgoing(message.subject, message.headers | {"Nats-Msg-Id": str(new_id())}, message.body)


def shuffled(stories: Iterable[Story], seed: int) -> list[Outgoing]:
    """Every event of every story twice, in an order nobody would wish for."""
    messages = list(itertools.chain.from_iterable(story.messages() for story in stories))
    messages += [copy_of(message) for message in messages]
    random.Random(seed).shuffle(messages)
    return messages


def without_times(file: dict[str, Any]) -> dict[str, Any]:
    """A file as the model knows it: every `updated_at` taken out, and `masked_fields`, as the reader has every scope."""
    return {
        name: [without_times(item) if isinstance(item, dict) else item for item in value] if isinstance(value, list) else value
        for name, value in file.items()
        if name not in {"updated_at", "masked_fields"}
    }


def _message(event: EventData, sequence: int) -> Outgoing:
    envelope = Envelope(new_id(), event.event_type, source_of(PRODUCER, 1), utc_now(), event.partition_key, sequence)
    return Outgoing(event.event_type, headers_of(envelope), event.model_dump_json().encode())


def _subject(event: EventData) -> UUID:
    if isinstance(event, registry.PersonAliasState):
        return UUID(int=event.person_id.int ^ 1)  # that the id is an alias is another subject than the person
    for name in ("relationship_id", "registration_id", "permit_id", "employment_id", "person_id"):
        if (found := getattr(event, name, None)) is not None:
            return UUID(str(found))
    raise AssertionError(event)


def _shown(state: EventData, names: Sequence[str]) -> dict[str, Any]:
    content = state.model_dump(mode="json")
    return {name: content[name] for name in names}


def _newest(states: Sequence[EventData], kind: type[EventData], names: Sequence[str], by: str) -> list[dict[str, Any]]:
    shown = [_shown(state, names) for state in states if isinstance(state, kind)]
    return sorted(shown, key=lambda item: (item[by], item[names[0]]), reverse=True)


def _counted(tokens: Sequence[registry.DocumentToken]) -> list[dict[str, Any]]:
    types = [one.document_type for one in tokens]
    return [{"type": name, "count": types.count(name)} for name in sorted(set(types))]
