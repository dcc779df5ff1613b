"""Access tokens at the door: what opens it, what does not, and how fast it closes behind a revoked client."""

import asyncio
import base64
import hmac
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from gateway import clients
from gateway.clients import CreatedClient
from gateway.keys import SigningKeys, make_signing_key, verify
from services.chassis.db import Pool
from services.chassis.keyring import KeyFileError
from tests.gateway.conftest import ISSUER, PERSON, KeyFiles, RunGateway, Services, bearer, new_client, obtain_token
from tests.gateway.signing import encoded, signed

STRANGER = ECKey.generate_key("P-256", auto_kid=True)


class Forge:
    """Makes access tokens with the gateway's real key, so that each test gets exactly one thing wrong."""

    def __init__(self, key_files: KeyFiles, client: CreatedClient) -> None:
        self.key = ECKey.import_key(json.loads(key_files.access.read_text()))
        self.inside = ECKey.import_key(json.loads(key_files.inside.read_text()))
        self.client = client

    def token(self, *, header: dict[str, Any] | None = None, key: ECKey | None = None, **claims: Any) -> str:
        now = int(time.time())
        content = {
            "iss": ISSUER,
            "aud": ISSUER,
            "sub": self.client.client_id,
            "client_id": self.client.client_id,
            "credential": str(self.client.key_id),
            "scope": "registry.person.read",
            "iat": now,
            "exp": now + 60,
            "jti": str(uuid.uuid4()),
            **claims,
        }
        return signed({"alg": "ES256", "typ": "at+jwt", "kid": self.key.kid, **(header or {})}, content, key or self.key)

    def hmac_token(self) -> str:
        """HS256 with the public key's PEM as the secret."""
        payload = self.token().split(".")[1]
        content = f"{encoded({'alg': 'HS256', 'typ': 'at+jwt', 'kid': self.key.kid})}.{payload}"
        return f"{content}.{encoded(hmac.digest(self.key.as_pem(private=False), content.encode(), 'sha256'))}"

    def inside_token(self) -> str:
        """What a service would accept, brought to the door."""
        return self.token(key=self.inside, header={"kid": self.inside.kid, "typ": "inside+jwt"}, aud="registry")

    def tampered(self) -> str:
        head, payload, signature = self.token().split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
        return f"{head}.{encoded({**claims, 'scope': 'registry.person.write'})}.{signature}"


@pytest.fixture(scope="module")
def forge(key_files: KeyFiles, demo: CreatedClient) -> Forge:
    return Forge(key_files, demo)


async def test_a_forged_token_that_is_right_in_everything_would_pass(
    http: httpx.AsyncClient, gateway: str, forge: Forge
) -> None:
    """The table below is worth something only because its base is good."""
    assert (await http.get(gateway + PERSON, headers=bearer(forge.token()))).status_code == 200


_BAD_AUTHORIZATION: dict[str, Callable[[Forge], str | None]] = {
    "none": lambda _: None,
    "empty": lambda _: "",
    "Basic": lambda f: "Basic " + base64.b64encode(f"{f.client.client_id}:{f.client.client_secret}".encode()).decode(),
    "scheme alone": lambda _: "Bearer",
    "a word": lambda _: "Bearer x",
    "token without scheme": lambda f: f.token(),
    "two tokens": lambda f: f"Bearer {f.token()}, Bearer {f.token()}",
    "not base64": lambda f: "Bearer !!." + f.token().split(".", 1)[1],
    "alg none": lambda f: f"Bearer {encoded({'alg': 'none', 'typ': 'at+jwt'})}.{f.token().split('.')[1]}.",
    "HS256 with the public key": lambda f: f"Bearer {f.hmac_token()}",
    "tampered": lambda f: f"Bearer {f.tampered()}",
    "no signature": lambda f: f"Bearer {f.token().rsplit('.', 1)[0]}.",
    "another key": lambda f: f"Bearer {f.token(key=STRANGER)}",
    "another key under its own kid": lambda f: f"Bearer {f.token(key=STRANGER, header={'kid': STRANGER.kid})}",
    "inside key": lambda f: f"Bearer {f.token(key=f.inside, header={'kid': f.inside.kid})}",
    "inside token": lambda f: f"Bearer {f.inside_token()}",
    "jwk in the header": lambda f: f"Bearer {f.token(header={'jwk': STRANGER.as_dict(private=False)}, key=STRANGER)}",
    "jku in the header": lambda f: f"Bearer {f.token(header={'jku': 'http://127.0.0.1/keys'})}",
    "crit in the header": lambda f: f"Bearer {f.token(header={'crit': ['b64'], 'b64': True})}",
    "no kid": lambda f: f"Bearer {f.token(header={'kid': None})}",
    "typ JWT": lambda f: f"Bearer {f.token(header={'typ': 'JWT'})}",
    "no typ": lambda f: f"Bearer {f.token(header={'typ': None})}",
    "wrong issuer": lambda f: f"Bearer {f.token(iss='https://elsewhere.test')}",
    "wrong audience": lambda f: f"Bearer {f.token(aud='https://elsewhere.test')}",
    "audience of a service": lambda f: f"Bearer {f.token(aud='registry')}",
    "two audiences": lambda f: f"Bearer {f.token(aud=[ISSUER, 'registry'])}",
    "expired": lambda f: f"Bearer {f.token(exp=int(time.time()) - 1)}",
    "no exp": lambda f: f"Bearer {f.token(exp=None)}",
    "exp is text": lambda f: f"Bearer {f.token(exp='9999999999')}",
    "not valid yet": lambda f: f"Bearer {f.token(nbf=int(time.time()) + 60)}",
    "no client": lambda f: f"Bearer {f.token(client_id=None)}",
    "unknown client": lambda f: f"Bearer {f.token(client_id='client-other')}",
    "no credential": lambda f: f"Bearer {f.token(credential=None)}",
    "credential of somebody else": lambda f: f"Bearer {f.token(credential=str(uuid.uuid4()))}",
    "no scope": lambda f: f"Bearer {f.token(scope=None)}",
    "too long": lambda f: f"Bearer {f.token(note='n' * 9000)}",
}


