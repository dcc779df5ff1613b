"""Statements on the inbox tables, and the rows they take."""

from collections.abc import Sequence
from typing import Any

from services.chassis.cloudevents import Arrived
from services.chassis.db import prepare

LOCK = prepare("SELECT pg_advisory_xact_lock(hashtextextended('inbox ' || CAST(:producer AS text), 0))")

POSITIONS = prepare(
    """
    SELECT partition_key, sequence FROM inbox_position
    WHERE producer = :producer AND partition_key = ANY(CAST(:keys AS uuid[]))
    """
)

# Only an unbroken run after the position comes back: a key with a gap may hold very many.
NEXT_HELD = prepare(
    """
    SELECT run.* FROM unnest(CAST(:keys AS uuid[]), CAST(:positions AS bigint[])) AS k (partition_key, position)
    CROSS JOIN LATERAL (
        SELECT h.*, row_number() OVER (ORDER BY h.sequence) AS place FROM inbox_held h
        WHERE h.producer = CAST(:producer AS text) AND h.partition_key = k.partition_key AND h.sequence > k.position
        ORDER BY h.sequence LIMIT CAST(:limit AS integer)
    ) run
    WHERE run.sequence = k.position + run.place
    ORDER BY run.partition_key, run.sequence LIMIT CAST(:limit AS integer)
    """
)

READY_KEYS = prepare(
    """
    SELECT DISTINCT h.partition_key FROM inbox_held h
    LEFT JOIN inbox_position p ON p.producer = h.producer AND p.partition_key = h.partition_key
    WHERE h.producer = :producer AND h.sequence = coalesce(p.sequence, 0) + 1
    LIMIT 1000
    """
)

# What is applied or overtaken by a snapshot is neither held nor dead any more.
WRITE_DOWN = prepare(
    """
    WITH moved AS (
        SELECT * FROM unnest(CAST(:moved_keys AS uuid[]), CAST(:moved_sequences AS bigint[])) AS m (partition_key, sequence)
    ), held AS (
        INSERT INTO inbox_held (producer, partition_key, sequence, event_id, event_type, source, event_time, traceparent, data)
        SELECT CAST(:producer AS text), w.* FROM unnest(
            CAST(:partition_keys AS uuid[]), CAST(:sequences AS bigint[]), CAST(:event_ids AS uuid[]),
            CAST(:event_types AS text[]), CAST(:sources AS text[]), CAST(:event_times AS timestamptz[]),
            CAST(:traceparents AS text[]), CAST(:bodies AS text[])
        ) AS w ON CONFLICT DO NOTHING
    ), freed AS (
        DELETE FROM inbox_held h USING moved m
        WHERE h.producer = CAST(:producer AS text) AND h.partition_key = m.partition_key AND h.sequence <= m.sequence
    ), revived AS (
        DELETE FROM inbox_dead d USING moved m
        WHERE d.producer = CAST(:producer AS text) AND d.partition_key = m.partition_key AND d.sequence <= m.sequence
    )
    INSERT INTO inbox_position (producer, partition_key, sequence)
    SELECT CAST(:producer AS text), partition_key, sequence FROM moved ORDER BY partition_key
    ON CONFLICT (producer, partition_key) DO UPDATE SET sequence = excluded.sequence
    """
)

