"""A ranking as a document that whoever is entitled ranks again, offline: pseudonyms, figures, quota, text of the rules."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from services.chassis.errors import DomainError
from services.chassis.keyring import Keyring
from services.chassis.work import Work
from services.points_hukou.actions.round_standing import RESOURCE, found
from services.points_hukou.rules.ranking import Outcome
from services.points_hukou.rules.round_replaying import FORMAT
from services.points_hukou.schemas.round_places import PlaceRecord, RankingDocument, StandingView
from services.points_hukou.schemas.rounds import RoundRecord
from services.points_hukou.store import round_places, rule_sets

_FIELDS = ("admitted", "rank", "tie_breaks", "total", "town")


async def read_ranking(work: Work, round_id: UUID, ranking: int | None) -> RankingDocument:
    """The last ranking, or an earlier one. Raises `DomainError('round-not-ranked')`."""
    record = await found(work, round_id)
    number = record.rankings if ranking is None else ranking
    if not 1 <= number <= record.rankings:
        raise DomainError("round-not-ranked", extra={"rankings": record.rankings})
    law = await rule_sets.find_rule_set(work, record.rule_set_id)
    assert law is not None, "approved rule sets are seen by everybody"
    places = await round_places.whole_ranking(work, record.model_copy(update={"rankings": number}))
    standing = await asyncio.to_thread(_standing, work.keyring, record, places)
    work.audit("export_ranking", RESOURCE, round_id, fields=_FIELDS, outcome=f"showed {len(standing)}")
    return RankingDocument(
        format=FORMAT,
        round_id=str(round_id),
        ranking=number,
        rule_set=law.name,
        digest=law.digest or "",
        service=record.service,
        quota=record.quota,
        town_quotas=record.town_quotas,
        freeze_on=record.freeze_on.isoformat(),
        cut_off=record.cut_off if number == record.rankings else None,
        erased=len(places) - len(standing),
        standing=standing,
        rule_sets={name: {"rule_set": text.rule_set, "choices": text.choices} for name, text in law.chain.items()},
        own_choices=law.own_choices,
    )


def _standing(keyring: Keyring, record: RoundRecord, places: Sequence[PlaceRecord]) -> list[StandingView]:
    """Everybody of whom something is left, as ranked: what happened to places afterwards is not of the ranking."""
    return sorted(
        (
            StandingView(
                pseudonym=_pseudonym(keyring, record.round_id, place.application_id),
                town=place.town,
                total=place.secrets.score["total"],
                tie_breaks=place.secrets.score["tie_breaks"],
                rank=place.rank,
                admitted=place.outcome is Outcome.ADMITTED and place.moved_up_on is None,
            )
            for place in places
            if place.secrets is not None
        ),
        key=lambda each: (each.town, each.rank, each.pseudonym),
    )


def _pseudonym(keyring: Keyring, round_id: UUID, application_id: UUID) -> str:
    """The same in every export of a round, another one in every round."""
    return keyring.blind_index("round_place.pseudonym", f"{round_id}|{application_id}").hex()[:32]
