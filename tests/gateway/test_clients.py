"""What an operator does to clients, and the evidence it leaves."""

import hashlib
import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from gateway import clients
from gateway.tables import METADATA
from services.chassis.db import Pool
from services.chassis.errors import DomainError
from services.chassis.migrations import differences
from tests.conftest import Database
from tests.gateway.conftest import new_client

PUBLIC = ECKey.generate_key("P-256").as_dict(private=False)


async def audit_lines(pool: Pool, client_id: str) -> list[dict[str, Any]]:
    rows = await pool.fetch(
        "SELECT line, digest FROM audit_line WHERE line::jsonb ->> 'resource_id' = $1 ORDER BY recorded_at", client_id
    )
    for row in rows:
        assert hashlib.sha256(row["line"].encode()).digest() == row["digest"]
    return [json.loads(row["line"]) for row in rows]


async def test_migrations_and_tables_agree(database: Database) -> None:
    engine = create_async_engine(database.owner_url.replace("postgresql://", "postgresql+asyncpg://"))
    try:
        async with engine.connect() as connection:

            def compare(sync: Connection) -> list[object]:
                return differences(sync, METADATA)

            assert await connection.run_sync(compare) == []
    finally:
        await engine.dispose()


async def test_a_secret_is_shown_once_and_kept_as_a_digest(pool: Pool) -> None:
    created = await new_client(pool)
    assert created.client_secret is not None
    assert len(created.client_secret) >= 43
    row = await pool.fetchrow("SELECT * FROM client_key WHERE client_id = $1", created.client_id)
    assert row is not None
    assert row["secret_digest"] == hashlib.sha256(created.client_secret.encode()).digest()
    assert created.client_secret not in str(row)


async def test_every_act_leaves_evidence(pool: Pool) -> None:
    created = await new_client(pool, operator="wang")
    rotated = await clients.rotate_secret(pool, created.client_id, operator="li")
    await clients.revoke_client(pool, created.client_id, operator="zhao")
    lines = await audit_lines(pool, created.client_id)
    assert [(line["operation"], line["actor"]) for line in lines] == [
        ("client.created", "wang"),
        ("client.credential_rotated", "li"),
        ("client.revoked", "zhao"),
    ]
    assert rotated.client_secret is not None
    assert rotated.client_secret not in json.dumps(lines)


async def test_the_application_cannot_rewrite_evidence(pool: Pool) -> None:
    await new_client(pool)
    for statement in (
        "UPDATE audit_line SET line = ''",
        "DELETE FROM audit_line",
        "TRUNCATE audit_line",
        "DROP TABLE audit_line",
    ):
        with pytest.raises(Exception, match=r"permission denied|must be owner"):
            await pool.execute(statement)


async def test_clients_are_listed_with_what_they_may_do(pool: Pool) -> None:
    created = await new_client(pool, sandbox=False, purposes=["school_admission"], public_key_jwk=PUBLIC)
    assert created.client_secret is None
    summary = next(each for each in await clients.list_clients(pool) if each.client_id == created.client_id)
    assert (summary.organisation, summary.purposes, summary.secrets, summary.public_keys) == (
        "test-bureau",
        ("school_admission",),
        0,
        1,
    )
    await clients.revoke_client(pool, created.client_id)
    revoked = next(each for each in await clients.list_clients(pool) if each.client_id == created.client_id)
    assert revoked.revoked_at is not None


@pytest.mark.parametrize(
    ("overrides", "pointer"),
    [
        ({"sandbox": False, "purposes": ["school_admission"]}, "/public_key_jwk"),
        ({"sandbox": False, "public_key_jwk": PUBLIC}, "/purposes"),
        ({"purposes": []}, "/purposes"),
        ({"purposes": ["School"]}, "/purposes"),
        ({"purposes": ["a b"]}, "/purposes"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["registry.everything"]}, "/scopes"),
        ({"division_code": "33028"}, "/division_code"),
        ({"division_code": "宁波"}, "/division_code"),
        ({"name": ""}, "/name"),
        ({"name": "a\nb"}, "/name"),
        ({"organisation": " test"}, "/organisation"),
        ({"public_key_jwk": ECKey.generate_key("P-256").as_dict(private=True)}, "/public_key_jwk"),
        ({"public_key_jwk": ECKey.generate_key("P-384").as_dict(private=False)}, "/public_key_jwk"),
        ({"public_key_jwk": RSAKey.generate_key(2048).as_dict(private=False)}, "/public_key_jwk"),
        ({"public_key_jwk": {**PUBLIC, "x": PUBLIC["y"]}}, "/public_key_jwk"),
        ({"public_key_jwk": {"kty": "oct", "k": "c2VjcmV0"}}, "/public_key_jwk"),
        ({"public_key_jwk": {**PUBLIC, "use": "enc"}}, "/public_key_jwk"),
    ],
)
async def test_a_client_that_makes_no_sense_is_refused_naming_the_field(
    pool: Pool, overrides: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(DomainError) as caught:
        await new_client(pool, **overrides)
    assert caught.value.code == "invalid-request"
    assert [error.pointer for error in caught.value.errors] == [pointer]


async def test_acts_on_clients_that_do_not_exist_or_ended_are_not_found(pool: Pool) -> None:
    created = await new_client(pool)
    await clients.revoke_client(pool, created.client_id)
    for client_id in ("client-nobody", created.client_id):
        with pytest.raises(DomainError, match="not-found"):
            await clients.rotate_secret(pool, client_id)
        with pytest.raises(DomainError, match="not-found"):
            await clients.revoke_client(pool, client_id)


async def test_a_client_outside_a_sandbox_never_gets_a_secret(pool: Pool) -> None:
    created = await new_client(pool, sandbox=False, purposes=["school_admission"], public_key_jwk=PUBLIC)
    with pytest.raises(DomainError) as caught:
        await clients.rotate_secret(pool, created.client_id)
    assert caught.value.errors[0].pointer == "/public_key_jwk"
