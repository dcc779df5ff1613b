"""The limit to compare with: a bare Starlette service that reads one row by key with asyncpg and answers with as many bytes."""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def application(database_url: str, answer_bytes: int) -> Starlette:
    """One route, one statement, no more."""
    body = b"x" * answer_bytes

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with asyncpg.create_pool(database_url, min_size=1, max_size=8) as pool:
            app.state.pool = pool
            yield

    async def read(request: Request) -> Response:
        person_id = UUID(request.path_params["person_id"])
        await request.app.state.pool.fetchrow("SELECT sealed, version FROM person WHERE person_id = $1", person_id)
        return Response(body, media_type="application/json")

    return Starlette(routes=[Route("/v1/persons/{person_id}", read)], lifespan=lifespan)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database-url", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--answer-bytes", type=int, required=True)
    given = parser.parse_args()
    uvicorn.run(
        application(given.database_url, given.answer_bytes),
        host="127.0.0.1",
        port=given.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
