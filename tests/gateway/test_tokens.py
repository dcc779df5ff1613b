"""The token endpoint: who gets a token, and the many who do not."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from gateway import store
from gateway.clients import CreatedClient, rotate_public_key
from services.chassis.db import Pool, in_transaction
from services.chassis.rows import SERVICE
from tests.gateway.conftest import ALL_SCOPES, ISSUER, RunGateway, new_client, raw
from tests.gateway.signing import Signer, encoded

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORM = {"content-type": "application/x-www-form-urlencoded"}
STRANGER = ECKey.generate_key("P-256", auto_kid=True)


@pytest.fixture(scope="module")
async def signer(pool: Pool) -> Signer:
    """A client that proves itself with a key."""
    made = Signer("")
    created = await new_client(pool, public_key_jwk=made.key.as_dict(private=False))
    made.client_id = created.client_id
    return made


async def ask(http: httpx.AsyncClient, gateway: str, assertion: str, **form: str) -> httpx.Response:
    data = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion, **form}
    return await http.post(f"{gateway}/oauth/token", data={name: value for name, value in data.items() if value})


async def test_a_signed_assertion_gets_a_token_as_rfc_9068_describes(
    http: httpx.AsyncClient, gateway: str, signer: Signer
) -> None:
    answer = await ask(http, gateway, signer.client_assertion())
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    content = answer.json()
    assert (content["token_type"], content["expires_in"]) == ("Bearer", 600)
    assert content["scope"].split(" ") == ALL_SCOPES
    keys = KeySet.import_key_set((await http.get(f"{gateway}/.well-known/jwks.json")).json())
    token = jwt.decode(content["access_token"], keys, algorithms=["ES256"])
    assert token.header["typ"] == "at+jwt"
    claims = token.claims
    assert (claims["iss"], claims["aud"], claims["sub"], claims["client_id"]) == (
        ISSUER,
        ISSUER,
        signer.client_id,
        signer.client_id,
    )
    assert claims["exp"] - claims["iat"] == 600
    assert abs(claims["iat"] - time.time()) < 10
    assert claims["jti"]


async def test_published_keys_have_no_private_part(http: httpx.AsyncClient, gateway: str) -> None:
    keys = (await http.get(f"{gateway}/.well-known/jwks.json")).json()["keys"]
    assert [set(key) for key in keys] == [{"kty", "crv", "x", "y", "kid", "use", "alg"}]


async def test_metadata_name_what_is_supported(http: httpx.AsyncClient, gateway: str, run_gateway: RunGateway) -> None:
    document = (await http.get(f"{gateway}/.well-known/oauth-authorization-server")).json()
    assert document["issuer"] == ISSUER
    assert document["token_endpoint"] == f"{ISSUER}/oauth/token"
    assert document["grant_types_supported"] == ["client_credentials"]
    assert document["token_endpoint_auth_methods_supported"] == ["private_key_jwt", "client_secret_basic"]
    assert document["scopes_supported"] == ALL_SCOPES
    with run_gateway(sandbox=False, public_url="https://door.test/") as strict:
        document = (await http.get(f"{strict}/.well-known/oauth-authorization-server")).json()
    assert document["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert document["token_endpoint"] == "https://door.test/oauth/token"


async def test_fewer_scopes_may_be_asked_for_but_never_more(http: httpx.AsyncClient, gateway: str, pool: Pool) -> None:
    made = Signer("")
    created = await new_client(
        pool, scopes=["registry.person.read", "points.file.read"], public_key_jwk=made.key.as_dict(private=False)
    )
    made.client_id = created.client_id
    fewer = await ask(http, gateway, made.client_assertion(), scope="points.file.read")
    assert fewer.json()["scope"] == "points.file.read"
    for scope in (
        "registry.person.write",
        "points.file.read registry.person.write",
        "openid",
        "points.file.read  registry.person.read",
    ):
        more = await ask(http, gateway, made.client_assertion(), scope=scope)
        assert (more.status_code, more.json()["error"]) == (400, "invalid_scope")


async def test_audience_as_a_list_of_one_and_an_assertion_without_kid_are_good(
    http: httpx.AsyncClient, gateway: str, signer: Signer
) -> None:
    assert (await ask(http, gateway, signer.client_assertion(aud=[ISSUER]))).status_code == 200
    assert (await ask(http, gateway, signer.client_assertion(header={"kid": None}))).status_code == 200


async def test_an_assertion_is_good_for_one_token_even_in_a_race(http: httpx.AsyncClient, gateway: str, signer: Signer) -> None:
    assertion = signer.client_assertion()
    answers = await asyncio.gather(*(ask(http, gateway, assertion) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 11


def _unsigned(signer: Signer) -> str:
    good = signer.client_assertion()
    return f"{encoded({'alg': 'none', 'typ': 'client-authentication+jwt'})}.{good.split('.')[1]}."


def _tampered(signer: Signer) -> str:
    head, payload, signature = signer.client_assertion().split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return f"{head}.{encoded({**claims, 'exp': claims['exp'] + 60})}.{signature}"


def _signed_with_public_key_as_secret(signer: Signer) -> str:
    payload = signer.client_assertion().split(".")[1]
    content = f"{encoded({'alg': 'HS256', 'typ': 'client-authentication+jwt', 'kid': signer.key.kid})}.{payload}"
    digest = hmac.digest(signer.key.as_pem(private=False), content.encode(), "sha256")
    return f"{content}.{encoded(digest)}"


_BAD_ASSERTIONS: dict[str, Callable[[Signer], str]] = {
    "no text": lambda _: "x",
    "two parts": lambda s: s.client_assertion().rsplit(".", 1)[0],
    "five parts": lambda s: s.client_assertion() + ".a.b",
    "not base64": lambda s: "!!." + s.client_assertion().split(".", 1)[1],
    "payload is no object": lambda s: f"{encoded({'alg': 'ES256'})}.{encoded([1])}.{encoded(b'x' * 64)}",
    "alg none": _unsigned,
    "tampered": _tampered,
    "signature missing": lambda s: s.client_assertion().rsplit(".", 1)[0] + ".",
    "another key": lambda s: s.client_assertion(key=STRANGER),
    "another key under its own kid": lambda s: s.client_assertion(key=STRANGER, header={"kid": STRANGER.kid}),
    "public key as HMAC secret": _signed_with_public_key_as_secret,
    "RS256": lambda s: s.client_assertion(header={"alg": "RS256"}, key=RSAKey.generate_key(2048)),
    "ES384": lambda s: s.client_assertion(header={"alg": "ES384"}, key=ECKey.generate_key("P-384")),
    "jwk in the header": lambda s: s.client_assertion(
        header={"jwk": STRANGER.as_dict(private=False), "kid": None}, key=STRANGER
    ),
    "jku in the header": lambda s: s.client_assertion(header={"jku": "http://127.0.0.1/keys"}),
    "x5u in the header": lambda s: s.client_assertion(header={"x5u": "http://127.0.0.1/cert"}),
    "plain typ JWT": lambda s: s.client_assertion(header={"typ": "JWT"}),
    "no typ": lambda s: s.client_assertion(header={"typ": None}),
    "actor typ": lambda s: s.client_assertion(header={"typ": "actor-assertion+jwt"}),
    "an actor assertion": lambda s: s.actor_assertion(sub=s.client_id, iss=s.client_id),
    "unknown kid": lambda s: s.client_assertion(header={"kid": "other"}),
    "aud is the token endpoint": lambda s: s.client_assertion(aud=f"{ISSUER}/oauth/token"),
    "aud is somebody else": lambda s: s.client_assertion(aud="https://elsewhere.test"),
    "aud with a slash": lambda s: s.client_assertion(aud=f"{ISSUER}/"),
    "aud is us and another": lambda s: s.client_assertion(aud=[ISSUER, "https://elsewhere.test"]),
    "aud missing": lambda s: s.client_assertion(aud=None),
    "iss is somebody else": lambda s: s.client_assertion(iss="client-other"),
    "iss missing": lambda s: s.client_assertion(iss=None),
    "sub unknown": lambda s: s.client_assertion(sub="client-other", iss="client-other"),
    "sub is a number": lambda s: s.client_assertion(sub=7),
    "sub with NUL": lambda s: s.client_assertion(sub="a\x00b", iss="a\x00b"),
    "expired": lambda s: s.client_assertion(exp=int(time.time()) - 1),
    "exp missing": lambda s: s.client_assertion(exp=None),
    "exp is text": lambda s: s.client_assertion(exp=str(int(time.time()) + 60)),
    "exp is true": lambda s: s.client_assertion(exp=True),
    "exp is infinite": lambda s: s.client_assertion(exp=float("inf")),
    "lives longer than five minutes": lambda s: s.client_assertion(exp=int(time.time()) + 3600),
    "issued too long ago": lambda s: s.client_assertion(iat=int(time.time()) - 3600),
    "issued in the future": lambda s: s.client_assertion(iat=int(time.time()) + 120),
    "not valid yet": lambda s: s.client_assertion(nbf=int(time.time()) + 120),
    "jti missing": lambda s: s.client_assertion(jti=None),
    "jti empty": lambda s: s.client_assertion(jti=""),
    "jti too long": lambda s: s.client_assertion(jti="j" * 257),
    "jti is a list": lambda s: s.client_assertion(jti=["a"]),
    "too long": lambda s: s.client_assertion(note="n" * 9000),
}


@pytest.mark.parametrize("name", _BAD_ASSERTIONS)
async def test_a_bad_assertion_gets_no_token(http: httpx.AsyncClient, gateway: str, signer: Signer, name: str) -> None:
    answer = await ask(http, gateway, _BAD_ASSERTIONS[name](signer))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), answer.text
    assert answer.headers["www-authenticate"]
    assert answer.headers["cache-control"] == "no-store"


async def test_a_client_id_beside_the_assertion_must_be_the_same(http: httpx.AsyncClient, gateway: str, signer: Signer) -> None:
    same = await ask(http, gateway, signer.client_assertion(), client_id=signer.client_id)
    other = await ask(http, gateway, signer.client_assertion(), client_id="client-other")
    assert (same.status_code, other.status_code) == (200, 401)


async def test_after_rotation_the_old_key_gets_no_token_unless_an_overlap_was_granted(
    http: httpx.AsyncClient, gateway: str, pool: Pool
) -> None:
    old, new = Signer(""), Signer("")
    created = await new_client(pool, public_key_jwk=old.key.as_dict(private=False))
    old.client_id = new.client_id = created.client_id
    await rotate_public_key(pool, created.client_id, new.key.as_dict(private=False), overlap_s=60)
    assert (await ask(http, gateway, old.client_assertion())).status_code == 200
    assert (await ask(http, gateway, new.client_assertion())).status_code == 200
    last = Signer(created.client_id)
    await rotate_public_key(pool, created.client_id, last.key.as_dict(private=False))
    assert (await ask(http, gateway, new.client_assertion())).status_code == 401
    assert (await ask(http, gateway, old.client_assertion())).status_code == 401
    assert (await ask(http, gateway, last.client_assertion())).status_code == 200


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


async def post(http: httpx.AsyncClient, gateway: str, body: str | bytes, **headers: str) -> httpx.Response:
    return await http.post(
        f"{gateway}/oauth/token", content=body, headers={**FORM, **{name.replace("_", "-"): v for name, v in headers.items()}}
    )


GRANT = "grant_type=client_credentials"


async def test_a_shared_secret_is_good_in_a_sandbox_only(
    http: httpx.AsyncClient, gateway: str, run_gateway: RunGateway, demo: CreatedClient
) -> None:
    assert demo.client_secret is not None
    authorization = basic(demo.client_id, demo.client_secret)
    assert (await post(http, gateway, GRANT, authorization=authorization)).status_code == 200
    with run_gateway(sandbox=False) as strict:
        refused = await post(http, strict, GRANT, authorization=authorization)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
        assert refused.headers["www-authenticate"].startswith("Bearer")


async def test_a_sandbox_client_is_nobody_outside_a_sandbox(
    http: httpx.AsyncClient, gateway: str, run_gateway: RunGateway, signer: Signer
) -> None:
    assert (await ask(http, gateway, signer.client_assertion())).status_code == 200
    with run_gateway(sandbox=False) as strict:
        assert (await ask(http, strict, signer.client_assertion())).status_code == 401


@pytest.mark.parametrize(
    "authorization",
    [
        lambda c: basic(c.client_id, "wrong"),
        lambda c: basic(c.client_id, c.client_secret + "x"),
        lambda c: basic(c.client_id, c.client_secret[:-1]),
        lambda c: basic("client-other", c.client_secret),
        lambda c: basic(c.client_id, ""),
        lambda c: basic("", c.client_secret),
        lambda c: basic(c.client_id.upper(), c.client_secret),
        lambda c: "Basic " + base64.b64encode(c.client_id.encode()).decode(),
        lambda c: "Basic ***",
        lambda c: "Basic",
        lambda c: "Bearer " + c.client_secret,
        lambda c: "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        lambda c: basic("a%00b", c.client_secret),
    ],
)
async def test_a_bad_secret_gets_no_token(
    http: httpx.AsyncClient, gateway: str, demo: CreatedClient, authorization: Callable[[CreatedClient], str]
) -> None:
    answer = await post(http, gateway, GRANT, authorization=authorization(demo))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")


_BAD_REQUESTS: dict[str, tuple[Callable[[CreatedClient], Any], int, str]] = {
    "no grant type": (lambda c: "scope=points.file.read", 400, "invalid_request"),
    "another grant type": (lambda c: "grant_type=password", 400, "unsupported_grant_type"),
    "a repeated parameter": (lambda c: f"{GRANT}&{GRANT}", 400, "invalid_request"),
    "a parameter repeated under an escape": (lambda c: f"{GRANT}&grant%5Ftype=password", 400, "invalid_request"),
    "a broken escape": (lambda c: f"{GRANT}&scope=%zz", 400, "invalid_request"),
    "an escape at the end": (lambda c: f"{GRANT}&scope=%2", 400, "invalid_request"),
    "not UTF-8": (lambda c: f"{GRANT}&scope=%ff", 400, "invalid_request"),
    "raw bytes": (lambda c: b"grant_type=\xff", 400, "invalid_request"),
    "a NUL": (lambda c: f"{GRANT}&scope=a%00b", 400, "invalid_request"),
    "too many parameters": (lambda c: "&".join([GRANT, *(f"p{n}=1" for n in range(40))]), 400, "invalid_request"),
    "secret in the body": (
        lambda c: f"{GRANT}&client_id={c.client_id}&client_secret={c.client_secret}",
        401,
        "invalid_client",
    ),
    "empty scope": (lambda c: f"{GRANT}&scope=+", 400, "invalid_scope"),
}


@pytest.mark.parametrize("name", _BAD_REQUESTS)
async def test_a_bad_request_is_told_so(http: httpx.AsyncClient, gateway: str, demo: CreatedClient, name: str) -> None:
    make, status, error = _BAD_REQUESTS[name]
    assert demo.client_secret is not None
    answer = await post(http, gateway, make(demo), authorization=basic(demo.client_id, demo.client_secret))
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text


async def test_two_ways_of_authentication_or_none_are_refused(
    http: httpx.AsyncClient, gateway: str, demo: CreatedClient, signer: Signer
) -> None:
    assert demo.client_secret is not None
    both = f"{GRANT}&client_assertion_type={ASSERTION_TYPE}&client_assertion={signer.client_assertion()}"
    answer = await post(http, gateway, both, authorization=basic(demo.client_id, demo.client_secret))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    nobody = await post(http, gateway, GRANT)
    assert (nobody.status_code, nobody.json()["error"]) == (401, "invalid_client")
    wrong_type = await post(http, gateway, f"{GRANT}&client_assertion_type=x&client_assertion={signer.client_assertion()}")
    assert (wrong_type.status_code, wrong_type.json()["error"]) == (400, "invalid_request")


async def test_empty_parameters_count_as_absent(http: httpx.AsyncClient, gateway: str, demo: CreatedClient) -> None:
    assert demo.client_secret is not None
    answer = await post(http, gateway, f"{GRANT}&scope=", authorization=basic(demo.client_id, demo.client_secret))
    assert answer.json()["scope"].split(" ") == ALL_SCOPES


async def test_only_a_form_in_the_body_of_a_post_is_read(http: httpx.AsyncClient, gateway: str, demo: CreatedClient) -> None:
    assert demo.client_secret is not None
    authorization = basic(demo.client_id, demo.client_secret)
    as_json = await post(http, gateway, "{}", authorization=authorization, content_type="application/json")
    assert (as_json.status_code, as_json.json()["error"]) == (400, "invalid_request")
    in_query = await http.post(f"{gateway}/oauth/token?{GRANT}", headers={**FORM, "authorization": authorization})
    assert (in_query.status_code, in_query.json()["error"]) == (400, "invalid_request")
    by_get = await http.get(f"{gateway}/oauth/token", headers={"authorization": authorization})
    assert (by_get.status_code, by_get.headers["allow"]) == (405, "POST")


async def test_the_body_is_bounded(http: httpx.AsyncClient, gateway: str) -> None:
    declared = await post(http, gateway, "scope=" + "a" * (16 << 10))
    assert declared.status_code == 413
    chunk = b"1000\r\n" + b"a" * 4096 + b"\r\n"
    request = (
        b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 5
    )
    assert (await raw(gateway, request)).status == 413


async def test_expired_assertions_are_forgotten(pool: Pool) -> None:
    await pool.execute(
        "INSERT INTO used_assertion VALUES ('client-x', 'kind', 'old', 'x', now() - interval '1 hour'), "
        "('client-x', 'kind', 'new', 'x', now() + interval '1 hour')"
    )
    await in_transaction(pool, store.forget_expired_assertions, rows=SERVICE)
    left = await pool.fetch("SELECT jti FROM used_assertion WHERE client_id = 'client-x'")
    assert [row["jti"] for row in left] == ["new"]
