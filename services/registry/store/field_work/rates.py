"""The rates of a month: counted set by set, stored with numerator and denominator (RR-80)."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.ids import new_id
from services.chassis.work import Work
from services.registry.rules.field_work.rates import RateDefinition, RateSubject

# A visit counts for its town and its city: the first 9 and 6 digits, once where they are the same.
_PLACES = "CROSS JOIN LATERAL (SELECT left(x.division_code, 6) UNION SELECT left(x.division_code, 9)) AS p (place)"
_OF_VISITS = prepare(
    f"""
    WITH latest AS (
        SELECT DISTINCT ON (coalesce(canonical_id(v.person_id), v.premises_id, v.visit_id)) v.division_code, v.outcome,
            v.was_registered, v.data_matches
        FROM field_visit v
        WHERE v.subject = :subject AND v.visited_on >= :first_day AND v.visited_on < :next_month AND NOT v.set_aside
        AND NOT EXISTS (SELECT FROM field_visit_conflict c WHERE c.status = 'open' AND c.visit_id = v.visit_id)
        AND NOT EXISTS (SELECT FROM field_visit_conflict c WHERE c.status = 'open' AND c.other_visit_id = v.visit_id)
        ORDER BY coalesce(canonical_id(v.person_id), v.premises_id, v.visit_id), v.visited_at DESC, v.visit_id DESC
    ), counted AS (
        SELECT x.division_code, x.outcome = ANY (CAST(:hits AS text[]))
            AND (NOT CAST(:hits_registered AS boolean) OR x.was_registered)
            AND (NOT CAST(:hits_data_match AS boolean) OR coalesce(x.data_matches, false)) AS is_hit
        FROM latest x
        WHERE x.outcome = ANY (CAST(:counted AS text[])) AND (NOT CAST(:counted_registered AS boolean) OR x.was_registered)
    )
    SELECT p.place AS division_code, count(*) FILTER (WHERE x.is_hit) AS numerator, count(*) AS denominator
    FROM counted x {_PLACES} GROUP BY p.place
    """  # noqa: S608 - constants of this module
)
# A landlord entered in two towns is one in the city: the same number, the same person on the register.
_OF_LETTERS = prepare(
    f"""
    WITH x AS (
        SELECT m.division_code,
            coalesce(encode(l.number_index, 'hex'), CAST(canonical_id(l.person_id) AS text),
                CAST(l.landlord_id AS text)) AS who,
            EXISTS (SELECT FROM responsibility_letter t WHERE t.landlord_id = l.landlord_id AND t.signed_on <= :day
                AND t.valid_until > :day AND (t.ended_on IS NULL OR t.ended_on > :day)) AS is_hit
        FROM premises m JOIN landlord l USING (landlord_id)
        WHERE m.let_from <= :day AND (m.ended_on IS NULL OR m.ended_on > :day AND m.end_reason <> 'recorded_in_error')
    )
    SELECT p.place AS division_code, count(DISTINCT x.who) FILTER (WHERE x.is_hit) AS numerator,
        count(DISTINCT x.who) AS denominator
    FROM x {_PLACES} GROUP BY p.place
    """  # noqa: S608 - constants of this module
)
_STORE = prepare(
    """
    INSERT INTO rate_value (rate_value_id, rate, definition_version, division_code, month, numerator, denominator, computed_on)
    SELECT g.id, CAST(:rate AS text), CAST(:definition_version AS text), g.division_code, CAST(:month AS date), g.numerator,
        g.denominator, CAST(:computed_on AS date)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:codes AS text[]), CAST(:numerators AS integer[]), CAST(:denominators AS integer[]))
        AS g (id, division_code, numerator, denominator)
    ON CONFLICT (rate, definition_version, division_code, month) DO UPDATE
    SET numerator = excluded.numerator, denominator = excluded.denominator, computed_on = excluded.computed_on
    """
)
# A division that counted something before and counts nothing now has counted nothing.
_CLEAR = prepare(
    """
    UPDATE rate_value SET numerator = 0, denominator = 0, computed_on = :computed_on
    WHERE rate = :rate AND definition_version = :definition_version AND month = :month
    AND NOT division_code = ANY (CAST(:codes AS text[]))
    """
)
_COMPUTED = prepare(
    "SELECT EXISTS (SELECT FROM rate_value WHERE month = :month AND division_code = :city AND computed_on = :computed_on)"
)
_LAST_COMPUTED = prepare(
    """
    SELECT month, max(computed_on) AS computed_on FROM rate_value WHERE division_code = :city AND month < CAST(:before AS date)
    GROUP BY month
    """
)
_LIST = prepare(
    """
    SELECT r.rate_value_id, r.rate, r.definition_version, r.division_code, r.month, r.numerator, r.denominator, r.computed_on,
        r.created_at
    FROM rate_value r WHERE r.month = :month AND starts_with(r.division_code, CAST(:prefix AS text))
    AND (CAST(:rate AS text) IS NULL OR r.rate = :rate)
    AND (CAST(:after_created_at AS timestamptz) IS NULL
        OR (r.created_at, r.rate_value_id) > (:after_created_at, CAST(:after_rate_value_id AS uuid)))
    ORDER BY r.created_at, r.rate_value_id LIMIT CAST(:limit AS integer)
    """
)


async def is_computed(work: Work, month: date, city: str) -> bool:
    """Whether a month's figures were computed today."""
    return bool(await work.tx.fetch_value(_COMPUTED, month=month, city=city, computed_on=work.today))


async def last_computed(work: Work, *, before: date, city: str) -> dict[date, date]:
    """The months before that one with the day on which each was last computed: twelve a year."""
    rows = await work.tx.fetch(_LAST_COMPUTED, before=before, city=city)
    return {row["month"]: row["computed_on"] for row in rows}


async def compute_rate(work: Work, definition: RateDefinition, *, month: date, next_month: date, day: date, city: str) -> None:
    """Count one rate of a month, by town and for the city, and store it; `day` is when landlords and letters are looked at.

    The city always has a row: where nothing was counted the denominator is 0, and there is no rate.
    """
    if definition.subject is RateSubject.LANDLORD:
        rows = await work.tx.fetch(_OF_LETTERS, day=day)
    else:
        rows = await work.tx.fetch(
            _OF_VISITS,
            subject=definition.subject,
            first_day=month,
            next_month=next_month,
            counted=list(definition.counted),
            counted_registered=definition.counted_registered,
            hits=list(definition.hits),
            hits_registered=definition.hits_registered,
            hits_data_match=definition.hits_data_match,
        )
    counts = {city: (0, 0)} | {row["division_code"]: (row["numerator"], row["denominator"]) for row in rows}
    which = {"rate": definition.key, "definition_version": definition.version, "month": month, "computed_on": work.today}
    await work.tx.execute(
        _STORE,
        **which,
        ids=[new_id() for _ in counts],
        codes=list(counts),
        numerators=[numerator for numerator, _ in counts.values()],
        denominators=[denominator for _, denominator in counts.values()],
    )
    await work.tx.execute(_CLEAR, **which, codes=list(counts))


async def list_rates(
    work: Work, *, month: date, rate: str | None, division_prefix: str, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Record]:
    """Up to `limit` + 1 rows of a month below a division."""
    after_created_at, after_rate_value_id = after or (None, None)
    return await work.tx.fetch(
        _LIST,
        month=month,
        rate=rate,
        prefix=division_prefix,
        after_created_at=after_created_at,
        after_rate_value_id=after_rate_value_id,
        limit=limit + 1,
    )
