"""Key files made for a key store: usable at once, readable by nobody else, never written over, never shown."""

import json
from pathlib import Path

import pytest

from gateway.keys import SigningKeys
from services.chassis.evidence.checkpoint import PublicKeys
from services.chassis.evidence.checkpoint import SigningKeys as AuditKeys
from services.chassis.key_file import Digest, parse, read_secret
from services.suite.exits import SuiteError
from services.suite.key_creation import KeyFileKind, create
from tests.suite.launching import clean_environment, xinshimin

_SUITE = "aes-256-gcm"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


def test_services_of_a_suite_share_their_document_tokens_and_nothing_else(folder: Path) -> None:
    one, other = folder / "registry.json", folder / "points_hukou.json"
    create(one, KeyFileKind.SERVICE, suite=_SUITE)
    create(other, KeyFileKind.SERVICE, suite="sm4-gcm", shares_with=one)
    first, second = parse(read_secret(one)), parse(read_secret(other))
    assert first.document_token == second.document_token is not None
    assert first.kek != second.kek
    assert (first.index.digest, second.index.digest) == (Digest.HMAC_SHA256, Digest.HMAC_SM3)
    assert [path.stat().st_mode & 0o777 for path in (one, other)] == [0o600, 0o600]


def test_signing_keys_come_with_their_public_halves(folder: Path) -> None:
    audit, gateway = folder / "registry-audit.jwk.json", folder / "gateway-inside.jwk.json"
    audit_public, gateway_public = folder / "registry.jwks.json", folder / "inside.jwks.json"
    assert create(audit, KeyFileKind.AUDIT, suite=_SUITE, public=audit_public) == [audit, audit_public]
    assert create(gateway, KeyFileKind.GATEWAY, suite=_SUITE, public=gateway_public) == [gateway, gateway_public]
    assert PublicKeys.load("registry", audit_public).jwks() == AuditKeys.load("registry", audit).public.jwks()
    assert json.loads(gateway_public.read_text()) == SigningKeys.load(gateway).jwks()
    assert not any('"d"' in path.read_text() for path in (audit_public, gateway_public))
    assert audit_public.stat().st_mode & 0o777 == 0o644


def test_nothing_is_written_over_and_nothing_half_made_stays(folder: Path) -> None:
    file, public = folder / "audit.jwk.json", folder / "audit.jwks.json"
    public.write_text("kept")
    with pytest.raises(SuiteError, match="exists"):
        create(file, KeyFileKind.AUDIT, suite=_SUITE, public=public)
    assert (file.exists(), public.read_text()) == (False, "kept")
    file.write_text("kept")
    with pytest.raises(SuiteError, match="exists"):
        create(file, KeyFileKind.SERVICE, suite=_SUITE)
    assert file.read_text() == "kept"


def test_a_folder_others_may_write_to_is_no_place_for_a_key(folder: Path) -> None:
    open_folder = folder / "open"
    open_folder.mkdir()
    open_folder.chmod(0o777)
    with pytest.raises(SuiteError, match="others may replace"):
        create(open_folder / "registry.json", KeyFileKind.SERVICE, suite=_SUITE)
    assert list(open_folder.iterdir()) == []


def test_the_command_shows_no_key(folder: Path) -> None:
    file = folder / "registry.json"
    environment = clean_environment(folder / "data")
    done = xinshimin("keys", "create", str(file), "--json", environment=environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"made": [str(file)]}
    secret = parse(read_secret(file)).index.key
    assert secret not in done.stdout + done.stderr
    again = xinshimin("keys", "create", str(file), environment=environment)
    assert again.returncode == 1
    assert "left alone" in again.stderr
