"""The authorisation matrix: every published operation under every wrong credential, with real objects behind the routes.

It is generated: the operations come from the route table and the merged OpenAPI, what each demands from its `x-xinshimin`. A
new route is in it as soon as it is published, and a route without a policy fails here.
"""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from gateway.routes import load_routes
from gateway.sandbox import CLOCK_PATH
from tests.hostile.forging import STRANGER, Forge
from tests.hostile.operations import PUBLIC, Published
from tests.hostile.people import COUNTY_BESIDE, PURPOSE, TOWN_BESIDE, VILLAGE_BELOW, City, problem, request
from tests.journeys.suite import Office

PERSONS = {("person_id", "related_person_id"), ("person_id", "duplicate_person_id")}  # who are persons, too
# A simulation has the id of the operation that made it, so that whoever asked for it knows where it will be.
SIMULATIONS = {("simulation_id", "points:operation_id"), ("operation_id", "simulation_id")}
OPEN = {"POST /oauth/token"}
"""Published operations without a policy: whoever calls them is only about to prove who they are."""
ROUTES = load_routes()
OWN = ("GET " + CLOCK_PATH, "PUT " + CLOCK_PATH)
NAMES = (*(route.name for route in ROUTES), *OWN)
NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Outsiders:
    """Offices with every scope that have no business with the town's residents, one short of purposes, one revoked."""

    elsewhere: dict[str, Office]
    narrow: Office
    revoked: str


@pytest.fixture(scope="module")
def outsiders(city: City) -> Outsiders:
    gone = city.office(TOWN_BESIDE)
    token = gone.token()
    city.revoke(gone)
    _wait_until_refused(city, token)
    places = {"town beside": TOWN_BESIDE, "village below": VILLAGE_BELOW, "county beside": COUNTY_BESIDE}
    elsewhere = {name: city.office(division) for name, division in places.items()}
    return Outsiders(elsewhere, city.office(TOWN_BESIDE, purposes=["school_admission"]), token)


def _wait_until_refused(city: City, token: str) -> None:
    """A revoked client is believed for the cache's few seconds."""
    any_read = city.operation("GET", "/v1/residence-registrations")
    for _ in range(80):
        if request(city, any_read, token, any_read.path, None).status_code == 401:
            return
        time.sleep(0.1)
    raise AssertionError("a revoked client is still inside")


Forged = Callable[[Forge, Outsiders], str | None]

_TOKENS: dict[str, tuple[Forged, str]] = {
    "no token": (lambda f, o: None, "unauthenticated"),
    "malformed": (lambda f, o: "x.y.z", "token-invalid"),
    "expired": (lambda f, o: f.access_token(exp=int(time.time()) - 1), "token-invalid"),
    "wrong issuer": (lambda f, o: f.access_token(iss="https://elsewhere.test"), "token-invalid"),
    "wrong audience": (lambda f, o: f.access_token(aud="registry"), "token-invalid"),
    "wrong signature": (lambda f, o: f.access_token(key=STRANGER), "token-invalid"),
    "unknown client": (lambda f, o: f.access_token(client_id="client-nobody"), "token-invalid"),
    "another client's credential": (lambda f, o: f.access_token(credential=str(uuid.uuid4())), "token-invalid"),
    "inside token": (lambda f, o: f.inside_token("registry"), "token-invalid"),
    "revoked client": (lambda f, o: o.revoked, "token-invalid"),
}


def _cases(
    city: City, operation: Published, forge: Forge, outsiders: Outsiders
) -> Iterator[tuple[str, httpx.Response, int, str]]:
    """Case, answer, expected status, expected problem. Everything but the named thing is right."""
    policy, good = operation.policy, forge.access_token()
    target, body = operation.target(city.known), operation.body(city.known)

    def ask(token: str | None, **headers: str | None) -> httpx.Response:
        return request(city, operation, token, target, body, **headers)  # type: ignore[no-any-return]

    for name, (make, code) in _TOKENS.items():
        yield name, ask(make(forge, outsiders)), 401, code
    others = " ".join(sorted(set(forge.good["scope"].split()) - {policy["scope"]}))
    yield "scope missing", ask(forge.access_token(scope=others)), 403, "scope-missing"
    if policy["purpose"]:
        yield "purpose missing", ask(good, **{"x-purpose": None}), 400, "purpose-required"
        yield "purpose malformed", ask(good, **{"x-purpose": "Residence Registration"}), 400, "purpose-required"
        yield "purpose not allowed", ask(outsiders.narrow.token()), 403, "purpose-not-allowed"
    if policy["actor"]:
        yield "actor missing", ask(good, **{"x-actor": None}), 403, "actor-required"
        yield "actor malformed", ask(good, **{"x-actor": "a b"}), 400, "actor-invalid"
        forged = {"x-actor": None, "x-actor-assertion": forge.access_token()}
        yield "actor by another token", ask(good, **forged), 403, "actor-assertion-invalid"