@pytest.mark.parametrize("name", _BAD_AUTHORIZATION)
async def test_whoever_has_no_good_token_stays_outside(
    http: httpx.AsyncClient, gateway: str, forge: Forge, services: Services, name: str
) -> None:
    authorization = _BAD_AUTHORIZATION[name](forge)
    before = services.registry.calls
    headers = {"x-purpose": "residence_registration"} | ({} if authorization is None else {"authorization": authorization})
    answer = await http.get(gateway + PERSON, headers=headers)
    assert answer.status_code == 401, answer.text
    assert answer.json()["type"] in {"urn:xinshimin:problem:unauthenticated", "urn:xinshimin:problem:token-invalid"}
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert services.registry.calls == before


async def test_a_cached_token_still_expires(http: httpx.AsyncClient, gateway: str, forge: Forge) -> None:
    token = forge.token(exp=int(time.time()) + 2)
    assert (await http.get(gateway + PERSON, headers=bearer(token))).status_code == 200
    await asyncio.sleep(2.1)
    assert (await http.get(gateway + PERSON, headers=bearer(token))).status_code == 401


async def test_a_missing_scope_is_named(http: httpx.AsyncClient, gateway: str, demo: CreatedClient) -> None:
    token = await obtain_token(http, gateway, demo, scope="points.file.read")
    answer = await http.get(gateway + PERSON, headers=bearer(token))
    assert (answer.status_code, answer.json()["scope"]) == (403, "registry.person.read")


async def test_the_service_hears_who_calls_and_nothing_else_counts(
    http: httpx.AsyncClient, gateway: str, token: str, demo: CreatedClient
) -> None:
    heard = (await http.get(gateway + PERSON, headers=bearer(token, x_actor="officer-7"))).json()["principal"]
    assert heard["client_id"] == demo.client_id
    assert heard["organisation"] == "test-bureau"
    assert heard["division_code"] == "330282"
    assert "registry.person.read" in heard["scopes"]
    assert (heard["actor"], heard["purpose"]) == ("officer-7", "residence_registration")


async def test_the_inside_token_is_reused_for_the_same_caller_and_never_for_another(
    http: httpx.AsyncClient, gateway: str, token: str
) -> None:
    async def inside(**more: str) -> str:
        answer = await http.get(gateway + PERSON, headers=bearer(token, **more))
        return str(dict(answer.json()["headers"])["authorization"])

    first = await inside(x_actor="a")
    assert await inside(x_actor="a") == first
    assert len({first, await inside(x_actor="b"), await inside(), await inside(x_purpose="school_admission")}) == 4


async def test_inside_tokens_are_short_lived_and_addressed_to_one_service(
    http: httpx.AsyncClient, gateway: str, token: str, key_files: KeyFiles
) -> None:
    answer = await http.get(gateway + PERSON, headers=bearer(token))
    value = dict(answer.json()["headers"])["authorization"].removeprefix("Bearer ")
    claims, _ = verify(value, typ="inside+jwt", keys=SigningKeys.load(key_files.inside).public)
    assert (claims["iss"], claims["aud"]) == ("xinshimin-gateway", "registry")
    assert claims["exp"] - claims["iat"] <= 60
    assert claims["exp"] - time.time() > 20
    assert "act" not in claims


