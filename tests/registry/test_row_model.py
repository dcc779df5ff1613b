"""A thousand random clients, days and questions against a model of who may see whom (issue 4, point 8).

A difference is told with everything needed to ask again. The model is `row_model.py`, the city `row_city.py`, the questions
and the model's answers `row_queries.py`.
"""

import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.chassis.attachments import housekeeping as attachments_kept
from services.chassis.long_work import housekeeping as operations_kept
from services.registry.app import DEFINITION
from tests.conftest import Database, MakeDatabase
from tests.registry.conftest import Office, expect
from tests.registry.row_city import DIVISIONS, LAST_DAY, TOWNS, City, caller_of, found
from tests.registry.row_model import FIELD_SCOPES, Client, Hold, Model, is_within, two_years_after
from tests.registry.row_queries import ELSEWHERE, NOBODY, QUERIES, Asking, Query
from tests.registry.test_field_visibility import settled
from tests.running import InsideKeys, running_service
from tests.servers import Servers
from tests.test_architecture import document

ASKED_UNTIL = date(2025, 6, 30)
SHOWN = [frozenset(some) for count in range(4) for some in combinations(sorted(FIELD_SCOPES), count)]
_READING_POSTS = ("/search", "/resolve", "/query", "/assess")


@pytest.fixture(scope="module")
def database(make_database: MakeDatabase) -> Database:
    """A database of its own: lists are compared whole."""
    return make_database("registry", DEFINITION.migrations)


@pytest.fixture(scope="module")
async def city(servers: Servers, database: Database, key_file: Path, inside_keys: InsideKeys) -> AsyncIterator[City]:
    """A registry with the city in it, where no job adds or takes anything: the clock goes to and fro."""
    with pytest.MonkeyPatch.context() as patched:
        for keeping in (attachments_kept, operations_kept):
            patched.setattr(keeping, "JOBS", ())
        async with running_service(
            replace(DEFINITION, jobs=()),
            database_url=database.application_url,
            nats_url=servers.nats_url_of("registry"),
            key_file=key_file,
            keys=inside_keys,
        ) as service:
            yield await found(Office(service), seed=4)


class DifferenceError(AssertionError):
    """Registry and model differ."""


