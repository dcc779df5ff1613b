"""Signed checkpoints: only our key, our algorithm, our service, our one spelling; key files that nobody else may read."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey

from services.chassis.evidence.checkpoint import (
    TYPE,
    Checkpoint,
    CheckpointError,
    PublicKeys,
    SigningKeys,
    make_audit_key,
)
from services.chassis.keyring import KeyFileError

KEY = OKPKey.generate_key("Ed25519", auto_kid=True)
KEYS = SigningKeys("office", [KEY])
GOOD = Checkpoint(
    service="office",
    epoch=1,
    size=7,
    root=bytes(range(32)),
    chain=bytes(range(32, 64)),
    previous=None,
    signed_at=datetime(2026, 11, 25, 12, 0, 0, 1, tzinfo=UTC),
)
HEADER = {"alg": "Ed25519", "kid": KEY.kid, "typ": TYPE}


def signed(payload: bytes, key: Any = KEY, algorithm: str = "Ed25519", **header: Any) -> str:
    given = {name: value for name, value in {**HEADER, "alg": algorithm, **header}.items() if value is not None}
    return jws.serialize_compact(given, payload, key, algorithms=[algorithm])


def test_what_was_signed_is_read() -> None:
    for checkpoint in (GOOD, replace(GOOD, previous=bytes(32), size=1 << 40, epoch=12)):
        assert KEYS.public.open(KEYS.sign(checkpoint)) == checkpoint


def test_the_payload_is_what_the_documentation_says() -> None:
    assert GOOD.payload() == (
        b'{"chain":"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f","epoch":1,"previous":null,'
        b'"root":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f","service":"office",'
        b'"signed_at":"2026-11-25T12:00:00.000001+00:00","size":7}'
    )


def _without_signature(text: str) -> str:
    head, payload, _ = text.split(".")
    return f"{head}.{payload}."


def _none() -> str:
    head = base64.urlsafe_b64encode(json.dumps({**HEADER, "alg": "none"}).encode()).rstrip(b"=").decode()
    return f"{head}.{base64.urlsafe_b64encode(GOOD.payload()).rstrip(b'=').decode()}."


FORGED = {
    "nothing": "",
    "no jws": "a.b.c",
    "two parts": "a.b",
    "too long": KEYS.sign(GOOD) + "A" * 5000,
    "not ascii": KEYS.sign(GOOD) + "封",
    "no signature": _without_signature(KEYS.sign(GOOD)),
    "algorithm none": _none(),
    "another key under our id": signed(GOOD.payload(), OKPKey.generate_key("Ed25519")),
    "unknown key id": signed(GOOD.payload(), kid="other"),
    "no key id": signed(GOOD.payload(), kid=None),
    "another type": signed(GOOD.payload(), typ="JWT"),
    "no type": signed(GOOD.payload(), typ=None),
    "a key in the header": signed(GOOD.payload(), jwk=KEY.as_dict(private=False)),
    "symmetric with our public key": signed(GOOD.payload(), OctKey.import_key(str(KEY.as_dict()["x"])), "HS256"),
    "another algorithm": signed(GOOD.payload(), ECKey.generate_key("P-256"), "ES256"),
    "another service": KEYS.sign(replace(GOOD, service="registry")),
    "no lines": KEYS.sign(replace(GOOD, size=0)),
    "no epoch": KEYS.sign(replace(GOOD, epoch=0)),
    "no json": signed(b"{"),
    "a list": signed(b"[]"),
    "a member more": signed(GOOD.payload()[:-1] + b',"x":1}'),
    "a member twice": signed(GOOD.payload()[:-1] + b',"size":7}'),
    "another spelling": signed(GOOD.payload().replace(b":7}", b": 7}")),
    "a number as text": signed(GOOD.payload().replace(b":7}", b':"7"}')),
    "a truth for a number": signed(GOOD.payload().replace(b":7}", b":true}")),
    "capital hex": signed(GOOD.payload().replace(b"2a2b", b"2A2B")),
    "a short hash": signed(GOOD.payload().replace(b"2021", b"")),
    "an instant without offset": signed(GOOD.payload().replace(b"+00:00", b"")),
}


@pytest.mark.parametrize("name", FORGED)
def test_anything_else_proves_nothing(name: str) -> None:
    with pytest.raises(CheckpointError):
        KEYS.public.open(FORGED[name])


def key_file(path: Path, content: str, mode: int = 0o600) -> Path:
    path.write_text(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o666])
def test_a_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(KeyFileError, match="chmod 600"):
        SigningKeys.load("office", key_file(tmp_path / "key", make_audit_key(), mode))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"keys": []}',
        '{"keys": [1]}',
        json.dumps(ECKey.generate_key("P-256").as_dict(private=True)),
        json.dumps(OKPKey.generate_key("X25519").as_dict(private=True)),
        json.dumps(KEY.as_dict(private=False)),
        json.dumps({**KEY.as_dict(private=True), "d": "AAAA"}),
    ],
)
def test_a_file_that_is_no_signing_key_is_refused_without_quoting_it(tmp_path: Path, content: str) -> None:
    with pytest.raises(KeyFileError) as refused:
        SigningKeys.load("office", key_file(tmp_path / "key", content))
    assert not content or len(content) < 5 or content not in str(refused.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="No such file"):
        SigningKeys.load("office", tmp_path / "none")
    with pytest.raises(KeyFileError, match="No such file"):
        PublicKeys.load("office", tmp_path / "none")


def test_public_files_hold_no_private_key_and_are_enough(tmp_path: Path) -> None:
    content = KEYS.public.jwks()
    assert '"d"' not in content
    public = PublicKeys.load("office", key_file(tmp_path / "office.jwks.json", content, 0o644))
    assert public.open(KEYS.sign(GOOD)) == GOOD
    with pytest.raises(KeyFileError, match="public"):
        PublicKeys.load("office", key_file(tmp_path / "private", make_audit_key()))
