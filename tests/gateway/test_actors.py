"""Who acts: an officer the client vouches for with its key, or in a sandbox simply names."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import httpx
import pytest
from joserfc.jwk import ECKey

from services.chassis.db import Pool
from tests.gateway.conftest import ISSUER, PERSON, RunGateway, bearer, new_client
from tests.gateway.signing import Signer

ISSUE = "/v1/residence-permits/0192f0c1-0000-7000-8000-000000000002/issue"
SUSPEND = "/v1/residence-permits/0192f0c1-0000-7000-8000-000000000002/suspend"
STRANGER = ECKey.generate_key("P-256", auto_kid=True)


@dataclass(slots=True)
class Office:
    """A client outside the sandbox, its token and its gateway."""

    url: str
    signer: Signer
    token: str


@pytest.fixture(scope="module")
async def office(http: httpx.AsyncClient, run_gateway: RunGateway, pool: Pool) -> AsyncIterator[Office]:
    signer = Signer("")
    created = await new_client(
        pool, sandbox=False, purposes=["residence_registration"], public_key_jwk=signer.key.as_dict(private=False)
    )
    signer.client_id = created.client_id
    with run_gateway(sandbox=False) as url:
        answer = await http.post(
            f"{url}/oauth/token",
            data={
                "grant_type": "client_credentials",
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": signer.client_assertion(),
            },
        )
        yield Office(url, signer, answer.json()["access_token"])


async def act(
    http: httpx.AsyncClient, office: Office, *, path: str = ISSUE, key: str = '"k1"', **headers: str
) -> httpx.Response:
    return await http.post(office.url + path, headers=bearer(office.token, idempotency_key=key, **headers), json={})


async def test_an_asserted_officer_reaches_the_service(http: httpx.AsyncClient, office: Office) -> None:
    answer = await act(http, office, x_actor_assertion=office.signer.actor_assertion())
    assert answer.status_code == 200, answer.text
    assert answer.json()["principal"]["actor"] == "officer-7"
    names = [name for name, _ in answer.json()["headers"]]
    assert not any(name.startswith("x-actor") for name in names)


async def test_an_act_without_an_officer_is_refused(http: httpx.AsyncClient, office: Office) -> None:
    for headers in ({}, {"x_actor": "officer-7"}):
        answer = await act(http, office, **headers)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:xinshimin:problem:actor-required")


async def test_where_no_officer_is_needed_one_is_heard_all_the_same(http: httpx.AsyncClient, office: Office) -> None:
    without = await http.get(office.url + PERSON, headers=bearer(office.token))
    assert without.json()["principal"]["actor"] is None
    asserted = bearer(office.token, x_actor_assertion=office.signer.actor_assertion())
    assert (await http.get(office.url + PERSON, headers=asserted)).json()["principal"]["actor"] == "officer-7"


async def test_an_assertion_vouches_for_one_act_and_its_retries(http: httpx.AsyncClient, office: Office) -> None:
    assertion = office.signer.actor_assertion()
    assert (await act(http, office, key='"k9"', x_actor_assertion=assertion)).status_code == 200
    assert (await act(http, office, key='"k9"', x_actor_assertion=assertion)).status_code == 200
    assert (await act(http, office, key="k9", x_actor_assertion=assertion)).status_code == 200
    another_key = await act(http, office, key='"k10"', x_actor_assertion=assertion)
    another_act = await act(http, office, path=SUSPEND, key='"k9"', x_actor_assertion=assertion)
    for answer in (another_key, another_act):
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:xinshimin:problem:actor-assertion-invalid")


_BAD: dict[str, Callable[[Signer], str]] = {
    "no JWT": lambda _: "officer-7",
    "another key": lambda s: s.actor_assertion(key=STRANGER),
    "jwk in the header": lambda s: s.actor_assertion(
        key=STRANGER, header={"jwk": STRANGER.as_dict(private=False), "kid": None}
    ),
    "typ JWT": lambda s: s.actor_assertion(header={"typ": "JWT"}),
    "a client assertion": lambda s: s.client_assertion(sub="officer-7", org=s.organisation),
    "another organisation": lambda s: s.actor_assertion(org="other-bureau"),
    "no organisation": lambda s: s.actor_assertion(org=None),
    "no officer": lambda s: s.actor_assertion(sub=None),
    "officer with a space": lambda s: s.actor_assertion(sub="officer 7"),
    "officer in Chinese": lambda s: s.actor_assertion(sub="王警官"),
    "officer with a line feed": lambda s: s.actor_assertion(sub="a\nb"),
    "officer too long": lambda s: s.actor_assertion(sub="o" * 65),
    "somebody else's audience": lambda s: s.actor_assertion(aud="https://elsewhere.test"),
    "two audiences": lambda s: s.actor_assertion(aud=[ISSUER, "https://elsewhere.test"]),
    "no audience": lambda s: s.actor_assertion(aud=None),
    "too old": lambda s: s.actor_assertion(iat=int(time.time()) - 400),
    "from the future": lambda s: s.actor_assertion(iat=int(time.time()) + 120),
    "no iat": lambda s: s.actor_assertion(iat=None),
    "no jti": lambda s: s.actor_assertion(jti=None),
    "expired": lambda s: s.actor_assertion(exp=int(time.time()) - 1),
}


@pytest.mark.parametrize("name", _BAD)
async def test_a_bad_assertion_is_refused(http: httpx.AsyncClient, office: Office, name: str) -> None:
    answer = await act(http, office, x_actor_assertion=_BAD[name](office.signer))
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:xinshimin:problem:actor-assertion-invalid"), answer.text


@pytest.mark.parametrize("actor", ["", "two words", "x" * 65, "tab\there"])
async def test_in_a_sandbox_a_malformed_name_is_refused(http: httpx.AsyncClient, gateway: str, token: str, actor: str) -> None:
    answer = await http.post(gateway + ISSUE, headers=bearer(token, x_actor=actor), json={})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:xinshimin:problem:actor-invalid")


async def test_in_a_sandbox_an_act_still_needs_an_officer(http: httpx.AsyncClient, gateway: str, token: str) -> None:
    answer = await http.post(gateway + ISSUE, headers=bearer(token), json={})
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:xinshimin:problem:actor-required")
    named = await http.post(gateway + ISSUE, headers=bearer(token, x_actor="officer-7"), json={})
    assert named.json()["principal"]["actor"] == "officer-7"