@dataclass(slots=True)
class Checker:
    """Asks the registry, and compares with the model."""

    city: City
    rng: random.Random
    answered: Counter[int] = field(default_factory=Counter)

    def triple(self, route: str | None = None) -> tuple[str, Client, date, Query]:
        """A random client, day and question. Of two questions about something one is asked by a client it has to do with, and
        one of two about the day on which it goes out of somebody's sight.
        """
        rng, model = self.rng, self.city.model
        route, seed = route or rng.choice(list(QUERIES)), rng.random()
        division = rng.choice(DIVISIONS)
        on = LAST_DAY + timedelta(days=rng.randrange(1, (ASKED_UNTIL - LAST_DAY).days))
        about = QUERIES[route](Asking(model, Client("", division), on, random.Random(seed))).about
        holds = self._holds(about)
        if holds and rng.random() < 0.5:
            division = rng.choice(holds).division
        days = [day for hold in holds if hold.until and (day := two_years_after(hold.until)) > LAST_DAY + timedelta(days=1)]
        if days and rng.random() < 0.5:
            on = rng.choice(days) + timedelta(days=rng.choice([-1, 0, 0, 1]))
        who = Client(rng.choice([f"client-{division}", "colleague"]), division, rng.choice(SHOWN))
        return route, who, on, QUERIES[route](Asking(model, who, on, random.Random(seed)))

    def _holds(self, thing_id: str) -> list[Hold]:
        """Divisions it has to do with, and until when; of everything, for a question about nothing alone."""
        model = self.city.model
        things = [model.things[thing_id]] if thing_id in model.things else [] if thing_id else list(model.things.values())
        persons = {person_id for thing in things for person_id in thing.persons} | ({thing_id} & model.persons.keys())
        own = [Hold(thing.division, thing.ended_on) for thing in things if thing.division]
        return own + [hold for person_id in sorted(persons) for hold in model.holders(person_id)]

    async def check(self, route: str | None = None) -> None:
        """One triple; raises `DifferenceError`."""
        route, who, on, query = self.triple(route)
        with self.city.office.on(on):
            answers = await self._asked(who, query)
            self.answered[answers[0].status_code] += 1
            differences = [f"{answer.status_code} instead of {query.status}: {answer.text[:300]}" for answer in answers[:1]]
            differences = differences if answers[0].status_code != query.status else []
            if not differences and query.status == 404 and query.about:
                differences += await self._unlike_nobody(who, query, answers[0])
            if not differences and query.ids is not None:
                differences += self._list_differences(query, answers)
            text = "".join(answer.text for answer in answers if "json" in answer.headers["content-type"])
            kept = self.city.model.secrets_kept_from(who, on)
            differences += [f"{whose} is told: {value}" for whose, value in kept if value in text]
        if differences:
            raise DifferenceError(f"{route} by {who} on {on}: {query}\n" + "\n".join(differences))

    async def _asked(self, who: Client, query: Query) -> list[httpx.Response]:
        """Every page of the answer."""
        caller = caller_of(self.city.office, who)
        if query.ids is None:
            return [await caller.call(query.method, query.path, params=query.parameters or None)]
        pages: list[httpx.Response] = []
        if not query.is_paged:
            return [await caller.post(query.path, query.body)]
        asked: dict[str, Any] = {"limit": self.rng.choice([1, 3, 7, 50, 200])}
        while True:
            if query.body is not None:
                page = await caller.post(query.path, query.body | asked)
            else:
                path, _, given = query.path.partition("?")
                first = dict([given.split("=")]) if given else {}
                page = await caller.get(path, params=first | query.parameters | asked)
            pages.append(page)
            if page.status_code != 200 or not page.json()["next_cursor"]:
                return pages
            if len(page.json()["items"]) != asked["limit"]:
                raise DifferenceError(f"a page that is not full is not the last: {query}")
            asked["cursor"] = page.json()["next_cursor"]

    async def _unlike_nobody(self, who: Client, query: Query, hidden: httpx.Response) -> list[str]:
        """How the answer about what is hidden differs from that about what never was."""
        never_was = Query(query.method, query.path.replace(query.about, NOBODY), 404, parameters=query.parameters)
        (missing,) = await self._asked(who, never_was)
        told, untold = [{**answer.json(), "request_id": ""} for answer in (hidden, missing)]
        heads = [set(answer.headers) for answer in (hidden, missing)]
        same = told == untold and heads[0] == heads[1] and hidden.status_code == missing.status_code
        return [] if same else [f"not like what never was: {told} {untold}"]

    def _list_differences(self, query: Query, answers: list[httpx.Response]) -> Iterator[str]:
        """Ids too many, too few, or twice; and an empty last page, which tells that something is hidden."""
        assert query.ids is not None
        listed = [item[query.id_field] for answer in answers for item in answer.json()["items"]]
        if len(listed) != len(set(listed)):
            yield f"something is listed twice: {listed}"
        if more := set(listed) - query.ids:
            yield f"the model does not show {sorted(more)}"
        if less := query.ids - set(listed):
            yield f"the model shows {sorted(less)} too"
        if len(answers) > 1 and not answers[-1].json()["items"]:
            yield "an empty page follows a full one"


def test_every_operation_that_reads_is_asked() -> None:
    reading = {
        f"{method.upper()} {path}"
        for path, operations in document("registry")["paths"].items()
        for method in operations
        if method == "get" or (method == "post" and path.endswith(_READING_POSTS))
    } | {"GET /v1/registry/changes", "GET /v1/registry/audit/checkpoints"}
    assert reading == QUERIES.keys() | ELSEWHERE.keys()
    assert not QUERIES.keys() & ELSEWHERE.keys()


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 5))])
async def test_two_hundred_triples_are_answered_as_the_model_says(city: City, seed: int) -> None:
    checker = Checker(city, random.Random(seed))
    for _ in range(200):
        await checker.check()
    assert min(checker.answered[200], checker.answered[404]) >= 40, "half of the questions are in vain"


@pytest.mark.parametrize("route", ["stays/{stay_id}", "registry/attachments/{attachment_id}", "merge-conflicts"])
async def test_what_was_once_seen_too_long_or_by_too_many(city: City, route: str) -> None:
    """Regressions: migration 0017."""
    checker = Checker(city, random.Random(17))
    for _ in range(60):
        await checker.check(f"GET /v1/{route}")


