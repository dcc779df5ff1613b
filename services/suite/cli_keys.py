"""`xinshimin keys`: new key files, which keys protect a service's data, and new ones for old while it runs."""

# ruff: noqa: PLC0415 - importing a command's needs only when it runs keeps `xinshimin --help` quick

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from services.suite.options import AsJson, Names, adopt_running_suite

if TYPE_CHECKING:
    from services.chassis.rotation import RotationReport

keys = typer.Typer(help="Keys of services: create, list, rotate, rewrap. No command shows a key.", no_args_is_help=True)

Service = Annotated[str, typer.Option("--service", help="The service whose keys these are.")]


@keys.command()
def create(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The key file to make; it must not exist.")],
    *,
    kind: Annotated[
        Literal["service", "audit", "gateway"],
        typer.Option("--kind", help="Keys of a service, its key for signing evidence, or one of the gateway's signing keys."),
    ] = "service",
    shares_with: Annotated[
        Path | None,
        typer.Option("--shares-with", help="Key file of another service of the suite, whose document token keys are shared."),
    ] = None,
    public: Annotated[
        Path | None, typer.Option("--public", help="Also write the public half (JWKS) of a signing key here.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key file (mode 0600) for your key store; one that exists is never overwritten.

    With XINSHIMIN_CIPHER_SUITE=sm4-gcm a service's blind indexes are made by HMAC-SM3.
    """
    from services.suite.environment import load_settings
    from services.suite.key_creation import KeyFileKind
    from services.suite.key_creation import create as create_file
    from services.suite.screen import show

    suite = load_settings().cipher_suite
    made = create_file(file, KeyFileKind(kind), suite=suite, shares_with=shares_with, public=public)
    show({"made": [str(path) for path in made]}, [f"Made {path}." for path in made], as_json=as_json)


@keys.command("list")
def list_keys(
    names: Names = None,
    *,
    count: Annotated[bool, typer.Option("--count", help="Count the values under each key; reads whole tables.")] = False,
    as_json: AsJson = False,
) -> None:
    """Data keys with suite and state, key-encryption keys in use, and the running processes with the key they seal with."""
    from services.suite import access, catalogue, key_tasks
    from services.suite.screen import show

    adopt_running_suite()
    chosen = names or [service.name for service in catalogue.SERVICES]

    async def work() -> dict[str, dict[str, Any]]:
        return {name: await key_tasks.overview(name, count=count) for name in chosen}

    found = access.run(work())
    lines = []
    for name, each in found.items():
        lines.append(f"{name}: keys wrapped by {', '.join(each['wrapped_by'])}; {each['person_keys']} keys of persons")
        for key in each["data_keys"]:
            values = "" if key["values"] is None else f", {key['values']} values"
            lines.append(f"  {key['key_id']}: {key['suite']}, {key['state']}, wrapped by {key['kek_id']}{values}")
        lines += [f"  a process seals with {reader}" for reader in each["readers"]]
    show({"services": found}, lines, as_json=as_json)


@keys.command()
def rotate(service: Service, *, as_json: AsJson = False) -> None:
    """Make a new data key, seal every value of SERVICE again under it while the service runs, and retire the others.

    The suite is that of XINSHIMIN_CIPHER_SUITE. An interrupted rotation is taken up by the next call. Ends with exit code 0
    only when no value is left under another key.
    """
    from services.suite import access, key_tasks
    from services.suite.screen import show
    from services.suite.working import Working

    adopt_running_suite()
    with Working(as_json=as_json) as working:
        report = access.run(key_tasks.rotate(service, working.tell))
    retired = ", ".join(report.retired) or "none"
    show(asdict(report), [*_lines(report), f"Retired: {retired}."], as_json=as_json)


@keys.command()
def rewrap(
    service: Service,
    *,
    new_kek: Annotated[
        bool,
        typer.Option("--new-kek", help="First add a fresh key-encryption key to the key file, as the current one."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Wrap all data keys and keys of persons of SERVICE under the key-encryption key that is current in its key file.

    Afterwards the older ones may leave the key file, once no backup from before is needed any more.
    """
    from services.suite import access, key_tasks
    from services.suite.screen import show
    from services.suite.working import Working

    adopt_running_suite()
    with Working(as_json=as_json) as working:
        report = access.run(key_tasks.rewrap(service, working.tell, new_kek=new_kek))
    show(asdict(report), _lines(report), as_json=as_json)


@keys.command("rotate-tokens")
def rotate_tokens(
    *,
    files_from_store: Annotated[
        bool,
        typer.Option(
            "--files-from-store",
            help="Write no key file. First give every service both keys, the new one as current, and call; then take the older "
            "key out, and call again.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make another key for the tokens by which all services know identity documents, while they run.

    Every key file gets the new key, every person's tokens are told again under it, and when each mirror has them, the older
    keys leave the files. An interrupted rotation is taken up by the next call.
    """
    from services.suite import access, token_keys
    from services.suite.screen import show
    from services.suite.working import Working

    adopt_running_suite()
    with Working(as_json=as_json) as working:
        report = access.run(token_keys.rotate(working.tell, files_from_store=files_from_store))
    lines = [f"Document tokens are made with {report.key_id}; {report.told:,} persons told."]
    lines += [f"{name} forgot {count:,} older tokens." for name, count in report.forgotten.items()]
    if report.to_give_up:
        lines.append(f"Now take {', '.join(report.to_give_up)} out of every key file, and call again.")
    show(asdict(report), lines, as_json=as_json)


def _lines(report: "RotationReport") -> list[str]:
    total = sum(report.resealed.values())
    rate = f", {total / report.seconds:,.0f}/s" if report.seconds > 0 else ""
    lines = [f"{label}: {done:,}" for label, done in report.resealed.items()]
    return [
        *lines,
        f"{total:,} values now under {report.key_id} ({report.suite}) in {report.seconds:.1f} s{rate}; {report.left} left.",
    ]
