"""The statements on the gateway's database."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.chassis.db import Record, Transaction, prepare

_CLIENT = prepare(
    """
    SELECT c.client_id, c.organisation, c.division_code, c.scopes, c.purposes, c.sandbox,
           coalesce(
               jsonb_agg(
                   jsonb_build_object('key_id', k.key_id, 'secret', encode(k.secret_digest, 'hex'), 'jwk', k.public_jwk)
                   ORDER BY k.key_id
               ) FILTER (WHERE k.key_id IS NOT NULL),
               '[]'
           ) AS keys
    FROM client c
    LEFT JOIN client_key k ON k.client_id = c.client_id AND (k.valid_until IS NULL OR k.valid_until > now())
    WHERE c.client_id = CAST(:client_id AS text) AND c.revoked_at IS NULL
    GROUP BY c.client_id
    """
)
_CLIENTS = prepare(
    """
    SELECT c.client_id, c.name, c.organisation, c.division_code, c.scopes, c.purposes, c.sandbox, c.created_at, c.revoked_at,
           count(k.key_id) FILTER (WHERE k.secret_digest IS NOT NULL) AS secrets,
           count(k.key_id) FILTER (WHERE k.public_jwk IS NOT NULL) AS public_keys
    FROM client c
    LEFT JOIN client_key k ON k.client_id = c.client_id AND (k.valid_until IS NULL OR k.valid_until > now())
    GROUP BY c.client_id
    ORDER BY c.created_at, c.client_id
    """
)
_INSERT_CLIENT = prepare(
    """
    INSERT INTO client (client_id, name, organisation, division_code, scopes, purposes, sandbox)
    VALUES (:client_id, :name, :organisation, :division_code, CAST(:scopes AS text[]), CAST(:purposes AS text[]), :sandbox)
    """
)
_INSERT_KEY = prepare(
    """
    INSERT INTO client_key (key_id, client_id, secret_digest, public_jwk)
    VALUES (CAST(:key_id AS uuid), :client_id, CAST(:secret_digest AS bytea), CAST(:public_jwk AS jsonb))
    """
)
_LOCK_CLIENT = prepare(
    """
    SELECT client_id, organisation, division_code, sandbox, revoked_at FROM client
    WHERE client_id = CAST(:client_id AS text) FOR UPDATE
    """
)
_END_KEYS = prepare(
    """
    UPDATE client_key SET valid_until = now() + CAST(:overlap AS double precision) * interval '1 second'
    WHERE client_id = CAST(:client_id AS text) AND key_id <> CAST(:except_key AS uuid)
      AND (valid_until IS NULL OR valid_until > now() + CAST(:overlap AS double precision) * interval '1 second')
    """
)
_REVOKE = prepare("UPDATE client SET revoked_at = coalesce(revoked_at, now()) WHERE client_id = CAST(:client_id AS text)")
_INSERT_AUDIT = prepare("INSERT INTO audit_line (audit_id, line, digest) VALUES (CAST(:audit_id AS uuid), :line, :digest)")
_USE_ASSERTION = prepare(
    """
    INSERT INTO used_assertion AS u (client_id, kind, jti, used_for, expires_at)
    VALUES (:client_id, :kind, :jti, CAST(:used_for AS bytea), CAST(:expires_at AS timestamptz))
    ON CONFLICT (client_id, kind, jti) DO UPDATE SET used_for = u.used_for WHERE u.used_for = excluded.used_for
    RETURNING true
    """
)
_FORGET_ASSERTIONS = prepare(
    """
    DELETE FROM used_assertion WHERE (client_id, kind, jti) IN (
        SELECT client_id, kind, jti FROM used_assertion WHERE expires_at < now() - interval '1 minute'
        ORDER BY expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED
    )
    """
)
_COUNT_USE = prepare(
    """
    INSERT INTO rate_window AS w (policy, subject, window_start, uses) VALUES (:policy, :subject, now(), 1)
    ON CONFLICT (policy, subject) DO UPDATE SET
        window_start = CASE WHEN w.window_start > now() - make_interval(secs => CAST(:window_s AS double precision))
                            THEN w.window_start ELSE now() END,
        uses = CASE WHEN w.window_start > now() - make_interval(secs => CAST(:window_s AS double precision))
                    THEN w.uses + 1 ELSE 1 END
    RETURNING uses, extract(epoch FROM window_start - now())::float8 + CAST(:window_s AS double precision) AS seconds_left
    """
)
_FORGET_USES = prepare(
    """
    DELETE FROM rate_window WHERE (policy, subject) IN (
        SELECT policy, subject FROM rate_window WHERE window_start < now() - interval '1 hour'
        ORDER BY window_start LIMIT 1000 FOR UPDATE SKIP LOCKED
    )
    """
)


async def client(tx: Transaction, client_id: str) -> Record | None:
    """A client that was not revoked, with its usable credentials."""
    return await tx.fetch_row(_CLIENT, client_id=client_id)


async def clients(tx: Transaction) -> Sequence[Record]:
    """All clients, revoked ones too, oldest first."""
    return await tx.fetch(_CLIENTS)


async def lock_client(tx: Transaction, client_id: str) -> Record | None:
    """A client, locked until the transaction ends."""
    return await tx.fetch_row(_LOCK_CLIENT, client_id=client_id)


async def insert_client(
    tx: Transaction,
    *,
    client_id: str,
    name: str,
    organisation: str,
    division_code: str,
    scopes: Sequence[str],
    purposes: Sequence[str],
    sandbox: bool,
) -> None:
    """Add a client."""
    await tx.execute(
        _INSERT_CLIENT,
        client_id=client_id,
        name=name,
        organisation=organisation,
        division_code=division_code,
        scopes=scopes,
        purposes=purposes,
        sandbox=sandbox,
    )


async def insert_key(
    tx: Transaction, *, key_id: UUID, client_id: str, secret_digest: bytes | None, public_jwk: dict[str, str] | None
) -> None:
    """Add a credential."""
    await tx.execute(_INSERT_KEY, key_id=key_id, client_id=client_id, secret_digest=secret_digest, public_jwk=public_jwk)


async def end_other_keys(tx: Transaction, client_id: str, *, except_key: UUID, overlap_s: float) -> None:
    """Let every other credential of the client end `overlap_s` seconds from now."""
    await tx.execute(_END_KEYS, client_id=client_id, except_key=except_key, overlap=overlap_s)


async def revoke(tx: Transaction, client_id: str) -> None:
    """End a client for good."""
    await tx.execute(_REVOKE, client_id=client_id)


async def insert_audit_line(tx: Transaction, *, audit_id: UUID, line: str, digest: bytes) -> None:
    """Add a line of evidence."""
    await tx.execute(_INSERT_AUDIT, audit_id=audit_id, line=line, digest=digest)


async def use_assertion(tx: Transaction, *, client_id: str, kind: str, jti: str, used_for: bytes, expires_at: datetime) -> bool:
    """Take the assertion for this act; false when it already served another."""
    taken = await tx.fetch_value(
        _USE_ASSERTION, client_id=client_id, kind=kind, jti=jti, used_for=used_for, expires_at=expires_at
    )
    return taken is True


async def forget_expired_assertions(tx: Transaction) -> None:
    """Delete up to 1,000 expired assertions."""
    await tx.execute(_FORGET_ASSERTIONS)


async def count_use(tx: Transaction, *, policy: str, subject: str, window_s: float) -> tuple[int, float]:
    """Count one use; the uses in the present window, and the seconds until it ends."""
    row = await tx.fetch_row(_COUNT_USE, policy=policy, subject=subject, window_s=window_s)
    assert row is not None
    return row["uses"], row["seconds_left"]


async def forget_uses(tx: Transaction) -> None:
    """Delete up to 1,000 windows that ended long ago."""
    await tx.execute(_FORGET_USES)
