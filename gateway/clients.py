"""What an operator does to clients: create, list, rotate credentials, revoke. Every act leaves a line of evidence.

A shared secret exists in a sandbox only; elsewhere a client proves itself with its private key and we hold the public one.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gateway import store
from gateway.keys import import_key, public_jwk
from gateway.routes import known_scopes, load_routes
from services.chassis.clock import utc_now
from services.chassis.db import Pool, Record, Transaction, in_transaction
from services.chassis.errors import DomainError, FieldError
from services.chassis.ids import new_id
from services.chassis.rows import SERVICE
from services.chassis.work import canonical_json

PURPOSE = re.compile(r"[a-z][a-z_]{1,40}")
ANY_PURPOSE = "*"
_DIVISION = re.compile(r"\d{2}|\d{4}|\d{6}|\d{9}|\d{12}", re.ASCII)
_ID_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class CreatedClient:
    """A new client; `client_secret` is shown this once and never again."""

    client_id: str
    client_secret: str | None
    key_id: UUID


@dataclass(frozen=True, slots=True)
class ClientSummary:
    """A client as a list shows it; `secrets` and `public_keys` count its usable credentials."""

    client_id: str
    name: str
    organisation: str
    division_code: str
    scopes: tuple[str, ...]
    purposes: tuple[str, ...]
    sandbox: bool
    created_at: datetime
    revoked_at: datetime | None
    secrets: int
    public_keys: int


async def create_client(  # noqa: PLR0913 - a client has that many properties
    pool: Pool,
    *,
    name: str,
    organisation: str,
    division_code: str,
    scopes: Sequence[str],
    purposes: Sequence[str],
    sandbox: bool,
    public_key_jwk: Mapping[str, Any] | None = None,
    operator: str | None = None,
) -> CreatedClient:
    """Register a client. Raises `DomainError('invalid-request')` naming each field that is wrong."""
    errors = _client_errors(name, organisation, division_code, scopes, purposes, sandbox=sandbox)
    errors += _key_errors(public_key_jwk, sandbox=sandbox)
    if errors:
        raise DomainError("invalid-request", errors=errors)
    client_id = "client-" + "".join(secrets.choice(_ID_ALPHABET) for _ in range(16))

    async def body(tx: Transaction) -> CreatedClient:
        await store.insert_client(
            tx,
            client_id=client_id,
            name=name,
            organisation=organisation,
            division_code=division_code,
            scopes=sorted(set(scopes)),
            purposes=sorted(set(purposes)),
            sandbox=sandbox,
        )
        key_id, secret = await _add_credential(tx, client_id, public_key_jwk)
        fields = ("name", "organisation", "division_code", "scopes", "purposes", "sandbox")
        await _audit(tx, "client.created", client_id, organisation, division_code, operator, fields)
        return CreatedClient(client_id, secret, key_id)

    return await in_transaction(pool, body, rows=SERVICE)


async def list_clients(pool: Pool) -> list[ClientSummary]:
    """All clients, revoked ones too, oldest first."""
    rows = await in_transaction(pool, store.clients, rows=SERVICE)
    return [ClientSummary(**{**dict(row), "scopes": tuple(row["scopes"]), "purposes": tuple(row["purposes"])}) for row in rows]


async def rotate_secret(pool: Pool, client_id: str, *, operator: str | None = None) -> CreatedClient:
    """Give a sandbox client a new secret; the old one and the tokens it obtained end at once (within the cache's seconds)."""

    async def body(tx: Transaction) -> CreatedClient:
        row = await _locked(tx, client_id)
        if not row["sandbox"]:
            raise DomainError("invalid-request", errors=[_KEY_NEEDED])
        return await _replace_credential(tx, row, None, 0, operator)

    return await in_transaction(pool, body, rows=SERVICE)


async def rotate_public_key(
    pool: Pool, client_id: str, public_key_jwk: Mapping[str, Any], *, overlap_s: float = 0, operator: str | None = None
) -> CreatedClient:
    """Register a new public key; the old ones stay usable for `overlap_s` seconds, so that a planned change refuses nobody."""
    if errors := _key_errors(public_key_jwk, sandbox=False):
        raise DomainError("invalid-request", errors=errors)

    async def body(tx: Transaction) -> CreatedClient:
        return await _replace_credential(tx, await _locked(tx, client_id), public_key_jwk, overlap_s, operator)

    return await in_transaction(pool, body, rows=SERVICE)


async def revoke_client(pool: Pool, client_id: str, *, operator: str | None = None) -> None:
    """End a client for good; its tokens die within the cache's seconds. Raises `DomainError('not-found')`."""

    async def body(tx: Transaction) -> None:
        row = await _locked(tx, client_id)
        await store.revoke(tx, client_id)
        await _audit(tx, "client.revoked", client_id, row["organisation"], row["division_code"], operator, ("revoked_at",))

    await in_transaction(pool, body, rows=SERVICE)


async def _locked(tx: Transaction, client_id: str) -> Record:
    row = await store.lock_client(tx, client_id)
    if row is None or row["revoked_at"] is not None:
        raise DomainError("not-found", detail_zh="没有这个有效的客户端", detail_en="no such client, or it was revoked")
    return row


async def _replace_credential(
    tx: Transaction, row: Record, jwk: Mapping[str, Any] | None, overlap_s: float, operator: str | None
) -> CreatedClient:
    client_id = row["client_id"]
    key_id, secret = await _add_credential(tx, client_id, jwk)
    await store.end_other_keys(tx, client_id, except_key=key_id, overlap_s=overlap_s)
    field = "public_key" if jwk else "secret"
    await _audit(tx, "client.credential_rotated", client_id, row["organisation"], row["division_code"], operator, (field,))
    return CreatedClient(client_id, secret, key_id)


async def _add_credential(tx: Transaction, client_id: str, jwk: Mapping[str, Any] | None) -> tuple[UUID, str | None]:
    key_id = new_id()
    if jwk is not None:
        public = public_jwk(import_key(jwk, private=False))
        await store.insert_key(tx, key_id=key_id, client_id=client_id, secret_digest=None, public_jwk=public)
        return key_id, None
    # 256 random bits need no slow hash: there is nothing to guess (measurements.md §7).
    secret = secrets.token_urlsafe(32)
    digest = hashlib.sha256(secret.encode()).digest()
    await store.insert_key(tx, key_id=key_id, client_id=client_id, secret_digest=digest, public_jwk=None)
    return key_id, secret


async def _audit(
    tx: Transaction,
    operation: str,
    client_id: str,
    organisation: str,
    division_code: str,
    operator: str | None,
    fields: Sequence[str],
) -> None:
    line = canonical_json(
        {
            "actor": operator,
            "at": utc_now().isoformat(timespec="microseconds"),
            "client": "operator",
            "division": division_code,
            "fields": list(fields),
            "operation": operation,
            "organisation": organisation,
            "outcome": "done",
            "person": None,
            "purpose": "administration",
            "request": None,
            "resource": "client",
            "resource_id": client_id,
        }
    )
    await store.insert_audit_line(tx, audit_id=new_id(), line=line, digest=hashlib.sha256(line.encode()).digest())


_KEY_NEEDED = FieldError(
    "/public_key_jwk", "missing", "沙箱以外的客户端必须登记公钥", "outside a sandbox a client is known by its public key"
)


def _client_errors(
    name: str,
    organisation: str,
    division_code: str,
    scopes: Sequence[str],
    purposes: Sequence[str],
    *,
    sandbox: bool,
) -> list[FieldError]:
    errors = [
        FieldError(f"/{field}", "text", "应为 1 至 100 个可见字符", "1 to 100 printable characters")
        for field, value in (("name", name), ("organisation", organisation))
        if not 1 <= len(value) <= 100 or not value.isprintable() or value.strip() != value
    ]
    if not _DIVISION.fullmatch(division_code):
        errors.append(FieldError("/division_code", "format", "应为行政区划代码", "2, 4, 6, 9 or 12 digits of GB/T 2260"))
    if unknown := sorted(set(scopes) - known_scopes(load_routes())):
        errors.append(
            FieldError("/scopes", "unknown", "没有这些权限：" + "、".join(unknown), "no such scope: " + ", ".join(unknown))
        )
    if not scopes:
        errors.append(FieldError("/scopes", "missing", "至少一项权限", "at least one scope"))
    if not purposes or any(not PURPOSE.fullmatch(purpose) for purpose in purposes if purpose != ANY_PURPOSE):
        errors.append(
            FieldError("/purposes", "format", "至少一项目的，小写字母和下划线", "at least one, lower case and underscores")
        )
    if ANY_PURPOSE in purposes and not sandbox:
        errors.append(FieldError("/purposes", "sandbox_only", "任意目的只限沙箱", "any purpose (*) is for a sandbox only"))
    return errors


def _key_errors(jwk: Mapping[str, Any] | None, *, sandbox: bool) -> list[FieldError]:
    if jwk is None:
        return [] if sandbox else [_KEY_NEEDED]
    try:
        import_key(jwk, private=False)
    except ValueError:
        return [
            FieldError(
                "/public_key_jwk", "format", "应为 P-256 公钥（JWK，不含私钥）", "a public P-256 JWK, without the private part"
            )
        ]
    return []
