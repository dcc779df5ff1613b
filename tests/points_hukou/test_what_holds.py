"""Which words of offices hold on a day: the statement that looks them up against the rule, read plainly (decision 0035)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.clock import utc_now
from services.chassis.db import Transaction, in_transaction
from services.chassis.ids import new_id
from services.chassis.rows import SERVICE
from services.points_hukou.rules.evidence import EvidenceStatus
from services.points_hukou.rules.gathering.sources import Reliability
from services.points_hukou.schemas.evidence import EvidenceRecord, EvidenceSecrets
from services.points_hukou.store import evidence as store
from services.points_hukou.store.person_facts import known_of
from tests.points_hukou.conftest import PointsOffice
from tests.points_hukou.rule_cases import shipped
from tests.points_hukou.story import Story

FACTS = {"education": ["junior_college"], "insurance_in_province": [{"from": "2022-01", "to": "2022-02"}]}
UNDATED = "education"
_DAYS = st.dates(date(2026, 1, 1), date(2026, 1, 6))


@dataclass(frozen=True, slots=True)
class Word:
    """What an office said, apart from the value."""

    fact: str
    organisation: str
    as_of: date
    times: tuple[date | None, date | None]
    is_withdrawn: bool

    @property
    def begins(self) -> date:
        """First day on which it is so, as far as is said."""
        undated = self.as_of if self.fact == UNDATED else date.min
        return self.times[0] or undated

    def covers(self, day: date) -> bool:
        return (self.times[0] or date.min) <= day < (self.times[1] or date.max)

    def overlaps(self, other: "Word") -> bool:
        starts = [each.times[0] or date.min for each in (self, other)]
        ends = [each.times[1] or date.max for each in (self, other)]
        return max(starts) < min(ends)


def _in_order(times: tuple[date | None, date | None]) -> bool:
    return times[0] is None or times[1] is None or times[0] < times[1]


_WORDS = st.lists(
    st.builds(
        Word,
        fact=st.sampled_from(sorted(FACTS)),
        organisation=st.sampled_from(["甲", "乙"]),
        as_of=_DAYS,
        times=st.tuples(st.none() | _DAYS, st.none() | _DAYS).filter(_in_order),
        is_withdrawn=st.sampled_from([False, False, True]),
    ),
    min_size=1,
    max_size=7,
)


def holding(words: list[Word], day: date) -> set[int]:
    """The places of the words that hold, each later one of a series given later."""
    found = set()
    for place, word in enumerate(words):
        later = [
            other
            for number, other in enumerate(words)
            if (other.fact, other.organisation) == (word.fact, word.organisation)
            and (other.as_of, number) > (word.as_of, place)
            and other.overlaps(word)
        ]
        is_replaced = any(other.as_of == word.as_of or other.begins <= day for other in later)
        knows = word.times[0] is not None or word.fact != UNDATED or word.as_of <= day
        if word.covers(day) and knows and not word.is_withdrawn and not is_replaced:
            found.add(place)
    return found


def _rows(words: list[Word], person_id: UUID, at: datetime) -> list[EvidenceRecord]:
    """As the door would have stored them, but that the last of a series alone is current."""
    ids = [new_id() for _ in words]
    rows = []
    for place, word in enumerate(words):
        of_series = [n for n, each in enumerate(words) if (each.fact, each.organisation) == (word.fact, word.organisation)]
        last = max((n for n in of_series if not words[n].is_withdrawn), key=lambda n: (words[n].as_of, n), default=place)
        status = EvidenceStatus.CURRENT if place == last else EvidenceStatus.SUPERSEDED
        status = EvidenceStatus.WITHDRAWN if word.is_withdrawn else status
        rows.append(
            EvidenceRecord(
                evidence_id=ids[place],
                person_id=person_id,
                rule_set="zhejiang-common-2023",
                fact=word.fact,
                organisation=word.organisation,
                division_code="330282",
                reliability=Reliability.OFFICE,
                status=status,
                as_of=word.as_of,
                valid_from=word.times[0],
                valid_until=word.times[1],
                attachment_id=None,
                superseded_by=ids[last] if status is EvidenceStatus.SUPERSEDED else None,
                withdrawn_on=word.as_of if word.is_withdrawn else None,
                closed_at=None if status is EvidenceStatus.CURRENT else at,
                secrets=EvidenceSecrets(value=FACTS[word.fact]),
                version=1,
                created_at=at + timedelta(seconds=place),
                updated_at=at,
            )
        )
    return rows


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=_WORDS, day=_DAYS)
async def test_what_holds_is_what_the_rule_says(office: PointsOffice, words: list[Word], day: date) -> None:
    """What is current counts on its days, whatever was withdrawn after it."""
    story, runtime = Story(), office.service.runtime
    story.person()
    await office.tell(story.messages())
    await office.settled()
    rows = _rows(words, story.person_id, utc_now())

    async def looked_up(tx: Transaction) -> list[tuple[UUID, bool]]:
        work = runtime.own_work(tx)
        await work.make_person_keys([story.person_id])
        await store.write(work, rows, ())
        known = await known_of(work, [story.person_id], shipped("ningbo-2022"), day)
        return [(each.evidence_id, each.is_later) for each in known[story.person_id].given if each.evidence_id is not None]

    found = await in_transaction(runtime.pool, looked_up, rows=SERVICE)
    wanted = {rows[place].evidence_id for place in holding(words, day)}
    current = {
        each.evidence_id
        for each, word in zip(rows, words, strict=True)
        if each.status is EvidenceStatus.CURRENT
        and word.covers(day)
        and (word.times[0] or word.fact != UNDATED or word.as_of <= day)
    }
    assert {evidence_id for evidence_id, is_later in found if not is_later} == wanted | current
