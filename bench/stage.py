"""The suite under measurement, started as `make run` starts it: where its parts are, who may ask them, how to freeze them."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from gateway.keys import SigningKeys
from gateway.routes import known_scopes, load_routes
from services.chassis.auth import ISSUER, TOKEN_TYPE
from services.suite.data_folder import Layout
from services.suite.postgres import SUPERUSER
from services.suite.running import RunningSuite
from services.suite.secrets_file import Passwords
from tests.journeys.suite import Office, Suite, running_suite

DIVISION = "330282"
PURPOSE = "residence_registration"
ACTOR = "officer-0017"
SCOPES = tuple(sorted(known_scopes(load_routes())))  # like the demo client
_INSIDE_LIFE_S = 60


@dataclass(frozen=True, slots=True)
class Stage:
    """The running suite with its addresses and secrets."""

    suite: Suite
    running: RunningSuite
    office: Office

    @property
    def layout(self) -> Layout:
        """Where things lie in the data folder."""
        return Layout(self.suite.data_dir)

    @property
    def gateway_url(self) -> str:
        """The door."""
        return self.running.base_url

    def service_url(self, service: str) -> str:
        """A service behind the door."""
        return self.running.urls[service]

    def variable(self, name: str) -> str:
        """A setting of the suite's processes."""
        return self.running.variables[f"XINSHIMIN_{name}"]

    def superuser_url(self, database: str) -> str:
        """A database as the superuser, whom no row policy binds: for limits and for looking on, never for what is measured."""
        password = Passwords(self.layout.secrets, server_exists=True).of(SUPERUSER)
        parts = urlsplit(self.variable("REGISTRY__DATABASE_URL"))
        address = parts.netloc.rpartition("@")[2]
        return urlunsplit(
            (parts.scheme, f"{SUPERUSER}:{quote(password, safe='')}@{address}", f"/{database}", parts.query, parts.fragment)
        )

    def inside_headers(self, service: str) -> dict[str, str]:
        """What the gateway sends to a service on behalf of the demo client; good for less than a minute."""
        keys = SigningKeys.load(Path(self.variable("GATEWAY__INSIDE_KEY_FILE")))
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": service,
            "sub": self.office.client_id,
            "org": "demo",
            "div": DIVISION,
            "scp": sorted(SCOPES),
            "act": ACTOR,
            "pur": PURPOSE,
            "iat": now,
            "exp": now + _INSIDE_LIFE_S,
        }
        return {"Authorization": f"Bearer {keys.sign(TOKEN_TYPE, claims)}"}

    def outside_headers(self) -> dict[str, str]:
        """What an outside client sends to the gateway."""
        return {"Authorization": f"Bearer {self.office.token()}", "X-Purpose": PURPOSE, "X-Actor": ACTOR}

    def hold(self, *processes: str) -> None:
        """Freeze processes of the suite (SIGSTOP), so that others can be measured alone."""
        for name in processes:
            os.kill(self.running.pids[name], signal.SIGSTOP)

    def let_go(self, *processes: str) -> None:
        """Let frozen processes go on."""
        for name in processes:
            os.kill(self.running.pids[name], signal.SIGCONT)

    @contextmanager
    def held(self, *processes: str) -> Iterator[None]:
        """Freeze processes for a while."""
        self.hold(*processes)
        try:
            yield
        finally:
            self.let_go(*processes)

    async def value(self, database: str, sql: str, *arguments: object) -> int:
        """One number from a database, as the superuser."""
        connection = await asyncpg.connect(self.superuser_url(database))
        try:
            found: int = await connection.fetchval(sql, *arguments)
        finally:
            await connection.close()
        return found


@contextmanager
def running_stage() -> Iterator[Stage]:
    """Start a suite of its own in a temporary folder, on free ports."""
    with running_suite() as suite:
        running = RunningSuite.model_validate_json(Layout(suite.data_dir).running.read_text())
        yield Stage(suite, running, suite.demo())
