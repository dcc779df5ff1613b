"""`POST /v1/persons/search` in a big city: eight clients, a random mix of the kinds of search, against asyncpg alone."""

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from bench import residents
from bench.bare_searcher import STATEMENTS, value_of
from bench.figures import Figure, Goal, median
from bench.load import Call, drive
from bench.processes import cpu_s, with_children
from bench.residents import Resident, resident
from bench.stage import ACTOR, DIVISION, PURPOSE, SCOPES, Stage
from services.chassis.data_keys import open_keyring
from services.chassis.db import create_pool
from services.chassis.keyring import Keyring
from services.chassis.sealing import Suite
from services.registry.rules.identity_number import DocumentType
from services.registry.rules.search_keys import SearchKey
from services.registry.store.persons import name_index, number_index
from services.registry.store.search_keys import PINYIN, digest
from tests.journeys.suite import ROOT, Office

_CLIENTS = 8
_ROUNDS, _ROUND_S = 5, 4.0
_QUESTIONS = 4_000
_CHECKED = 40
_P95_MS = 25.0
_PATH = "/v1/persons/search"
# The commonest beginnings and readings.
_FREQUENT = [surname + given for surname in "王李张刘陈" for given in "伟英华玉秀文丽敏静"]


@dataclass(frozen=True, slots=True)
class Question:
    """One search: the body for the service, and the way and value that the bare look-up takes."""

    body: Mapping[str, Any]
    way: str
    value: str


@dataclass(frozen=True, slots=True)
class _Asker:
    """Makes questions about residents who are there."""

    keyring: Keyring
    persons: int
    rng: random.Random

    def anything(self) -> Question:
        """A question of any kind about somebody; who has a frequent name is asked for more often, like in an office."""
        who = resident(self.rng.randrange(self.persons), of=self.persons)
        kinds: Mapping[Callable[[Resident], Question], int] = {
            self._number: 25,
            self._name: 20,
            self._name_and_birth: 10,
            self._beginning: 15,
            self._spelling: 10,
            self._initials: 5,
            self._beginning_in_town: 5,
            self._employer: 10,
        }
        (kind,) = self.rng.choices(list(kinds), list(kinds.values()))
        return kind(who)

    def plain(self) -> Question:
        """A question that nothing narrows, so that whom the bare look-up finds is the answer."""
        who = resident(self.rng.randrange(self.persons), of=self.persons)
        return self.rng.choice([self._number, self._name, self._beginning])(who)

    def frequent(self) -> Question:
        """A beginning, a reading or initials that many have."""
        name = self.rng.choice(_FREQUENT)
        kind = self.rng.choice([self._as_beginning, self._as_spelling, self._as_initials])
        return kind(name + self.rng.choice("明华") if kind == self._as_initials else name)

    def _number(self, who: Resident) -> Question:
        index = number_index(self.keyring, DocumentType.CITIZEN_ID, who.number)
        return Question({"identity_document": {"type": "citizen_id", "number": who.number}}, "number", index.hex())

    def _name(self, who: Resident) -> Question:
        return Question({"name": who.name}, "name", name_index(self.keyring, who.name).hex())

    def _name_and_birth(self, who: Resident) -> Question:
        found = self._name(who)
        return Question({**found.body, "birth_date": who.born.isoformat()}, found.way, found.value)

    def _beginning(self, who: Resident) -> Question:
        return self._as_beginning(who.name[: self.rng.choice([2, 3])])

    def _beginning_in_town(self, who: Resident) -> Question:
        found = self._as_beginning(who.name[:2])
        return Question({**found.body, "division_code": who.town or residents.TOWNS[0]}, found.way, found.value)

    def _spelling(self, who: Resident) -> Question:
        return self._as_spelling(who.name)

    def _initials(self, who: Resident) -> Question:
        return self._as_initials(who.name if len(who.name) > 2 else who.name + "华")

    def _employer(self, who: Resident) -> Question:
        number = who.employer or self.rng.randrange(residents.employers(self.persons))
        body = {"employer": {"credit_code": residents.credit_code(number)}, "name_prefix": who.name[:2]}
        return Question(body, "employer", str(residents.employer_id(number)))

    def _as_beginning(self, name: str) -> Question:
        key = SearchKey.NAME_PREFIX_2 if len(name) == 2 else SearchKey.NAME_PREFIX_3
        return Question({"name_prefix": name}, key.value, str(digest(self.keyring, key, name)))

    def _as_spelling(self, name: str) -> Question:
        syllables = PINYIN.syllables(name)
        value = digest(self.keyring, SearchKey.PINYIN, "".join(syllables))
        return Question({"pinyin": " ".join(syllables)}, SearchKey.PINYIN.value, str(value))

    def _as_initials(self, name: str) -> Question:
        initials = "".join(syllable[0] for syllable in PINYIN.syllables(name))
        return Question({"pinyin": initials}, SearchKey.INITIALS.value, str(digest(self.keyring, SearchKey.INITIALS, initials)))


@dataclass(frozen=True, slots=True)
class _Client:
    """An office that searches: of the whole city, or of a town, which sees one in nineteen."""

    office: Office
    division: str

    def call(self, question: Question) -> Call:
        """The question as a request of this office."""
        body = dict(question.body)
        if "division_code" in body and self.division != DIVISION:
            body["division_code"] = self.division
        headers = {"Authorization": f"Bearer {self.office.token()}"}
        return Call("POST", _PATH, headers, json.dumps(body).encode())


