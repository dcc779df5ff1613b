"""`xinshimin clients`: the systems that may call the gateway."""

# ruff: noqa: PLC0415 - importing a command's needs only when it runs keeps `xinshimin --help` quick

import getpass
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from services.suite.exits import ExitCode, SuiteError
from services.suite.options import AsJson, adopt_running_suite

if TYPE_CHECKING:
    from gateway.clients import CreatedClient
    from services.chassis.db import Pool

Result = TypeVar("Result")

clients = typer.Typer(help="Clients: the systems that may call the gateway.", no_args_is_help=True)

ClientId = Annotated[str, typer.Argument(help="The client's id.")]
PublicKey = Annotated[Path | None, typer.Option(help="File with the client's public P-256 key as a JWK.", exists=True)]


@clients.command()
def create(
    name: Annotated[str, typer.Argument(help="Name of the calling system.")],
    *,
    organisation: Annotated[str, typer.Option(help="The organisation that answers for it.")],
    division: Annotated[str, typer.Option(help="Division code (GB/T 2260) that bounds what it sees.")],
    scope: Annotated[list[str] | None, typer.Option(help="A scope; repeat for more. In a sandbox, without any: all.")] = None,
    purpose: Annotated[
        list[str] | None, typer.Option(help="A purpose; repeat for more. In a sandbox, without any: all.")
    ] = None,
    sandbox: Annotated[bool | None, typer.Option(help="A shared secret instead of a key. Default: as the suite is.")] = None,
    public_key: PublicKey = None,
    as_json: AsJson = False,
) -> None:
    """Register a client. Its secret, if it has one, is shown this once."""
    from gateway.clients import ANY_PURPOSE, create_client
    from gateway.routes import known_scopes, load_routes

    is_sandbox = _suite_is_sandbox() if sandbox is None else sandbox
    scopes = scope or (sorted(known_scopes(load_routes())) if is_sandbox else [])
    purposes = purpose or ([ANY_PURPOSE] if is_sandbox else [])
    jwk = _read_jwk(public_key)

    async def act(pool: "Pool") -> "CreatedClient":
        return await create_client(
            pool,
            name=name,
            organisation=organisation,
            division_code=division,
            scopes=scopes,
            purposes=purposes,
            sandbox=is_sandbox,
            public_key_jwk=jwk,
            operator=getpass.getuser(),
        )

    _show_created(_on_gateway(act), as_json=as_json)


@clients.command("list")
def list_command(*, as_json: AsJson = False) -> None:
    """All clients, revoked ones too, oldest first."""
    from gateway.clients import list_clients
    from services.suite.screen import show

    found = _on_gateway(list_clients)
    lines = [
        f"{each.client_id}  {each.name} ({each.organisation}, {each.division_code})  "
        f"{'revoked' if each.revoked_at else 'sandbox' if each.sandbox else 'active'}  {len(each.scopes)} scopes"
        for each in found
    ]
    show({"clients": [asdict(each) for each in found]}, lines or ["No clients."], as_json=as_json)


@clients.command()
def rotate(
    client_id: ClientId,
    *,
    public_key: PublicKey = None,
    overlap: Annotated[float, typer.Option(help="Seconds the old public keys stay usable.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Give a client a new secret, or with --public-key a new key."""
    from gateway.clients import rotate_public_key, rotate_secret

    jwk = _read_jwk(public_key)
    operator = getpass.getuser()

    async def act(pool: "Pool") -> "CreatedClient":
        if jwk is None:
            return await rotate_secret(pool, client_id, operator=operator)
        return await rotate_public_key(pool, client_id, jwk, overlap_s=overlap, operator=operator)

    _show_created(_on_gateway(act), as_json=as_json)


@clients.command()
def revoke(client_id: ClientId, *, as_json: AsJson = False) -> None:
    """End a client for good; its tokens die within seconds."""
    from gateway.clients import revoke_client
    from services.suite.screen import show

    async def act(pool: "Pool") -> None:
        await revoke_client(pool, client_id, operator=getpass.getuser())

    _on_gateway(act)
    show({"client_id": client_id, "revoked": True}, [f"{client_id} is revoked."], as_json=as_json)


def _on_gateway(act: Callable[["Pool"], Awaitable[Result]]) -> Result:
    """Run `act` on the gateway's database."""
    from services.suite import access
    from services.suite.catalogue import GATEWAY

    adopt_running_suite()

    async def work() -> Result:
        async with access.database(GATEWAY) as pool:
            return await act(pool)

    return access.run(work())


def _suite_is_sandbox() -> bool:
    from services.suite import access
    from services.suite.catalogue import GATEWAY

    adopt_running_suite()
    return access.settings_of(GATEWAY).sandbox


def _read_jwk(file: Path | None) -> dict[str, Any] | None:
    if file is None:
        return None
    try:
        content = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise SuiteError(ExitCode.WRONG_SETTINGS, f"{file} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise SuiteError(ExitCode.WRONG_SETTINGS, f"{file} is not one JWK.")
    return content


def _show_created(created: "CreatedClient", *, as_json: bool) -> None:
    from services.suite.screen import show

    secret = created.client_secret
    lines = [f"Client id      {created.client_id}"]
    if secret is not None:
        lines.append(f"Client secret  {secret}  (not shown again)")
    show({"client_id": created.client_id, "client_secret": secret, "key_id": str(created.key_id)}, lines, as_json=as_json)
