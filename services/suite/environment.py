"""The launcher's settings and the variables it hands on. No other module of the suite looks at the environment."""

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Literal

from dotenv import dotenv_values
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.chassis.settings import PREFIX
from services.suite.exits import ExitCode, SuiteError

VARIABLES: MutableMapping[str, str] = os.environ  # noqa: TID251 - read here, handed on explicitly
CHECKOUT = Path(__file__).resolve().parent.parent.parent
_ENV_FILE = f"{PREFIX}ENV_FILE"


class SuiteSettings(BaseSettings):
    """Settings of the launcher; those of the processes are their own (`.env.example` explains each)."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, env_ignore_empty=True)

    cipher_suite: Literal["aes-256-gcm", "sm4-gcm"] = Field(
        "aes-256-gcm", description="Suite of keys made from now on; with sm4-gcm, new key files index by HMAC-SM3."
    )
    port: int = Field(8000, ge=0, le=65535, description="Port of the gateway on 127.0.0.1; 0 takes a free one.")
    data_dir: Path = Field(CHECKOUT / ".data", description="Folder of everything the suite keeps.")
    sandbox: bool = Field(default=False, description="Sandbox mode; `make run` sets it.")
    postgres_bin: Path | None = Field(None, description="Folder with the binaries of PostgreSQL 18 or later.")
    nats_server: Path | None = Field(None, description="The program nats-server, 2.15 or later.")
    free_disk_min_mb: int = Field(500, ge=0, description="Free megabytes below which the suite refuses to start.")
    ready_timeout_s: float = Field(90.0, gt=0, description="Seconds all processes together may take to become ready.")
    stop_timeout_s: float = Field(20.0, gt=0, description="Seconds a process may take to finish what it is doing.")


def load_settings() -> SuiteSettings:
    """The launcher's settings; raises `SuiteError` naming the variable that is wrong."""
    try:
        settings = SuiteSettings()
    except ValidationError as error:
        raise wrong_settings(error) from None
    return settings.model_copy(update={"data_dir": settings.data_dir.absolute()})


def load_env_file() -> None:
    """Take variables from `.env` in the checkout (another file by `XINSHIMIN_ENV_FILE`, none if that is empty).

    What the environment says already wins.
    """
    named = VARIABLES.get(_ENV_FILE)
    path = CHECKOUT / ".env" if named is None else Path(named)
    if named == "" or not path.is_file():
        return
    adopt({name: value for name, value in dotenv_values(path).items() if value is not None})


def adopt(variables: Mapping[str, str]) -> None:
    """Add variables to this process's environment; what it says already wins."""
    for name, value in variables.items():
        VARIABLES.setdefault(name, value)


def variable(process: str, name: str) -> str:
    """The variable that sets `name` for one process alone."""
    return f"{PREFIX}{process.upper()}__{name}"


def is_given(process: str, name: str) -> bool:
    """Whether the environment sets `name` for this process, or for all."""
    return variable(process, name) in VARIABLES or PREFIX + name in VARIABLES


def refuse_shared_database() -> None:
    """One database for all processes is never meant (architecture §1)."""
    for name in ("DATABASE_URL", "MIGRATION_URL"):
        if PREFIX + name in VARIABLES:
            raise SuiteError(
                ExitCode.WRONG_SETTINGS, f"{PREFIX}{name} would give all processes one database; set {PREFIX}<PROCESS>__{name}."
            )


def wrong_settings(error: ValidationError) -> SuiteError:
    """What is wrong with which variable, without its value: it may be a secret."""
    title = error.title
    lines = [f"{PREFIX}{'__'.join(str(part) for part in item['loc']).upper()}: {item['msg']}" for item in error.errors()]
    return SuiteError(ExitCode.WRONG_SETTINGS, f"Settings ({title}):\n  " + "\n  ".join(lines))
