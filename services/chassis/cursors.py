"""Pages for browsing: opaque signed cursors over (created_at, id). They promise no completeness; `changes` does."""

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import Field

from services.chassis.db import Record
from services.chassis.errors import DomainError, FieldError
from services.chassis.keyring import Keyring
from services.chassis.schemas import View

ItemT = TypeVar("ItemT", bound=View)


class Page(View, Generic[ItemT]):
    """One page; `next_cursor` is null on the last."""

    items: list[ItemT]
    next_cursor: str | None = Field(None, description="Pass as `cursor` for the next page; null on the last page.")


def sign(keyring: Keyring, *values: object) -> str:
    """An opaque token that only we can make."""
    content = json.dumps(values, default=str, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(keyring.sign_cursor(content) + content).decode().rstrip("=")


def unsign(keyring: Keyring, token: str, *, label: str, parameter: str = "cursor") -> list[Any]:
    """The values behind `label` in a token of ours; raises `DomainError('cursor-invalid')` for anything else."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        mark, content = raw[:16], raw[16:]
    except (binascii.Error, ValueError):
        raise _not_ours(parameter) from None
    if not hmac.compare_digest(mark, keyring.sign_cursor(content)):
        raise _not_ours(parameter)
    values: list[Any] = json.loads(content)
    if values[0] != label:
        raise _not_ours(parameter)
    return values[1:]


def after(keyring: Keyring, scope: str, cursor: str | None) -> tuple[datetime, UUID] | None:
    """The (created_at, id) a page starts after, `None` for the first page; `scope` binds a cursor to its list and filters."""
    if not cursor:
        return None
    created_at, item_id = unsign(keyring, cursor, label=scope)
    return datetime.fromisoformat(created_at), UUID(item_id)


def page_of(
    keyring: Keyring,
    scope: str,
    rows: Sequence[Record],
    limit: int,
    view: Callable[[Record], ItemT],
    *,
    id_column: str,
    created_column: str = "created_at",
) -> Page[ItemT]:
    """A page from `limit + 1` rows ordered by (created, id): the extra row only tells that there is more."""
    shown = rows[:limit]
    next_cursor = None
    if len(rows) > limit:
        last = shown[-1]
        next_cursor = sign(keyring, scope, last[created_column].isoformat(), str(last[id_column]))
    return Page(items=[view(row) for row in shown], next_cursor=next_cursor)


def _not_ours(parameter: str) -> DomainError:
    wanted = FieldError(f"?{parameter}", "cursor", "请使用上一次回答给出的标记", "use the token that the answer before gave")
    return DomainError("cursor-invalid", errors=[wanted])
