"""`If-Match`: which version a change is based on (RFC 9110 §13.1.1, RFC 6585 §3)."""

import re

from services.chassis.errors import DomainError, FieldError

HEADER = "If-Match"
_STRONG_VERSION = re.compile(r'"([1-9][0-9]{0,8})"')


def parse_if_match(header: str | None, *, required: bool) -> int | None:
    """The version in `If-Match: "3"`.

    Raises `DomainError('if-match-required')` when it is required and absent, `('if-match-invalid')` for a weak tag, a
    list or `*`: a change is based on one version that was read.
    """
    if header is None:
        if required:
            raise DomainError("if-match-required")
        return None
    match = _STRONG_VERSION.fullmatch(header.strip())
    if match is None:
        wanted = FieldError(HEADER, "format", '应为读取时返回的 ETag，如 "3"', 'the ETag of the answer you read, such as "3"')
        raise DomainError("if-match-invalid", errors=[wanted])
    return int(match.group(1))