@pytest.mark.parametrize("purpose", ["", "R", "Residence", "residence registration", "residence-registration", "x" * 42, "1a"])
async def test_a_malformed_purpose_is_refused(http: httpx.AsyncClient, gateway: str, token: str, purpose: str) -> None:
    answer = await http.get(gateway + PERSON, headers=bearer(token, x_purpose=purpose))
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:xinshimin:problem:purpose-required")


async def test_a_purpose_must_be_named_and_granted(http: httpx.AsyncClient, gateway: str, pool: Pool) -> None:
    created = await new_client(pool, purposes=["school_admission"])
    token = await obtain_token(http, gateway, created)
    silent = await http.get(gateway + PERSON, headers={"authorization": f"Bearer {token}"})
    assert (silent.status_code, silent.json()["type"]) == (400, "urn:xinshimin:problem:purpose-required")
    other = await http.get(gateway + PERSON, headers=bearer(token))
    assert (other.status_code, other.json()["type"]) == (403, "urn:xinshimin:problem:purpose-not-allowed")
    granted = await http.get(gateway + PERSON, headers=bearer(token, x_purpose="school_admission"))
    assert granted.status_code == 200


async def seconds_until_refused(http: httpx.AsyncClient, gateway: str, token: str) -> float:
    started = time.monotonic()
    while time.monotonic() - started < 8:
        if (await http.get(gateway + PERSON, headers=bearer(token))).status_code == 401:
            return time.monotonic() - started
        await asyncio.sleep(0.05)
    raise AssertionError("the token still opens the door")


async def test_a_revoked_client_is_outside_within_five_seconds(http: httpx.AsyncClient, gateway: str, pool: Pool) -> None:
    created = await new_client(pool)
    token = await obtain_token(http, gateway, created)
    assert (await http.get(gateway + PERSON, headers=bearer(token))).status_code == 200
    await clients.revoke_client(pool, created.client_id)
    assert await seconds_until_refused(http, gateway, token) < 5


async def test_tokens_of_a_replaced_secret_die_within_five_seconds_and_new_ones_live(
    http: httpx.AsyncClient, gateway: str, pool: Pool
) -> None:
    created = await new_client(pool)
    token = await obtain_token(http, gateway, created)
    assert (await http.get(gateway + PERSON, headers=bearer(token))).status_code == 200
    rotated = await clients.rotate_secret(pool, created.client_id)
    fresh = await obtain_token(http, gateway, rotated)
    assert await seconds_until_refused(http, gateway, token) < 5
    assert (await http.get(gateway + PERSON, headers=bearer(fresh))).status_code == 200


async def test_a_changed_client_is_heard_by_the_services_at_once_after_the_cache(
    http: httpx.AsyncClient, run_gateway: RunGateway, pool: Pool
) -> None:
    created = await new_client(pool)
    with run_gateway(client_cache_s=0) as url:
        token = await obtain_token(http, url, created)
        await pool.execute("UPDATE client SET division_code = '3302' WHERE client_id = $1", created.client_id)
        heard = (await http.get(url + PERSON, headers=bearer(token))).json()["principal"]
        assert heard["division_code"] == "3302"
        await pool.execute("UPDATE client SET scopes = '{points.file.read}' WHERE client_id = $1", created.client_id)
        assert (await http.get(url + PERSON, headers=bearer(token))).status_code == 403


async def test_keys_that_others_may_read_stop_the_start(run_gateway: RunGateway, key_files: KeyFiles, tmp_path: Any) -> None:
    copy = tmp_path / "key.json"
    copy.write_text(key_files.access.read_text())
    copy.chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        SigningKeys.load(copy)


async def test_a_replaced_signing_key_refuses_nobody(
    http: httpx.AsyncClient, run_gateway: RunGateway, demo: CreatedClient, key_files: KeyFiles, tmp_path: Any
) -> None:
    """Old tokens verify while the old key stays in the file; new ones are signed by the first."""
    with run_gateway() as before:
        old = await obtain_token(http, before, demo)
    both = tmp_path / "access.json"
    both.touch(mode=0o600)
    both.write_text(json.dumps({"keys": [json.loads(make_signing_key()), json.loads(key_files.access.read_text())]}))
    with run_gateway(access_key_file=both) as after:
        new = await obtain_token(http, after, demo)
        assert new.split(".")[0] != old.split(".")[0]
        for token in (old, new):
            assert (await http.get(after + PERSON, headers=bearer(token))).status_code == 200