@pytest.mark.parametrize("name", NAMES)
def test_no_wrong_credential_opens_a_route(city: City, forge: Forge, outsiders: Outsiders, name: str) -> None:
    operation = city.operations[name]
    wrong = [
        f"{case}: {answer.status_code} {problem(answer)}, not {status} {code}"
        for case, answer, status, code in _cases(city, operation, forge, outsiders)
        if (answer.status_code, problem(answer)) != (status, code)
    ]
    assert not wrong, operation.name + "\n" + "\n".join(wrong)


PUBLISHED = {
    "GET /v1/points/rounds/{round_id}/notice": {"application_id"},
    "POST /v1/points/rounds/{round_id}/objections": {"round_id", "application_id"},
    "GET /v1/points/rounds/{round_id}/objections": {"round_id", "application_id"},
}
"""A published list is public, and any window takes objections to it (P-25, P-26): what of the town such an answer may name.
Never whose place it is, nor what was said at another window.
"""


@pytest.mark.parametrize("name", NAMES)
def test_nobody_elsewhere_learns_anything(city: City, outsiders: Outsiders, name: str) -> None:
    """Another division's object looks exactly like one that does not exist, and no answer holds an id of it."""
    operation = city.operations[name]
    nobody = {kind: str(uuid.uuid4()) for kind in city.known}
    for place, office in outsiders.elsewhere.items():
        real = request(city, operation, office.token(), operation.target(city.known), operation.body(city.known))
        if name in PUBLISHED:
            assert real.is_success, (place, real.text)
            named = {kind for kind, value in city.known.items() if value in real.text}
            assert named <= PUBLISHED[name], (place, named, real.text)
            continue
        if operation.refers_to(city.known):
            absent = request(city, operation, office.token(), operation.target(nobody), operation.body(nobody))
            assert (real.status_code, problem(real)) == (absent.status_code, problem(absent)), (place, real.text, absent.text)
            assert without_ids(real) == without_ids(absent), place
            assert real.status_code in {403, 404}, (place, real.text)
        leaked = [kind for kind, value in city.known.items() if value in real.text]
        assert not leaked, (place, leaked, real.text)


def test_nobody_elsewhere_changes_anything(city: City, outsiders: Outsiders) -> None:
    """Every act on the town's objects, tried from elsewhere, leaves each object of the town at its version."""
    assert not _changed_by(city, outsiders.elsewhere.values())


def _changed_by(city: City, offices: Iterable[Office]) -> set[str]:
    """The reads that show another version after every act of every office."""
    acts = [each for each in city.operations.values() if each.policy.get("writes") and each.refers_to(city.known)]
    assert len(acts) > 40
    before = versions(city)
    for office in offices:
        for each in acts:
            request(city, each, office.token(), each.target(city.known), each.body(city.known))
    after = versions(city)
    return {name for name, etag in before.items() if after[name] != etag}


@pytest.mark.parametrize("name", [each for each in NAMES if "{" in each])
def test_an_id_of_another_kind_is_no_object(city: City, forge: Forge, name: str) -> None:
    """A person's id where a permit's belongs opens nothing, even to who may see both."""
    operation = city.operations[name]
    for parameter in sorted(set(operation.parameters) - PUBLIC.keys()):
        key = operation.key_of(parameter, city.known)
        for other, value in city.known.items():
            if other == key or (parameter, other) in PERSONS | SIMULATIONS:
                continue
            confused = city.known | {key: value}
            answer = request(city, operation, forge.access_token(), operation.target(confused), operation.body(city.known))
            assert answer.status_code == NOT_FOUND, (parameter, other, answer.text)


def test_an_act_from_elsewhere_that_changes_something_is_found(city: City) -> None:
    """The planted defect: the town's own office passes for one elsewhere. After what looks at things as they were made."""
    assert _changed_by(city, [city.owner])


@pytest.mark.parametrize("name", NAMES)
def test_the_right_credential_opens_it(city: City, forge: Forge, name: str) -> None:
    """The matrix is worth something only because the same requests pass when nothing is wrong with them.

    Runs last in this file: some of these acts end what they act on.
    """
    operation = city.operations[name]
    target, body = operation.target(city.known), operation.body(city.known)
    answer = request(city, operation, forge.access_token(), target, body)
    expected = {200, 201, 202, 204, 303} | ({409, 412, 422} if operation.policy["writes"] else set())
    if operation.path.endswith("/resolve"):
        expected.add(NOT_FOUND)  # the example names nobody on the register
    if operation.path.endswith("/unmerge"):
        expected.add(NOT_FOUND)  # nobody was merged
    if operation.path.endswith("/withdraw"):
        expected.add(403)  # `proposal-of-another`: only who proposed it takes it back
    if operation.path.endswith("-force"):
        expected.add(403)  # `division-out-of-scope`: law is made by the county, and this is the town's office
    # An act before it may have ended the registration, and then the person is seen and no longer held.
    assert answer.status_code in expected or problem(answer) == "person-not-held", answer.text