@dataclass(slots=True)
class _Kind:
    """One mix of questions, and what its rounds brought, the service's and the limit's."""

    name: str
    questions: Sequence[Question]
    cpu_us: list[tuple[float, float]] = field(default_factory=list)
    p95_ms: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    bare_p95_ms: list[float] = field(default_factory=list)
    bare_rate: list[float] = field(default_factory=list)

    def round(self, stage: Stage, clients: Sequence[_Client], *, seconds: float = _ROUND_S) -> None:
        """The service through the gateway, then asyncpg alone."""
        random.shuffle(asked := list(self.questions))
        calls = [clients[place % len(clients)].call(question) for place, question in enumerate(asked)]
        shared = {"X-Purpose": PURPOSE, "X-Actor": ACTOR}
        used = [
            (pids, cpu_s(pids)) for pids in ({stage.running.pids["registry"]}, with_children(stage.running.pids["postgres"]))
        ]
        load = drive(stage.gateway_url, calls, shared, connections=_CLIENTS, seconds=seconds)
        service, database = ((cpu_s(pids) - before) / load.answered * 1e6 for pids, before in used)
        self.cpu_us.append((service, database))
        self.p95_ms.append(load.p95_ms)
        self.rate.append(load.per_second)
        bare = _bare(stage.superuser_url("registry"), asked, seconds)
        self.bare_p95_ms.append(bare["p95_ms"])
        self.bare_rate.append(bare["per_second"])

    def figure(self, persons: int) -> Figure:
        """The time within which 19 of 20 searches are answered."""
        rates = f"{median(self.rate):.0f} searches/s, the limit {median(self.bare_rate):,.0f}/s"
        service, database = map(median, zip(*self.cpu_us, strict=True))
        cpu = f"CPU per search: service {service:.0f} µs, PostgreSQL {database:.0f} µs"
        return Figure(
            name=self.name,
            unit="ms (p95)",
            ours=median(self.p95_ms),
            limit=median(self.bare_p95_ms),
            limit_name="asyncpg alone, the same look-ups and rows",
            kind=Goal.AT_MOST,
            goal=_P95_MS,
            note=f"{persons:,} residents, {_CLIENTS} clients; {rates}; {cpu}",
        )


def measure(stage: Stage, persons: int) -> list[Figure]:
    """A random mix, and frequent names alone."""
    residents.fill(stage, persons)
    asker = _Asker(asyncio.run(_keyring(stage)), persons, random.Random(persons))
    kinds = [
        _Kind("search persons", [asker.anything() for _ in range(_QUESTIONS)]),
        _Kind("search frequent names", [asker.frequent() for _ in range(_QUESTIONS)]),
    ]
    clients = _clients(stage)
    asyncio.run(_same_found(stage, clients[0], [asker.plain() for _ in range(_CHECKED)]))
    for kind in kinds:
        _Kind(kind.name, kind.questions).round(stage, clients, seconds=1)  # to warm up
    for _ in range(_ROUNDS):
        for kind in kinds:
            kind.round(stage, clients)
    return [kind.figure(persons) for kind in kinds]


def _clients(stage: Stage) -> list[_Client]:
    """Every other one of the whole city."""
    divisions = [residents.TOWNS[place] if place % 2 else DIVISION for place in range(_CLIENTS)]
    return [
        _Client(stage.suite.office_of(f"search-{place}", division, list(SCOPES)), division)
        for place, division in enumerate(divisions)
    ]


async def _keyring(stage: Stage) -> Keyring:
    pool = await create_pool(stage.variable("REGISTRY__DATABASE_URL"), size=1, command_timeout=30, application="bench-search")
    try:
        return await open_keyring(pool, Path(stage.variable("REGISTRY__KEY_FILE")), Suite.AES_256_GCM)
    finally:
        await pool.close()


def _bare(url: str, questions: Sequence[Question], seconds: float) -> dict[str, float]:
    given = {
        "url": url,
        "questions": [(question.way, question.value) for question in questions],
        "connections": _CLIENTS,
        "seconds": seconds,
    }
    command = [sys.executable, "-m", "bench.bare_searcher"]
    done = subprocess.run(command, cwd=ROOT, input=json.dumps(given), capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


async def _same_found(stage: Stage, client: _Client, questions: Sequence[Question]) -> None:
    """Raise `RuntimeError` unless the city's client finds whom the bare look-up finds."""
    headers = {"Authorization": f"Bearer {client.office.token()}", "X-Purpose": PURPOSE, "X-Actor": ACTOR}
    connection = await asyncpg.connect(stage.superuser_url("registry"))
    async with httpx.AsyncClient(base_url=stage.gateway_url, headers=headers) as http:
        for question in questions:
            answer = await http.post(_PATH, json=dict(question.body))
            answer.raise_for_status()
            found = [item["person_id"] for item in answer.json()["items"]]
            rows = await connection.fetch(STATEMENTS[question.way].sql, value_of(question.way, question.value))
            looked_up = [str(row["person_id"]) for row in rows]
            if not found or found != looked_up[: len(found)] or len(found) < len(looked_up) - 1:
                raise RuntimeError(f"{question.way}: the service finds {len(found)}, the look-up {len(looked_up)}")
    await connection.close()
