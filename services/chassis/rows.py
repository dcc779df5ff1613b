"""For whom a statement runs: the row context that row-level security reads (architecture §6). Pure.

The first act of every transaction and of every read sets it, for that transaction only: nothing of it stays on a pooled
connection. Without a context no policy lets a row through. A client sees what its division, its id and the law's day let it
see; consumers, jobs, relay, snapshots, migrations and the command line say `SERVICE` and see everything.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal, Self

from services.chassis.principal import Principal

KIND_SETTING = "xinshimin.kind"
_PLAN_ONCE = (("plan_cache_mode", "force_generic_plan"), ("enable_seqscan", "off"))
_SETTINGS = (KIND_SETTING, "xinshimin.division", "xinshimin.client", "xinshimin.law_date")


@dataclass(frozen=True, slots=True)
class RowContext:
    """`division` holds the digits every division code in sight begins with; `law_date` is the law's today."""

    kind: Literal["client", "service"]
    division: str = ""
    client: str = ""
    law_date: date | None = None

    @classmethod
    def of(cls, principal: Principal, law_date: date) -> Self:
        """The context of a client's request."""
        return cls("client", principal.division_prefix, principal.client_id, law_date)

    @property
    def values(self) -> tuple[str, str, str, str]:
        """The settings' values, in the order of the arguments that `protected` adds."""
        return (self.kind, self.division, self.client, self.law_date.isoformat() if self.law_date else "")

    @property
    def begin(self) -> str:
        """SQL that begins a transaction in this context, in one round trip.

        A client's command touches a few rows, each by a key, so its plans are made once: planning costs more than running. And
        they use the index although the table may still be small, because they outlive that. What the service does by itself
        may be about thousands of rows; PostgreSQL plans it as it likes.
        """
        planning = _PLAN_ONCE if self.kind == "client" else ()
        settings = (_set(name, _literal(value)) for name, value in (*planning, *zip(_SETTINGS, self.values, strict=True)))
        return f"BEGIN; SELECT {', '.join(settings)}"

    @property
    def for_transaction(self) -> str:
        """SQL that gives a transaction this context."""
        settings = (_set(name, _literal(value)) for name, value in zip(_SETTINGS, self.values, strict=True))
        return f"SELECT {', '.join(settings)}"


SERVICE = RowContext("service")
"""The context of what the service does by itself."""

SERVICE_SESSION = {KIND_SETTING: "service"}
"""Settings of a connection that only the service itself uses and that belongs to no pool: leaders, migrations."""


def protected(query: str, arguments: int) -> str:
    """`query`, which takes `arguments`, as one statement that sets the row context, given in four more, and then reads.

    The order is certain. `found` asks for a column of `context`, so PostgreSQL reads `context` first; OFFSET 0 keeps it from
    dissolving either in the other. Outside a transaction a statement is its own, so the settings end with it.
    """
    settings = (f"{_set(name, f'${arguments + place}')} IS NOT NULL" for place, name in enumerate(_SETTINGS, start=1))
    return (
        f"SELECT found.* FROM (SELECT {' AND '.join(settings)} AS is_set OFFSET 0) context CROSS JOIN LATERAL ("  # noqa: S608
        f"SELECT query.* FROM (\n{query}\n) query WHERE context.is_set OFFSET 0) found"
    )


def _set(name: str, value: str) -> str:
    return f"set_config('{name}', {value}, true)"


def _literal(value: str) -> str:
    """As PostgreSQL reads it with `standard_conforming_strings`, which the pool insists on."""
    if "\0" in value:
        raise ValueError("a row context has no zero bytes")
    return "'" + value.replace("'", "''") + "'"
