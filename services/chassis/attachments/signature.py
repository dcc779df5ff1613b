"""AWS Signature Version 4 for S3: authenticates a request and its body's digest. Pure."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

_ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who signs, and for which region."""

    access_key: str
    secret_key: str = field(repr=False)
    region: str


def signed_headers(
    credentials: Credentials, method: str, *, host: str, path: str, content_sha256: str, at: datetime
) -> dict[str, str]:
    """The headers that authenticate a request without a query, at `at` (UTC). `path` is percent-encoded as it is sent."""
    stamp, day = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
    signed: Mapping[str, str] = {"host": host, "x-amz-content-sha256": content_sha256, "x-amz-date": stamp}
    names = ";".join(signed)
    lines = [method, path, "", *(f"{name}:{value}" for name, value in signed.items()), "", names, content_sha256]
    scope = f"{day}/{credentials.region}/s3/aws4_request"
    text = "\n".join([_ALGORITHM, stamp, scope, hashlib.sha256("\n".join(lines).encode()).hexdigest()])
    key = f"AWS4{credentials.secret_key}".encode()
    for part in (day, credentials.region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    who = f"Credential={credentials.access_key}/{scope}"
    return {
        "X-Amz-Content-Sha256": content_sha256,
        "X-Amz-Date": stamp,
        "Authorization": f"{_ALGORITHM} {who},SignedHeaders={names},Signature={signature}",
    }
