"""New key files for a key store, each written once, readable by its owner alone, and never shown."""

import json
import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from gateway.keys import SigningKeys, make_signing_key
from services.chassis.evidence.checkpoint import SigningKeys as AuditKeys
from services.chassis.evidence.checkpoint import make_audit_key
from services.chassis.key_file import Digest, KeyFileError, KeySet, make_key, make_key_file, parse, read_secret
from services.chassis.sealing import Suite
from services.suite.exits import ExitCode, SuiteError


class KeyFileKind(StrEnum):
    """What a key file is for."""

    SERVICE = "service"
    AUDIT = "audit"
    GATEWAY = "gateway"


def create(
    path: Path, kind: KeyFileKind, *, suite: str, shares_with: Path | None = None, public: Path | None = None
) -> list[Path]:
    """Write a new key file, and the public half of a signing key; the files made.

    All services of a suite derive the same token from the same document: `shares_with` is the key file of one that exists.
    Raises `SuiteError` when a file is there already or others could read or replace it.
    """
    if shares_with is not None and kind is not KeyFileKind.SERVICE:
        raise SuiteError(ExitCode.FAILED, "--shares-with is for the key file of a service.")
    if public is not None and kind is KeyFileKind.SERVICE:
        raise SuiteError(ExitCode.FAILED, "The keys of a service have no public half.")
    made: list[Path] = []
    try:
        _write_new(path, _content(kind, suite, shares_with), 0o600, made)
        read_secret(path)
        if public is not None:
            _write_new(public, _PUBLIC[kind](path), 0o644, made)
    except FileExistsError as error:
        _undo(made)
        raise SuiteError(ExitCode.FAILED, f"{error.filename} exists and is left alone: what it holds may be needed.") from None
    except (KeyFileError, OSError) as error:
        _undo(made)
        raise SuiteError(ExitCode.FAILED, str(error)) from None
    return made


def _content(kind: KeyFileKind, suite: str, shares_with: Path | None) -> str:
    if kind is KeyFileKind.AUDIT:
        return make_audit_key()
    if kind is KeyFileKind.GATEWAY:
        return make_signing_key()
    digest = Digest.HMAC_SM3 if Suite.named(suite) is Suite.SM4_GCM else Digest.HMAC_SHA256
    if shares_with is None:
        return make_key_file(KeySet(current="d1", keys={"d1": make_key()}), digest)
    tokens = parse(read_secret(shares_with)).document_token
    if tokens is None:
        raise KeyFileError(f"key file {shares_with} has no document token keys to share")
    return make_key_file(tokens, digest)


_PUBLIC: dict[KeyFileKind, Callable[[Path], str]] = {
    KeyFileKind.AUDIT: lambda path: AuditKeys.load("", path).public.jwks(),
    KeyFileKind.GATEWAY: lambda path: json.dumps(SigningKeys.load(path).jwks(), indent=2),
}


def _write_new(path: Path, content: str, mode: int, made: list[Path]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    made.append(path)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _undo(made: list[Path]) -> None:
    for path in made:
        path.unlink(missing_ok=True)