# An event already overtaken needs no burial, nor a malformed copy of one that waits in good order. Without a place in any order
# (nil key) it gets the next free number.
BURY = prepare(
    """
    WITH place AS (
        SELECT CASE WHEN CAST(:partition_key AS uuid) <> CAST(:nil_key AS uuid) THEN CAST(:sequence AS bigint)
               ELSE (SELECT coalesce(max(sequence), 0) + 1 FROM inbox_dead
                     WHERE producer = CAST(:producer AS text) AND partition_key = CAST(:nil_key AS uuid)) END AS sequence
    ), unheld AS (
        DELETE FROM inbox_held WHERE producer = CAST(:producer AS text) AND partition_key = CAST(:partition_key AS uuid)
          AND sequence = CAST(:sequence AS bigint) AND NOT CAST(:malformed AS boolean)
    )
    INSERT INTO inbox_dead AS d
        (producer, partition_key, sequence, event_id, event_type, source, event_time, traceparent, data, tries, error)
    SELECT CAST(:producer AS text), CAST(:partition_key AS uuid), place.sequence, CAST(:event_id AS uuid),
           CAST(:event_type AS text), CAST(:source AS text), CAST(:event_time AS timestamptz), CAST(:traceparent AS text),
           CAST(:body AS text), CAST(:tries AS integer), CAST(:reason AS text)
    FROM place WHERE NOT EXISTS (
        SELECT FROM inbox_position p WHERE p.producer = CAST(:producer AS text)
          AND p.partition_key = CAST(:partition_key AS uuid) AND p.sequence >= place.sequence
    ) AND NOT (CAST(:malformed AS boolean) AND EXISTS (
        SELECT FROM inbox_held h WHERE h.producer = CAST(:producer AS text)
          AND h.partition_key = CAST(:partition_key AS uuid) AND h.sequence = place.sequence
    ))
    ON CONFLICT (producer, partition_key, sequence) DO UPDATE
    SET event_id = excluded.event_id, event_type = excluded.event_type, source = excluded.source,
        event_time = excluded.event_time, traceparent = excluded.traceparent, data = excluded.data,
        tries = d.tries + excluded.tries, error = excluded.error, died_at = now()
    """
)

# A malformed event cannot become a lawful one: only its producer, by sending it again or a snapshot, can help its key.
NEXT_DEAD = prepare(
    """
    SELECT d.* FROM inbox_dead d
    LEFT JOIN inbox_position p ON p.producer = d.producer AND p.partition_key = d.partition_key
    WHERE d.producer = :producer AND d.partition_key <> ALL(CAST(:failed AS uuid[]))
      AND (CAST(:partition_key AS uuid) IS NULL OR d.partition_key = CAST(:partition_key AS uuid))
      AND d.error NOT LIKE 'malformed%'
      AND (d.sequence = coalesce(p.sequence, 0) + 1 OR d.event_type = :snapshot_type)
    ORDER BY d.partition_key, d.sequence LIMIT 1
    """
)

# Behind a gap that nothing dead explains. The gap's events were lost between stream and inbox, or the stream never had them.
LONGEST_HELD = prepare(
    """
    SELECT h.partition_key, h.sequence FROM inbox_held h
    WHERE h.producer = :producer AND h.held_at < now() - make_interval(secs => CAST(:held_s AS double precision))
      AND NOT EXISTS (SELECT FROM inbox_dead d WHERE d.producer = h.producer AND d.partition_key = h.partition_key)
    ORDER BY h.held_at, h.partition_key, h.sequence LIMIT 1
    """
)

COUNT_DEAD = prepare(
    """
    SELECT count(*) FROM inbox_dead WHERE producer = :producer
      AND (CAST(:partition_key AS uuid) IS NULL OR partition_key = CAST(:partition_key AS uuid))
    """
)

COUNT_WAITING = prepare(
    """
    SELECT (SELECT count(*) FROM inbox_held WHERE producer = CAST(:producer AS text)) AS held,
           (SELECT count(*) FROM inbox_dead WHERE producer = CAST(:producer AS text)) AS dead
    """
)


def columns_of(events: Sequence[Arrived]) -> dict[str, list[Any]]:
    """Events as the columns `WRITE_DOWN` holds them in."""
    envelopes = [event.envelope for event in events]
    return {
        "partition_keys": [envelope.partition_key for envelope in envelopes],
        "sequences": [envelope.sequence for envelope in envelopes],
        "event_ids": [envelope.id for envelope in envelopes],
        "event_types": [envelope.type for envelope in envelopes],
        "sources": [envelope.source for envelope in envelopes],
        "event_times": [envelope.time for envelope in envelopes],
        "traceparents": [envelope.traceparent for envelope in envelopes],
        "bodies": [event.body for event in events],
    }


def values_of(event: Arrived) -> dict[str, Any]:
    """One event as `BURY` takes it."""
    envelope = event.envelope
    return {
        "partition_key": envelope.partition_key,
        "sequence": envelope.sequence,
        "event_id": envelope.id,
        "event_type": envelope.type,
        "source": envelope.source,
        "event_time": envelope.time,
        "traceparent": envelope.traceparent,
        "body": event.body,
        "malformed": event.fault is not None,
    }
