"""Outbox partitions: made ahead, dropped when kept long enough, never with an event that was not published."""

from datetime import date, timedelta

from tests.chassis.events.stage import Party, running, superuser, until_rows
from tests.looking import Looking
from tests.servers import Servers


async def test_partitions_are_made_ahead_and_dropped_when_kept_long_enough(origin: Party, servers: Servers) -> None:
    """Tomorrow's partition is missing and the day after has rows in the rest; of two old days one has an unpublished row."""
    async with superuser(servers, origin.dsn) as owner:
        await owner.execute("SET ROLE office_owner")
        today = await owner.fetchval("SELECT (now() AT TIME ZONE 'UTC')::date")
        for ahead in range(1, 8):
            await owner.execute(f"DROP TABLE outbox_{today + timedelta(days=ahead):%Y%m%d}")
        for name, start in (("outbox_20250101", "2025-01-01"), ("outbox_20250102", "2025-01-02")):
            await owner.execute(f"CREATE TABLE {name} PARTITION OF outbox FOR VALUES FROM ('{start}') TO (date '{start}' + 1)")
        for day, position in ((date(2025, 1, 1), 41), (date(2025, 1, 2), None), (today + timedelta(days=2), 42)):
            await owner.execute(
                """
                INSERT INTO outbox (recorded_on, event_id, event_type, partition_key, sequence, division_codes, data,
                                    published_position, published_at)
                VALUES ($1, gen_random_uuid(), 'other.item.moved.v1', gen_random_uuid(), 1, '{}', '{}', $2::bigint,
                        CASE WHEN $2::bigint IS NULL THEN NULL ELSE now() END)
                """,
                day,
                position,
            )
    await Looking(origin.pool).fetch("SELECT maintain_outbox_partitions(35)")
    rows = await Looking(origin.pool).fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'outbox'::regclass"
    )
    names = {row["name"] for row in rows}
    assert {f"outbox_{today + timedelta(days=ahead):%Y%m%d}" for ahead in (-1, 0, 1, 3, 4, 5, 6, 7)} < names
    assert f"outbox_{today + timedelta(days=2):%Y%m%d}" not in names
    assert "outbox_20250101" not in names
    assert "outbox_20250102" in names
    assert await Looking(origin.pool).fetchval("SELECT first_position_kept FROM relay_state") == 42


async def test_the_relay_maintains_partitions(origin: Party, servers: Servers) -> None:
    partitions = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'outbox'::regclass"
    async with superuser(servers, origin.dsn) as owner:
        name = await owner.fetchval(
            "SELECT max(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'outbox'::regclass "
            "AND inhrelid <> 'outbox_rest'::regclass"
        )
        await owner.execute(f"DROP TABLE {name}")
        complete = await owner.fetchval(partitions) + 1
    async with running(origin.relay()):
        await until_rows(origin.pool, partitions, complete)
