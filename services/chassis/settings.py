"""Settings of one service process, from the environment only.

A service reads `XINSHIMIN_<SERVICE>__<NAME>` first and falls back to `XINSHIMIN_<NAME>`, so that a value may be given
once for the whole suite or for one service. `.env.example` explains each.
"""

import re
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from services.chassis import crash_points

PREFIX = "XINSHIMIN_"


class DatabaseSettings(BaseSettings):
    """Where a process's database is: all that a migration needs to know. A subclass names its `process`."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)
    process: ClassVar[str] = ""

    database_url: SecretStr = Field(description="PostgreSQL URL of the application role, which owns nothing.")
    migration_url: SecretStr | None = Field(
        None, description="PostgreSQL URL of the owning role, for `xinshimin migrate`; without it `database_url` is used."
    )

    @classmethod
    def of(cls, process: str) -> "DatabaseSettings":
        """Those of `process`, whatever else it needs to run. Raises `ValidationError`."""
        own: type[DatabaseSettings] = type(f"{process} database", (cls,), {"__module__": __name__, "process": process})
        return own()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - fixed by pydantic-settings
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then this process's own variables, then the suite's."""
        own = EnvSettingsSource(settings_cls, env_prefix=f"{PREFIX}{cls.process.upper()}__")
        return init_settings, own, EnvSettingsSource(settings_cls, env_prefix=PREFIX)


class ProcessSettings(DatabaseSettings):
    """What the gateway and every service have in common."""

    sandbox: bool = Field(default=False, description="Sandbox: shared secrets, plain X-Actor, a law clock that can be set.")
    sandbox_any_bind: bool = Field(default=False, description="Let a sandbox listen on a non-loopback address.")
    pool_size: int = Field(8, ge=1, le=100, description="PostgreSQL connections of this process.")
    acquire_timeout_s: float = Field(2.0, gt=0, description="Seconds to wait for a free connection before answering 503.")
    command_timeout_s: float = Field(10.0, gt=0, description="Seconds one statement may take.")
    body_limit_bytes: int = Field(1 << 20, ge=1024, description="Largest request body.")
    body_depth_limit: int = Field(32, ge=2, description="Deepest nesting of a JSON body.")
    request_deadline_s: float = Field(15.0, gt=0, description="Seconds one request may take.")
    log_level: str = Field("INFO", description="Level of the structured log on standard error.")


class EvidenceSettings(ProcessSettings):
    """What sealing a process's evidence needs, and the places outside its database."""

    nats_url: SecretStr = Field(description="NATS URL with credentials; several, separated by commas, for a cluster.")
    audit_key_file: Path = Field(description="Private Ed25519 key (JWK or JWKS) that signs audit checkpoints, mode 0600.")
    audit_copy_dir: Path = Field(description="Folder, outside the database's machine, that gets a copy of every checkpoint.")
    audit_seal_s: float = Field(5.0, gt=0, le=10, description="Seconds between looks at audit lines that have no seal.")
    audit_overdue_s: float = Field(
        14_400, gt=0, description="Seconds evidence may wait for seal or copies before personal data are refused."
    )
    audit_retention_days: int = Field(1096, ge=183, description="Days audit lines are kept.")


class ServiceSettings(EvidenceSettings):
    """Settings of a service behind the gateway."""

    key_file: Path = Field(description="JSON key file of this service, mode 0600.")
    cipher_suite: Literal["aes-256-gcm", "sm4-gcm"] = Field("aes-256-gcm", description="Suite of keys made from now on.")
    key_refresh_s: float = Field(5.0, gt=0, le=300, description="Seconds between looks at the data keys and the key file.")
    inside_jwks_file: Path = Field(description="Public keys (JWKS) of the gateway's inside token.")
    relay_poll_s: float = Field(1.0, gt=0, description="Seconds between looks at the outbox when nothing wakes the relay.")
    changes_retention_days: int = Field(35, ge=1, description="Days published events stay readable and re-publishable.")
    attachments_folder: Path | None = Field(None, description="Folder of sealed files and of those that are arriving.")
    attachments_s3_url: str | None = Field(
        None, description="https://host[:port]/bucket[/prefix]; sealed files are kept there."
    )
    attachments_s3_region: str = Field("us-east-1", description="Region in the signature.")
    attachments_s3_access_key: SecretStr | None = Field(None, description="Access key of the bucket.")
    attachments_s3_secret_key: SecretStr | None = Field(None, description="Secret key of the bucket.")
    attachments_grace_s: float = Field(
        86_400.0, ge=600, description="Seconds before a stored file that nobody owns is removed."
    )
    crash_at: str = Field("", description="Sandbox only: the point at which this process kills itself, for tests.")

    @field_validator("attachments_s3_url")
    @classmethod
    def _bucket_of_an_object_store(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._-]+)+/?", value):
            raise ValueError("must be like https://host:port/bucket/prefix, of plain characters")
        return value

    @model_validator(mode="after")
    def refuse_crash_outside_sandbox(self) -> Self:
        """A process that serves people never dies on purpose."""
        if crash_points.check(self.crash_at) and not self.sandbox:
            raise ValueError("crash_at is for a sandbox only")
        return self
