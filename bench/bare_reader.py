"""The limit of reading: a bare Starlette service that looks one row up by key with asyncpg and answers the very same bytes."""

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


def application(database_url: str) -> Starlette:
    """One route, one statement, no more: no token, no purpose, no evidence, no decryption, no log."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with asyncpg.create_pool(database_url, min_size=1, max_size=8) as pool:
            app.state.pool = pool
            yield

    async def read(request: Request) -> Response:
        person_id = UUID(request.path_params["person_id"])
        answer = await request.app.state.pool.fetchval("SELECT answer FROM bench.person WHERE person_id = $1", person_id)
        return Response(answer, media_type="application/json")

    return Starlette(routes=[Route("/v1/persons/{person_id}", read)], lifespan=lifespan)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database-url", required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    uvicorn.run(
        application(given.database_url),
        host="127.0.0.1",
        port=given.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
