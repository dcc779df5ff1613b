"""One process of the suite: the application of a service or of the gateway under uvicorn."""

import gc
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from pydantic import ValidationError

from services.chassis.settings import PREFIX
from services.suite import catalogue
from services.suite.environment import wrong_settings
from services.suite.exits import ExitCode, SuiteError
from services.suite.listening import BACKLOG, is_loopback

# Behind the gateway, longer than it keeps idle connections; at the door, long enough for a client that calls now and then.
_KEEP_ALIVE_S = 65
_GRACE_S = 15
# A request makes some hundred objects and hardly ever a cycle; looking for cycles after every 700 objects costs a tenth of it.
_COLLECT_AFTER = (10_000, 20, 50)


def serve(name: str, *, listener: socket.socket) -> None:
    """Serve `name` on `listener` until SIGTERM or SIGINT; requests under way may take 15 s more.

    Raises `SuiteError` for settings that are wrong or a sandbox that would be reachable from other machines.
    """
    process = catalogue.process(name)
    try:
        settings = process.settings()
    except ValidationError as error:
        raise wrong_settings(error) from None
    if settings.sandbox and not settings.sandbox_any_bind and not is_loopback(listener):
        raise SuiteError(
            ExitCode.WRONG_SETTINGS,
            f"A sandbox has shared secrets and a clock anybody may set; it listens on loopback only, unless "
            f"{PREFIX}SANDBOX_ANY_BIND=1 says that this network is safe.",
        )
    with _lasting_objects():
        application = process.application(settings)
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )
    uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def _lasting_objects() -> Iterator[None]:
    """What is made here stays: do not look through it while making it, nor ever again (a sixth of the time to start)."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        gc.set_threshold(*_COLLECT_AFTER)