async def test_an_employers_own_client_is_shown_its_own_people_and_nothing_else(city: City) -> None:
    checker, model = Checker(city, random.Random(18)), city.model
    for number, route in enumerate([*QUERIES] * 2):
        employer = model.of_kind("employer")[number % len(model.of_kind("employer"))]
        own = {work.thing_id for work in model.of_kind("employment") if work.of == employer.thing_id} | {employer.thing_id}
        _, _, on, query = checker.triple(route)
        with city.office.on(on):
            unit = city.office.caller(employer.division, client="portal", organisation=f"unit:{employer.of}")
            body = {"json": query.body} if query.body else {}
            answer = await unit.call(query.method, query.path, params=query.parameters or None, **body)
        if answer.status_code == 200:
            shown = [item[query.id_field] for item in answer.json()["items"]] if query.ids is not None else [query.about]
            assert set(shown) <= own, (route, employer)
        else:
            assert answer.status_code in {403, 404}, (route, answer.text)
        told = [whose for whose, value in model.secrets_kept_from(Client("portal", "nowhere"), on) if value in answer.text]
        assert not told, (route, told)


async def test_a_landlords_own_client_is_shown_its_homes_and_guests_and_nothing_else(city: City) -> None:
    checker, model = Checker(city, random.Random(20)), city.model
    for number, route in enumerate([*QUERIES] * 3):
        landlord = model.of_kind("landlord")[number % len(model.of_kind("landlord"))]
        homes = {home.thing_id for home in model.of_kind("premises") if home.of == landlord.thing_id}
        own = {stay.thing_id for stay in model.of_kind("stay") if stay.of in homes} | homes | {landlord.thing_id}
        _, _, on, query = checker.triple(route)
        with city.office.on(on):
            unit = city.office.caller(landlord.division, client="portal", organisation=f"unit:{landlord.thing_id}")
            body = {"json": query.body} if query.body else {}
            answer = await unit.call(query.method, query.path, params=query.parameters or None, **body)
        if answer.status_code == 200:
            shown = [item[query.id_field] for item in answer.json()["items"]] if query.ids is not None else [query.about]
            assert set(shown) <= own, (route, landlord)
        else:
            assert answer.status_code in {403, 404}, (route, answer.text)
        secrets = model.secrets_kept_from(Client("portal", "nowhere"), on)
        told = [whose for whose, value in secrets if value in answer.text and whose.rpartition(" ")[2] not in own]
        assert not told, (route, told)


async def test_followers_are_told_of_whom_they_see(city: City) -> None:
    """Every division that ever held a person follows it, and nobody else.

    Homes, landlords and employers are followed where they lie.
    """
    model, office = city.model, city.office
    await settled(office)
    for division in DIVISIONS:
        followed: set[str] = set()
        page: dict[str, Any] = {"next": "", "more": True}
        while page["more"]:
            page = expect(await office.caller(division).get(f"/v1/registry/changes?limit=200&after={page['next']}"), 200)
            followed |= {item["partitionkey"] for item in page["items"] if item["type"].split(".")[1] not in _TOLD_ELSEWHERE}
        ever = {
            person_id
            for person_id in model.persons
            if any(is_within(hold.division, division) for hold in model.holders(person_id))
        }
        alone = {each for each in ever if any(is_within(hold.division, division) for hold in model.persons[each].holds)}
        things = {
            each.thing_id
            for kind in ("premises", "landlord", "employer")
            for each in model.of_kind(kind)
            if is_within(each.division, division)
        }
        assert alone | things <= followed <= ever | things | _parted(model), division


# Also the division of the home or of the employer is told of these, which holds nobody by it.
_TOLD_ELSEWHERE = {"stay", "employment", "notice", "relationship"}


def _parted(model: Model) -> set[str]:
    """Ids that were one human for a while."""
    return {person_id for merge in model.of_kind("merge") for person_id in merge.persons}


async def test_moving_between_towns_always_works(city: City) -> None:
    """A town that sees nothing of a person resolves it, registers it, and sees it from then on; the model goes along."""
    rng, model, on = random.Random(19), city.model, LAST_DAY + timedelta(days=1)
    moved = 0
    for person in [each for each in model.persons.values() if not each.canonical_id and each.deleted_for is None]:
        town = rng.choice(TOWNS)
        client = Client("colleague", town)
        if moved == 6 or len(model.ids_of_human(person.person_id)) > 1 or model.sees_person(client, person.person_id, on):
            continue
        await city.resolve(person, town)
        await city.register(person, town, on, by=town)
        with city.office.on(on):
            expect(await caller_of(city.office, client).get(f"/v1/persons/{person.person_id}"), 200)
        moved += 1
    assert moved == 6
    checker = Checker(city, rng)
    for _ in range(100):
        await checker.check()
