"""The demo client of a sandbox: all scopes, any purpose, a shared secret."""

from pathlib import Path

from gateway.clients import ClientSummary, create_client, list_clients, revoke_client
from gateway.routes import known_scopes, load_routes
from services.chassis.db import Pool
from services.suite.data_folder import write_atomically
from services.suite.first_calls import DemoClient, read_client

_NAME = "demo"
_DIVISION_CODE = "330282"
_OPERATOR = "xinshimin up"


async def ensure_client(pool: Pool, file: Path, base_url: str) -> DemoClient:
    """The client written down in `file` if it still has every scope, else a new one, and its predecessors are revoked."""
    scopes = known_scopes(load_routes())
    written = read_client(file)
    current = [client for client in await list_clients(pool) if _is_usable(client)]
    if written is not None and any(each.client_id == written.client_id and set(each.scopes) == scopes for each in current):
        demo = written.model_copy(update={"base_url": base_url})
    else:
        for client in current:
            await revoke_client(pool, client.client_id, operator=_OPERATOR)
        demo = await _create(pool, sorted(scopes), base_url)
    write_atomically(file, demo.model_dump_json(indent=2) + "\n")
    return demo


async def _create(pool: Pool, scopes: list[str], base_url: str) -> DemoClient:
    created = await create_client(
        pool,
        name=_NAME,
        organisation=_NAME,
        division_code=_DIVISION_CODE,
        scopes=scopes,
        purposes=["*"],
        sandbox=True,
        operator=_OPERATOR,
    )
    assert created.client_secret is not None, "a sandbox client has a secret"
    return DemoClient(base_url=base_url, client_id=created.client_id, client_secret=created.client_secret)


def _is_usable(client: ClientSummary) -> bool:
    return client.revoked_at is None and client.sandbox and (client.name, client.organisation) == (_NAME, _NAME)