def test_every_published_operation_has_a_policy(city: City) -> None:
    without = {name for name, each in city.operations.items() if not each.policy}
    assert without == OPEN


def test_every_route_of_the_table_is_published_with_the_policy_of_the_table(city: City) -> None:
    published = {name: each.policy for name, each in city.operations.items() if each.policy}
    assert published.keys() == set(NAMES)
    for route in ROUTES:
        policy = published[route.name]
        assert (policy["scope"], policy["purpose"], policy["actor"]) == (route.scope, route.purpose, route.actor), route.name


_INSIDE: dict[str, tuple[Callable[[Forge, str], str | None], int]] = {
    "no token": (lambda f, s: None, 401),
    "an access token": (lambda f, s: f.access_token(), 401),
    "another service's": (lambda f, s: f.inside_token("somebody_else"), 401),
    "expired": (lambda f, s: f.inside_token(s, iat=int(time.time()) - 90, exp=int(time.time()) - 30), 401),
    "a long life": (lambda f, s: f.inside_token(s, exp=int(time.time()) + 3600), 401),
    "wrong issuer": (lambda f, s: f.inside_token(s, iss="somebody"), 401),
    "wrong signature": (lambda f, s: f.inside_token(s, key=STRANGER), 401),
    "access key": (lambda f, s: f.inside_token(s, key=f.access, header={"kid": f.access.kid}), 401),
    "access type": (lambda f, s: f.inside_token(s, header={"typ": "at+jwt"}), 401),
    "no scope": (lambda f, s: f.inside_token(s, scp=[]), 403),
    "no purpose": (lambda f, s: f.inside_token(s, pur=None), 400),
    "no actor": (lambda f, s: f.inside_token(s, act=None), 403),
}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_a_service_believes_nobody_but_the_gateway(city: City, forge: Forge, route: Any) -> None:
    """The same at the service's own port: whoever gets past the gateway has got nowhere."""
    operation = city.operation(route.method, route.path)
    url = city.running["urls"][route.service] + operation.target(city.known)
    spoken = {"x-purpose": PURPOSE, "x-actor": "officer-0017", "idempotency-key": str(uuid.uuid4()), "if-match": '"1"'}
    for name, (make, status) in _INSIDE.items():
        if (name == "no actor" and not route.actor) or (name == "no purpose" and not route.purpose):
            continue
        token = make(forge, route.service)
        headers = spoken | ({"authorization": f"Bearer {token}"} if token else {})
        answer = city.suite.http.request(route.method, url, headers=headers, content=operation.body(city.known))
        assert answer.status_code == status, (name, answer.text)


def versions(city: City) -> dict[str, str | None]:
    """The version of everything the town's office can read."""
    reads = {name: each for name, each in city.operations.items() if each.method == "GET" and each.parameters}
    return {
        name: request(city, each, city.owner.token(), each.target(city.known), None).headers.get("etag")
        for name, each in reads.items()
    }


def without_ids(answer: httpx.Response) -> Any:
    """A problem document without what differs from answer to answer."""
    return {name: value for name, value in answer.json().items() if name not in {"request_id"}}


def test_a_route_that_asks_for_another_scope_is_found(city: City, forge: Forge, outsiders: Outsiders) -> None:
    """The planted defect: the service demands another scope than its description says."""
    operation = city.operation("GET", "/v1/persons/{person_id}")
    described = replace(operation, policy={**operation.policy, "scope": "registry.permit.read", "actor": True})
    wrong = {case for case, answer, status, _ in _cases(city, described, forge, outsiders) if answer.status_code != status}
    assert wrong == {"scope missing", "actor missing"}


def test_a_division_that_sees_too_much_is_found(city: City, outsiders: Outsiders) -> None:
    """The planted defect: an office elsewhere that sees the town's people, as the town's own office does."""
    seeing = replace(outsiders, elsewhere={"the town itself": city.owner})
    for name in ("GET /v1/persons/{person_id}", "GET /v1/residence-registrations", "GET /v1/registry/changes"):
        with pytest.raises(AssertionError):
            test_nobody_elsewhere_learns_anything(city, seeing, name)
