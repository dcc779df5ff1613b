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


class _NothingStaysError(Exception):
    """The people of this test are nobody's."""
