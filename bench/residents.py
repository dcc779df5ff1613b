"""A big city's residents as rows, for what reads the register at size: 1,200,000 of them in minutes.

Persons with a citizen number, a hold, mostly a registration and often work; sealed, indexed and keyed for searching by the
service's own code, so that it finds and opens them like any other. Left out is what reading needs not: history, events,
evidence. The superuser copies them in, past triggers and policies. `city.py` writes what a client would have written, tenfold
as slowly.

Surnames are as frequent as in the national count of 2020 (the hundred commonest, 85 of 100 people), given names by the rank of
their characters, so that a block of equal names, beginnings or initials is as large as a city's is. Whose data a number stands
for is told by `resident`, without the database.

`python -m bench.residents` writes one share and is started once per core by `fill`.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import asyncpg

from bench.stage import Stage
from services.chassis.clock import LawClock
from services.chassis.data_keys import open_keyring
from services.chassis.db import create_pool
from services.chassis.ids import new_id
from services.chassis.keyring import Keyring
from services.chassis.sealing import Suite
from services.registry.rules.credit_code import check_character
from services.registry.rules.identity_number import DocumentType
from services.registry.schemas.person_views import DocumentRecord, PersonRecord
from services.registry.store import persons
from services.registry.store.search_keys import digests_of
from tests.journeys.suite import ROOT, citizen_number

_AT_ONCE = 2_000
_SHARES = 2
_NAMESPACE = UUID("6a1c2f3e-9b7d-5e4a-8c21-0f1e2d3c4b5a")
_HOMES = ("341504", "341204", "360428", "411522", "500103", "520204", "522401", "530622", "513701", "420281")
TOWNS = tuple(f"330282{town:03d}" for town in (*range(2, 7), 104, *range(107, 115), 116, 118, 120, 121, 123))
_PERSONS_PER_EMPLOYER = 60
_LARGEST = 0.2
"""Few employers are large: of those at work the largest has some 2 in 100, most have less than one in 10,000."""
_REGISTERED, _AT_WORK, _SINGLE_CHARACTER = 0.9, 0.6, 0.16
_DAYS = 18_000
_FIRST_SEQUENCE, _SEQUENCES = 200, 800
"""Sequences of citizen numbers that neither `city.py` nor a roster of `imports.py` gives out: they share home divisions."""

# Per mille of the population.
_SURNAMES = {
    "王": 72,
    "李": 72,
    "张": 68,
    "刘": 54,
    "陈": 45,
    "杨": 31,
    "赵": 23,
    "黄": 22,
    "周": 21,
    "吴": 20,
    "徐": 17,
    "孙": 15,
    "胡": 13,
    "朱": 13,
    "高": 12,
    "林": 12,
    "何": 12,
    "郭": 12,
    "马": 13,
    "罗": 9,
    "梁": 8,
    "宋": 8,
    "郑": 9,
    "谢": 8,
    **dict.fromkeys("韩唐冯于董萧程曹袁邓许傅沈曾彭吕", 6),
    **dict.fromkeys("苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜", 4),
    **dict.fromkeys("范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史", 3),
    **dict.fromkeys("顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文", 2),
    **dict.fromkeys("庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向柳邢路岳齐沿梅莫庄辛管祝左涂谷祁时舒耿牟", 1),
}
_GIVEN = (
    "英华玉秀文明国春丽建志红兰金平军桂海小德伟林芳永云荣梅成珍生晓东霞凤淑敏艳杰新忠香强龙清美光福义玲燕飞民宝辉世"
    "峰家俊江静娟宇昌洪立庆娜雪胜少良学振佳爱琴鹏正婷慧波祥友翠振仁宏辰浩子涵欣怡梓轩博雅思瑞天一琪嘉诗晨雨佩"
)
_ALONE = "伟敏静杰丽勇涛艳军强磊娟霞超刚平鹏辉芳红波斌健飞亮浩俊宇洋鑫婷雪莹颖"
_TABLES = {
    "person": """person_id, sealed, name_index, birth_date, sex_code, hukou_division_code, warnings, version, created_at,
        updated_at""",
    "identity_document": "document_id, person_id, type, number_index, sealed, recorded_at",
    "person_division": "person_division_id, person_id, division_code, source, since, until",
    "residence_registration": """registration_id, person_id, status, division_code, sealed, residence_kind, reported_by,
        registered_on, started_on, residence_since, reported_late, version, created_at, updated_at""",
    "person_search_key": """person_id, name_prefix_2, name_prefix_3, pinyin, initials, phone, initials_and_birth,
        name_and_home""",
    "employer": """employer_id, credit_code, status, division_code, industry_code, sealed, registered_on, version, created_at,
        updated_at""",
    "employment": """employment_id, person_id, employer_id, division_code, industry_code, occupation_code, sealed, started_on,
        start_reported_on, version, created_at, updated_at""",
}


@dataclass(frozen=True, slots=True)
class Resident:
    """Whoever a number stands for."""

    name: str
    number: str
    phone: str
    born: date
    is_male: bool
    home: str
    town: str
    employer: int | None


class _Drawn:
    """Draws values by weight."""

    def __init__(self, weights: dict[str, float]) -> None:
        self._values, self._sums = list(weights), list(accumulate(weights.values()))

    def by(self, rng: random.Random) -> str:
        return rng.choices(self._values, cum_weights=self._sums)[0]


_SURNAME = _Drawn({name: float(weight) for name, weight in _SURNAMES.items()})
_CHARACTER = _Drawn({char: 1 / (rank + 15) for rank, char in enumerate(dict.fromkeys(_GIVEN))})
_ONE_CHARACTER = _Drawn({char: 1 / (rank + 8) for rank, char in enumerate(_ALONE)})


def resident(number: int, *, of: int) -> Resident:
    """The resident of that number in a city of so many."""
    rng = random.Random(number)
    given = _ONE_CHARACTER.by(rng) if rng.random() < _SINGLE_CHARACTER else _CHARACTER.by(rng) + _CHARACTER.by(rng)
    home = rng.choice(_HOMES)
    born, sequence = birth_and_sequence(number)
    is_registered = rng.random() < _REGISTERED
    works = is_registered and rng.random() < _AT_WORK
    return Resident(
        name=_SURNAME.by(rng) + given,
        number=citizen_number(home, f"{born:%Y%m%d}", sequence),
        phone=f"137{number:08d}",
        born=born,
        is_male=number % 2 == 1,
        home=home,
        town=rng.choice(TOWNS) if is_registered else "",
        employer=int(employers(of) ** rng.uniform(_LARGEST, 1)) if works else None,
    )


def birth_and_sequence(number: int) -> tuple[date, int]:
    """Both together are one resident's alone, up to the largest city there is."""
    sequence = _FIRST_SEQUENCE + number % _SEQUENCES
    day = (number // _SEQUENCES * 11 + sequence * 37) % _DAYS
    return date(1955, 1, 1) + timedelta(days=day), sequence


def employer_id(number: int) -> UUID:
    """The id of the employer of that number."""
    return uuid5(_NAMESPACE, str(number))


def credit_code(number: int) -> str:
    """Its social credit code."""
    first = f"91330282MA3A{number:05d}"
    return first + check_character(first)


def employers(persons: int) -> int:
    """How many there are in a city of so many."""
    return persons // _PERSONS_PER_EMPLOYER


@dataclass(frozen=True, slots=True)
class _Desk:
    """What sealing and keying a share needs."""

    keyring: Keyring
    of: int
    today: date
    now: datetime

    def rows(self, numbers: range) -> dict[str, list[tuple[Any, ...]]]:
        """The residents' rows by table."""
        rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for number in numbers:
            self._enter(resident(number, of=self.of), rows)
        return rows

    def _enter(self, who: Resident, rows: dict[str, list[tuple[Any, ...]]]) -> None:
        keyring, now, person_id = self.keyring, self.now, new_id()
        document = DocumentRecord(
            document_id=new_id(), type=DocumentType.CITIZEN_ID, number=who.number, normalised_number=who.number, issuer=None,
            valid_from=None, valid_until=None,
        )  # fmt: skip
        sex = "1" if who.is_male else "2"
        person = PersonRecord(
            person_id=person_id, version=1, name=who.name, phone=who.phone, birth_date=who.born, sex_code=sex,
            ethnicity_code=None, education_code=None, hukou_division_code=who.home, no_document_reason=None,
            identity_documents=(document,), warnings=(), created_at=now, updated_at=now,
        )  # fmt: skip
        sealed, index = persons.sealed_person(keyring, person), persons.name_index(keyring, who.name)
        rows["person"].append((person_id, sealed, index, who.born, sex, who.home, "[]", 1, now, now))
        number_index = persons.number_index(keyring, document.type, who.number)
        sealed = persons.sealed_document(keyring, document)
        rows["identity_document"].append((document.document_id, person_id, document.type.value, number_index, sealed, now))
        rows["person_search_key"].append((person_id, *digests_of(keyring, person).values()))
        intake_until = self.today if who.town else None
        rows["person_division"].append((new_id(), person_id, who.town or TOWNS[0], "intake", self.today, intake_until))
        if who.town:
            self._register(person_id, who, rows)

    def _register(self, person_id: UUID, who: Resident, rows: dict[str, list[tuple[Any, ...]]]) -> None:
        today, now = self.today, self.now
        rows["person_division"].append((new_id(), person_id, who.town, "residence_registration", today, None))
        registration_id, employment_id = new_id(), new_id()
        address = self._sealed("residence_registration", registration_id, address="陈家村东路1号")
        rows["residence_registration"].append(
            (
                registration_id,
                person_id,
                "current",
                who.town,
                address,
                "rented",
                "self",
                today,
                today,
                today,
                False,
                1,
                now,
                now,
            )
        )
        if who.employer is not None:
            at = (employment_id, person_id, employer_id(who.employer), TOWNS[who.employer % len(TOWNS)])
            position = self._sealed("employment", employment_id, position="注塑工")
            rows["employment"].append((*at, "C3856", "6", position, today, today, 1, now, now))

    def _sealed(self, table: str, row_id: UUID, **secrets: str) -> bytes:
        """As `store.sealing` does."""
        return self.keyring.seal(json.dumps(secrets).encode(), f"{table}|sealed|{row_id}")

    def employers(self) -> list[tuple[Any, ...]]:
        """All of them, as rows."""
        return [self._employer(number) for number in range(employers(self.of))]

    def _employer(self, number: int) -> tuple[Any, ...]:
        row_id, town = employer_id(number), TOWNS[number % len(TOWNS)]
        name = self._sealed("employer", row_id, name=f"慈溪市{number}电器有限公司")
        return (row_id, credit_code(number), "registered", town, "C3856", name, self.today, 1, self.now, self.now)


async def write_share(database_url: str, superuser_url: str, keys: Path, numbers: range, *, of: int) -> None:
    """Copy in the residents of these numbers; with the first ones all employers."""
    pool = await create_pool(database_url, size=1, command_timeout=120, application="bench-residents")
    keyring = await open_keyring(pool, keys, Suite.AES_256_GCM)
    await pool.close()
    clock = LawClock()
    desk = _Desk(keyring, of, clock.today(), clock.now())
    # Neither triggers nor foreign keys: the holds are among the rows.
    connection = await asyncpg.connect(superuser_url, server_settings={"session_replication_role": "replica"})
    try:
        if numbers.start == 0:
            await _copy(connection, "employer", desk.employers())
        for first in range(numbers.start, numbers.stop, _AT_ONCE):
            rows = desk.rows(range(first, min(first + _AT_ONCE, numbers.stop)))
            for table, records in rows.items():
                await _copy(connection, table, records)
    finally:
        await connection.close()


async def _copy(connection: Any, table: str, records: Sequence[tuple[Any, ...]]) -> None:
    columns = [name.strip() for name in _TABLES[table].split(",")]
    await connection.copy_records_to_table(table, records=records, columns=columns)


def fill(stage: Stage, count: int) -> None:
    """Write so many residents beside whoever is there, a share per core at the same time."""
    shares = [_started(stage, numbers, of=count) for numbers in _shares(count)]
    if any(code != 0 for code in [share.wait() for share in shares]):
        raise RuntimeError("the residents could not be written")
    asyncio.run(_settle(stage.superuser_url("registry")))


def _shares(count: int) -> Iterator[range]:
    for first, last in pairwise(count * share // _SHARES for share in range(_SHARES + 1)):
        yield range(first, last)


def _started(stage: Stage, numbers: range, *, of: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "bench.residents", str(numbers.start), str(numbers.stop), str(of)]
    share = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, text=True)
    assert share.stdin is not None
    given = {
        "database_url": stage.variable("REGISTRY__DATABASE_URL"),
        "superuser_url": stage.superuser_url("registry"),
        "keys": stage.variable("REGISTRY__KEY_FILE"),
    }
    share.stdin.write(json.dumps(given))
    share.stdin.close()
    return share


async def _settle(superuser_url: str) -> None:
    """Statistics, and pages marked as seen by all, as autovacuum would leave them."""
    connection = await asyncpg.connect(superuser_url, command_timeout=1_800)
    try:
        for table in _TABLES:
            await connection.execute(f"VACUUM ANALYZE {table}")
    finally:
        await connection.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=int)
    parser.add_argument("last", type=int)
    parser.add_argument("of", type=int)
    share_of = parser.parse_args()
    urls = json.load(sys.stdin)
    asyncio.run(
        write_share(
            urls["database_url"],
            urls["superuser_url"],
            Path(urls["keys"]),
            range(share_of.first, share_of.last),
            of=share_of.of,
        )
    )
