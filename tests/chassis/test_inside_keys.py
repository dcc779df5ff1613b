"""The gateway's public keys as a service reads them: replaced while the service runs, never lost."""

import json
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from services.chassis import auth
from services.chassis.auth import InsideTokens
from services.chassis.errors import DomainError
from tests.running import InsideKeys


@pytest.fixture(autouse=True)
def looks_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "_LOOK_AGAIN_S", 0.0)


def new_key(path: Path) -> InsideKeys:
    return InsideKeys(ECKey.generate_key("P-256", auto_kid=True), path)


def publish(path: Path, *keys: InsideKeys) -> None:
    """As a careful operator does: a new file, then put in the old one's place."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"keys": [key.key.as_dict(private=False) for key in keys]}))
    fresh.replace(path)


def bearer(keys: InsideKeys) -> str:
    token = keys.token("office", sub="client-1", org="bureau", div="330282", scp=["office.note.read"])
    return f"Bearer {token}"


def refused(tokens: InsideTokens, authorization: str) -> bool:
    try:
        tokens.principal(authorization)
    except DomainError as error:
        return error.code == "unauthenticated"
    return False


def test_a_key_is_replaced_without_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "inside.jwks.json"
    old, new = new_key(path), new_key(path)
    publish(path, old)
    tokens = InsideTokens.load(path, "office")
    assert not refused(tokens, bearer(old))
    assert refused(tokens, bearer(new))
    publish(path, old, new)
    assert not refused(tokens, bearer(new))
    assert not refused(tokens, bearer(old))
    publish(path, new)
    assert refused(tokens, bearer(old))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"keys": 3}', '{"keys": [{"kty": "EC"}]}'])
def test_a_broken_file_leaves_the_keys_as_they_were(tmp_path: Path, content: str) -> None:
    path = tmp_path / "inside.jwks.json"
    key = new_key(path)
    publish(path, key)
    tokens = InsideTokens.load(path, "office")
    path.write_text(content)
    assert not refused(tokens, bearer(key))
    path.unlink()
    assert not refused(tokens, bearer(key))
    publish(path, key)
    assert not refused(tokens, bearer(key))
