"""Uploading and downloading as a client does."""

from typing import Any

import httpx

from tests.running import Caller

PATH = "/v1/registry/attachments"


async def upload(
    caller: Caller, content: Any, media_type: str = "application/pdf", *, headers: dict[str, str] | None = None, **query: str
) -> httpx.Response:
    """POST of a file as evidence, unless `purpose` says otherwise."""
    sent = {"content-type": media_type, **(headers or {})}
    return await caller.call("POST", PATH, content=content, params={"purpose": "evidence", **query}, headers=sent)


async def uploaded(caller: Caller, content: Any, media_type: str = "application/pdf", **options: Any) -> dict[str, Any]:
    """The attachment that was made."""
    answer = await upload(caller, content, media_type, **options)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def download(caller: Caller, attachment_id: str) -> httpx.Response:
    """GET of the content."""
    return await caller.get(f"{PATH}/{attachment_id}/content")
