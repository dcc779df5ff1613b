"""What a route that lists asks for, and answers with (`cursors`, which a worker may load: it knows nothing of the web)."""

from typing import Annotated

from fastapi import Query

from services.chassis.cursors import ItemT, Page, after, page_of, sign, unsign

__all__ = ["PAGE_LIMIT_MAX", "CursorParameter", "ItemT", "LimitParameter", "Page", "after", "page_of", "sign", "unsign"]

PAGE_LIMIT_MAX = 200

CursorParameter = Annotated[
    str | None, Query(max_length=256, description="`next_cursor` of the page before; empty or left out for the first page.")
]
LimitParameter = Annotated[int, Query(ge=1, le=PAGE_LIMIT_MAX, description="Items per page.")]
