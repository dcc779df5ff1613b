"""What is past its purpose, by reviewed class, and when that ended. Asked by the service alone.

What brings it back the database's `is_needed_again` says by these same conditions, to the daily job and to two officers alike.

A statement each: subject, person where it is one, the division that decides, the day of the end. What decided reviews say is
not asked here.
"""

from services.registry.rules.retention import ReviewedClass

# Whoever sleeps or works here, or lets a home, is kept for that, under whichever id.
_IS_HERE = """
    EXISTS (SELECT FROM stay s WHERE s.person_id = ANY (ids_of_human({person})) AND s.ended_at IS NULL)
    OR EXISTS (SELECT FROM employment e WHERE e.person_id = ANY (ids_of_human({person})) AND e.ended_on IS NULL)
    OR EXISTS (SELECT FROM landlord l JOIN premises m ON m.landlord_id = l.landlord_id
        WHERE l.person_id = ANY (ids_of_human({person})) AND m.status = 'registered')
"""
# A human is listed under its canonical id, which shares the holds of the others, by the hold that ended last.
_PERSON = f"""
    SELECT d.person_id AS subject_id, d.person_id, d.division_code, d.until AS ended_on FROM person_division d
    WHERE d.until <= CAST(:ended_by AS date)
        AND NOT EXISTS (SELECT FROM person_division o WHERE o.person_id = d.person_id AND (
            o.until IS NULL OR (o.until, o.person_division_id) > (d.until, d.person_division_id)))
        AND NOT EXISTS (SELECT FROM person_alias a WHERE a.person_id = d.person_id AND a.unmerged_on IS NULL)
        AND NOT ({_IS_HERE.format(person="d.person_id")})
"""  # noqa: S608 - constants of this module
# Entered and never registered: nobody ends an intake. Who sleeps or works here, lets a home, or is there for somebody else is
# kept for that.
_UNREGISTERED = """
    SELECT d.person_id AS subject_id, d.person_id, d.division_code, d.since AS ended_on FROM person_division d
    WHERE d.source = 'intake' AND d.until IS NULL AND d.since <= CAST(:ended_by AS date)
        AND NOT EXISTS (SELECT FROM person_division o WHERE o.person_id = d.person_id AND o.source <> 'intake')
        AND NOT EXISTS (SELECT FROM stay s WHERE s.person_id = d.person_id AND s.ended_at IS NULL)
        AND NOT EXISTS (SELECT FROM employment e WHERE e.person_id = d.person_id AND e.ended_on IS NULL)
        AND NOT EXISTS (SELECT FROM landlord l WHERE l.person_id = d.person_id)
        AND NOT EXISTS (SELECT FROM relationship r WHERE r.person_id = d.person_id AND r.ended_on IS NULL)
        AND NOT EXISTS (SELECT FROM relationship r WHERE r.related_person_id = d.person_id AND r.ended_on IS NULL)
"""
# A landlord who lets nothing any more and whose letters hold no more; of one who never let anything, since it was entered.
_LANDLORD = """
    SELECT l.landlord_id AS subject_id, CAST(NULL AS uuid) AS person_id, l.division_code, e.ended_on
    FROM landlord l, LATERAL (SELECT coalesce(greatest(
            (SELECT max(m.ended_on) FROM premises m WHERE m.landlord_id = l.landlord_id),
            (SELECT max(least(t.valid_until, t.ended_on)) FROM responsibility_letter t WHERE t.landlord_id = l.landlord_id)),
        CAST(l.created_at AT TIME ZONE 'Asia/Shanghai' AS date)) AS ended_on) e
    WHERE l.erased_on IS NULL AND e.ended_on <= CAST(:ended_by AS date)
        AND NOT EXISTS (SELECT FROM premises m WHERE m.landlord_id = l.landlord_id AND m.status = 'registered')
"""
_PREMISES = """
    SELECT m.premises_id AS subject_id, CAST(NULL AS uuid) AS person_id, m.division_code, m.ended_on FROM premises m
    WHERE m.ended_on <= CAST(:ended_by AS date) AND m.erased_on IS NULL
        AND NOT EXISTS (SELECT FROM stay s WHERE s.premises_id = m.premises_id AND s.ended_at IS NULL)
"""
_EMPLOYER = """
    SELECT m.employer_id AS subject_id, CAST(NULL AS uuid) AS person_id, m.division_code, m.ended_on FROM employer m
    WHERE m.ended_on <= CAST(:ended_by AS date) AND m.erased_on IS NULL
        AND NOT EXISTS (SELECT FROM employment e WHERE e.employer_id = m.employer_id AND e.ended_on IS NULL)
"""

ENDED = {
    ReviewedClass.PERSON: _PERSON,
    ReviewedClass.UNREGISTERED_PERSON: _UNREGISTERED,
    ReviewedClass.LANDLORD: _LANDLORD,
    ReviewedClass.PREMISES: _PREMISES,
    ReviewedClass.EMPLOYER: _EMPLOYER,
}
"""Of each class what ended by `:ended_by`."""
