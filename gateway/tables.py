"""Tables of the gateway's own database: clients, their credentials, assertions already used, evidence."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Column, DateTime, ForeignKey, Index, LargeBinary, MetaData, Text, Uuid, text
from sqlmodel import Field, SQLModel

from services.chassis.db import NAMING_CONVENTION, Jsonb
from services.chassis.retention import APPEND_ONLY, Retention, kept

METADATA = MetaData(naming_convention=NAMING_CONVENTION)
_NOW = text("now()")


def _instant(*, default_now: bool = False, nullable: bool = False) -> Any:
    return Column(DateTime(timezone=True), nullable=nullable, server_default=_NOW if default_now else None)


class Table(SQLModel):
    """Base of the gateway's tables."""

    metadata = METADATA


class Client(Table, table=True):
    """A system of an organisation that may call us. A client is revoked, never deleted: evidence names it.

    `division_code` bounds what it may see, by ancestry (GB/T 2260). `purposes` may be `{*}` in a sandbox only.
    """

    __tablename__ = "client"
    __table_args__ = (
        CheckConstraint("division_code ~ '^[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?$'", "division_code"),
        CheckConstraint("sandbox OR NOT ('*' = ANY (purposes))", "purposes"),
        CheckConstraint("client_id ~ '^[a-z0-9][a-z0-9-]{2,63}$'", "client_id"),
        {"comment": kept(Retention.CLIENT)},
    )

    client_id: str = Field(sa_column=Column(Text, primary_key=True))
    name: str = Field(sa_column=Column(Text, nullable=False))
    organisation: str = Field(sa_column=Column(Text, nullable=False))
    division_code: str = Field(sa_column=Column(Text, nullable=False))
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    purposes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    sandbox: bool = Field(nullable=False)
    created_at: datetime = Field(sa_column=_instant(default_now=True))
    revoked_at: datetime | None = Field(sa_column=_instant(nullable=True))


class ClientKey(Table, table=True):
    """A credential: the SHA-256 of a shared secret (sandbox), or a public key. Usable until `valid_until`."""

    __tablename__ = "client_key"
    __table_args__ = (
        CheckConstraint("(secret_digest IS NULL) <> (public_jwk IS NULL)", "one_credential"),
        CheckConstraint("secret_digest IS NULL OR octet_length(secret_digest) = 32", "secret_digest"),
        Index("ix_client_key_client_id", "client_id"),
        {"comment": kept(Retention.CLIENT)},
    )

    key_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    client_id: str = Field(sa_column=Column(Text, ForeignKey("client.client_id"), nullable=False))
    secret_digest: bytes | None = Field(sa_column=Column(LargeBinary, nullable=True))
    public_jwk: dict[str, str] | None = Field(sa_column=Column(Jsonb, nullable=True))
    created_at: datetime = Field(sa_column=_instant(default_now=True))
    valid_until: datetime | None = Field(sa_column=_instant(nullable=True))


class UsedAssertion(Table, table=True):
    """A `jti` that was presented. `used_for` is the digest of the act it vouched for, so that only that act may repeat it."""

    __tablename__ = "used_assertion"
    __table_args__ = (
        Index("ix_used_assertion_expires_at", "expires_at"),
        {"comment": kept(Retention.EXPIRY, "until the assertion expires")},
    )

    client_id: str = Field(sa_column=Column(Text, primary_key=True))
    kind: str = Field(sa_column=Column(Text, primary_key=True))
    jti: str = Field(sa_column=Column(Text, primary_key=True))
    used_for: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    expires_at: datetime = Field(sa_column=_instant())


class AuditLine(Table, table=True):
    """Evidence of what was done to clients: canonical JSON and its SHA-256, in the form every service keeps."""

    __tablename__ = "audit_line"
    __table_args__ = (
        CheckConstraint("octet_length(digest) = 32", "digest"),
        {"comment": kept(Retention.YEARS_3, APPEND_ONLY)},
    )

    audit_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    recorded_at: datetime = Field(sa_column=_instant(default_now=True))
    person_id: UUID | None = Field(sa_column=Column(Uuid, nullable=True))
    line: str = Field(sa_column=Column(Text, nullable=False))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
