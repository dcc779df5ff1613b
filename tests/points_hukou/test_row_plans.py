"""Who sees a file is asked of every row; it has to be found by index, however many people there are."""

import asyncpg
import pytest

from services.chassis.ids import new_id
from tests.conftest import Database
from tests.points_hukou.conftest import CITY

_CONTEXT = """
    SELECT set_config('xinshimin.kind', 'client', true), set_config('xinshimin.division', $1, true),
        set_config('xinshimin.law_date', '2026-11-30', true)
"""
_LOOKED_THROUGH = """
    SELECT relname FROM pg_stat_xact_user_tables WHERE seq_scan > 0
    AND relname IN ('mirror_residence_registration', 'mirror_person_alias', 'mirror_person') ORDER BY 1
"""


@pytest.mark.parametrize(
    "asked", ["SELECT is_file_visible($1)", "SELECT divisions_of_files(ARRAY[$1]::uuid[], '2024-11-30')"], ids=["seen", "told"]
)
async def test_no_table_is_looked_through(database: Database, asked: str) -> None:
    connection = await asyncpg.connect(database.owner_url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT set_config('xinshimin.kind', 'service', true)")
            await connection.execute(
                """
                INSERT INTO mirror_residence_registration (registration_id, person_id, status, division_code, residence_kind,
                    registered_on, started_on, residence_since, version, sequence, updated_at)
                SELECT gen_random_uuid(), gen_random_uuid(), 'current', '330282107', 'rented', DATE '2025-01-01',
                    DATE '2025-01-01', DATE '2025-01-01', 1, 1, now() FROM generate_series(1, 2000)
                """
            )
            await connection.execute("ANALYZE mirror_residence_registration")
            await connection.fetch(_CONTEXT, CITY)
            await connection.fetch(asked, new_id())
            assert await connection.fetch(_LOOKED_THROUGH) == []
            raise _NothingStaysError
    except _NothingStaysError:
        pass
    finally:
        await connection.close()


async def test_what_was_seen_is_remembered_for_the_same_eyes_alone(database: Database) -> None:
    """Of one transaction: a town's sight is not the next one's, and ends with the day on which it ends."""
    connection = await asyncpg.connect(database.owner_url)
    person_id = new_id()
    try:
        async with connection.transaction():
            await connection.execute("SELECT set_config('xinshimin.kind', 'service', true)")
            await connection.execute(
                """
                INSERT INTO mirror_residence_registration (registration_id, person_id, status, division_code, residence_kind,
                    registered_on, started_on, residence_since, ended_on, version, sequence, updated_at)
                VALUES (gen_random_uuid(), $1, 'ended', '330282107', 'rented', DATE '2020-01-01', DATE '2020-01-01',
                    DATE '2020-01-01', DATE '2024-12-31', 1, 1, now())
                """,
                person_id,
            )
            eyes = "SELECT set_config('xinshimin.kind', 'client', true), set_config('xinshimin.division', $1, true)"
            day = "SELECT set_config('xinshimin.law_date', $1, true)"
            seen = []
            for division, on in (
                ("330282107", "2026-11-30"),
                ("330282107", "2026-11-30"),
                ("330282113", "2026-11-30"),
                ("330282107", "2027-01-31"),
                (CITY, "2026-11-30"),
            ):
                await connection.fetch(eyes, division)
                await connection.fetch(day, on)
                seen.append(await connection.fetchval("SELECT is_file_visible($1)", person_id))
            assert seen == [True, True, False, False, True]
            raise _NothingStaysError
    except _NothingStaysError:
        pass
    finally:
        await connection.close()


class _NothingStaysError(Exception):
    """The people of this test are nobody's."""
