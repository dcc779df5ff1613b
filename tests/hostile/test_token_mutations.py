"""Ten thousand mutations of good tokens: refused everywhere, or provably the same token in another spelling.

At the four places that verify: access tokens and the two kinds of assertions at the gateway, the inside token at a service. No
mutation is signed by the real key, so whatever passes must carry the very header and claims that were signed.
"""

import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from gateway.assertions import read_actor_assertion, read_client_assertion
from gateway.auth import AccessTokens
from gateway.directory import ClientRecord
from gateway.keys import TokenError
from gateway.tokens import unverified_subject
from services.chassis.auth import InsideTokens
from services.chassis.errors import DomainError
from tests.gateway.conftest import ISSUER
from tests.gateway.signing import Signer, signed
from tests.hostile.forging import Forge
from tests.hostile.mutations import MUTATIONS, ODD_NUMBERS, ODD_TEXTS, Good, content_of, mutated
from tests.hostile.people import PURPOSE, City

SEED = 20260722
Verify = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Door:
    """A place that verifies: its good token and how it refuses."""

    good: Good
    verify: Verify


class RefusedError(Exception):
    """The verifier said no, in its own way."""


def _refusing(verify: Callable[[str], Any]) -> Verify:
    def asked(token: str) -> object:
        try:
            return verify(token)
        except (DomainError, TokenError) as error:
            raise RefusedError from error

    return asked


@pytest.fixture(scope="module")
def client() -> tuple[Signer, ClientRecord]:
    """A client with one key, as the gateway's directory holds it."""
    signer = Signer("client-mutant")
    record = ClientRecord(
        client_id=signer.client_id,
        organisation=signer.organisation,
        division_code="330282",
        scopes=frozenset({"registry.person.read"}),
        purposes=frozenset({"*"}),
        sandbox=False,
        secrets={},
        keys={str(signer.key.kid): signer.key},
        credentials=frozenset({signer.key.thumbprint()}),
    )
    return signer, record


@pytest.fixture(scope="module")
def doors(client: tuple[Signer, ClientRecord], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Door]:
    """The four verifiers, each with a token it takes."""
    key = ECKey.generate_key("P-256", auto_kid=True)
    jwks = tmp_path_factory.mktemp("mutants") / "inside.jwks.json"
    jwks.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    signer, record = client
    now = int(time.time())
    access = AccessTokens({str(key.kid): key}, ISSUER)
    life = {"iat": now, "exp": now + 50}
    issued = {"iss": ISSUER, "aud": ISSUER, "client_id": "c", "credential": "k", "scope": "a.b", "exp": now + 3600}
    inside = {"iss": "xinshimin-gateway", "aud": "registry", "sub": "c", "org": "o", "div": "3302", "scp": ["a.b"], **life}

    def made(typ: str, claims: dict[str, Any]) -> Good:
        return Good(signed({"alg": "ES256", "typ": typ, "kid": key.kid}, claims, key), key)

    def client_door(token: str) -> object:
        unverified_subject(token)
        return read_client_assertion(token, record, issuer=ISSUER, now=now)

    services = InsideTokens.load(Path(jwks), "registry")
    return {
        "access": Door(made("at+jwt", issued), _refusing(lambda t: access.session(b"Bearer " + t.encode()))),
        "inside": Door(made("inside+jwt", inside), _refusing(lambda t: services.principal(f"Bearer {t}"))),
        "client": Door(Good(signer.client_assertion(), signer.key), _refusing(client_door)),
        "actor": Door(
            Good(signer.actor_assertion(), signer.key),
            _refusing(lambda t: read_actor_assertion(t, record, issuer=ISSUER, now=now)),
        ),
    }


def _is_the_same(token: str, good: Good) -> bool:
    parts = token.split(".")
    return len(parts) == 3 and content_of(parts[0]) == good.header and content_of(parts[1]) == good.claims


def _attack(door: Door, count: int) -> Counter[str]:
    """How many of each kind were tried; raises for one that passes and is another token, and for any other exception."""
    tried: Counter[str] = Counter()
    for name, token in itertools.islice(mutated(door.good, SEED), count):
        tried[name] += 1
        try:
            door.verify(token)
        except RefusedError:
            continue
        assert _is_the_same(token, door.good), (name, token)
    return tried


@pytest.mark.parametrize("name", ["access", "inside", "client", "actor"])
def test_no_mutation_opens_a_door(doors: dict[str, Door], name: str) -> None:
    door = doors[name]
    door.verify(door.good.token)
    tried = _attack(door, 2_500)
    assert tried.keys() == MUTATIONS.keys()
    door.verify(door.good.token)


@pytest.mark.long
@pytest.mark.parametrize("name", ["access", "inside", "client", "actor"])
def test_no_mutation_opens_a_door_for_long(doors: dict[str, Door], name: str) -> None:
    _attack(doors[name], 50_000)


def test_a_verifier_that_believes_the_header_is_found(doors: dict[str, Door]) -> None:
    """The planted defect: a verifier that looks at the claims and forgets the signature."""
    good = doors["access"].good

    def believing(token: str) -> object:
        try:
            return content_of(token.split(".")[1])["client_id"]
        except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
            raise RefusedError from error

    with pytest.raises(AssertionError):
        _attack(replace(doors["access"], verify=believing, good=good), 2_500)


def test_a_client_cannot_say_odd_things_under_its_own_key(doors: dict[str, Door], client: tuple[Signer, ClientRecord]) -> None:
    """Assertions are signed by the client, so their claims are hostile even when the signature is good."""
    signer, _ = client
    rng = random.Random(SEED)
    for kind, make, needed in (
        ("client", signer.client_assertion, {"iss", "sub", "aud", "exp", "jti"}),
        ("actor", signer.actor_assertion, {"sub", "org", "aud", "iat", "jti"}),
    ):
        for _ in range(1_000):
            claim = rng.choice([*needed, "nbf", "iat", "exp"])
            value = rng.choice([*ODD_TEXTS, *ODD_NUMBERS, float("nan"), float("inf"), [ISSUER, ISSUER]])
            said: dict[str, Any] = {claim: value}
            token = make(**said)
            try:
                doors[kind].verify(token)
            except RefusedError:
                continue
            assert _is_harmless(claim, value, needed), (kind, claim, value)


def _is_harmless(claim: str, value: object, needed: set[str]) -> bool:
    """Left out where it may be, a text that may be any text, or an `nbf` long past."""
    if value is None:
        return claim not in needed
    if claim == "jti" or (claim == "sub" and "org" in needed):
        return isinstance(value, str) and 1 <= len(value) <= 256
    return claim == "nbf" and type(value) in (int, float) and 0 < value < time.time()  # type: ignore[operator]


def test_mutations_are_refused_on_the_wire_too(city: City, forge: Forge) -> None:
    """What a header can carry of them, through the real gateway: 401, whatever the bytes."""
    good = Good(forge.access_token(), forge.access)
    operation = city.operation("GET", "/v1/persons/{person_id}")
    url = city.running["base_url"] + operation.target(city.known)
    for name, token in itertools.islice(mutated(good, SEED), 300):
        if token.isprintable() and token.isascii() and len(token) < 8000:
            answer = city.suite.http.get(url, headers={"x-purpose": PURPOSE, "authorization": f"Bearer {token}"})
            assert answer.status_code == 401 or _is_the_same(token, good), (name, token, answer.text)
