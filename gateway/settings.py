"""Settings of the gateway process, from the environment only (`XINSHIMIN_GATEWAY__<NAME>`, then `XINSHIMIN_<NAME>`)."""

from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from services.chassis.settings import EvidenceSettings


class GatewaySettings(EvidenceSettings):
    """What the gateway needs beyond what every process needs."""

    process: ClassVar[str] = "gateway"

    upstreams: dict[str, str] = Field(description='Base URL of each service, as JSON: {"registry": "http://127.0.0.1:8001"}.')
    access_key_file: Path = Field(description="Private ES256 JWK that signs access tokens for the outside; mode 0600.")
    inside_key_file: Path = Field(description="Private ES256 JWK that signs inside tokens for the services; mode 0600.")
    issuer: str = Field(
        "https://xinshimin.local", description="Our issuer identifier (RFC 8414): `iss` of tokens, `aud` of assertions."
    )
    public_url: str | None = Field(None, description="Where clients reach this gateway; without it the issuer is taken.")
    access_token_s: int = Field(600, ge=30, le=3600, description="Life of an access token in seconds.")
    token_quota: int = Field(600, ge=1, description="Access tokens one client gets per minute, over all replicas.")
    token_failure_quota: int = Field(
        60, ge=1, description="Failed authentications per minute and address that are answered 401; the next ones 429."
    )
    inside_token_s: int = Field(60, ge=30, le=60, description="Life of an inside token in seconds.")
    client_cache_s: float = Field(3.0, ge=0, le=5, description="Seconds a client's row is believed before it is read again.")
    url_limit_bytes: int = Field(8192, ge=256, description="Longest request target.")
    header_limit: int = Field(64, ge=16, description="Most header fields of one request.")
    connect_timeout_s: float = Field(2.0, gt=0, description="Seconds to reach a service.")
    max_connections: int = Field(200, ge=1, description="Connections to one service.")
    max_in_flight: int = Field(1000, ge=1, description="Forwarded requests under way at once; beyond them 503 at once.")
    clock_settle_s: float = Field(30.0, gt=0, description="Seconds a sandbox waits until a moved clock has had its effects.")

    @field_validator("upstreams")
    @classmethod
    def _plain_http_urls(cls, value: dict[str, str]) -> dict[str, str]:
        for name, url in value.items():
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
                raise ValueError(f"upstream {name} must be like http://host:port")
        return {name: url.rstrip("/") for name, url in value.items()}

    @field_validator("issuer", "public_url")
    @classmethod
    def _no_trailing_slash(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if urlsplit(value).scheme not in {"http", "https"}:
            raise ValueError("must be an http or https URL")
        return value.rstrip("/")

    @property
    def outside_url(self) -> str:
        """The address clients use, without a slash at the end."""
        return self.public_url or self.issuer
