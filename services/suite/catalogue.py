"""The table of processes a suite consists of. A new service is one line here."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.suite.exits import ExitCode, SuiteError

if TYPE_CHECKING:
    from services.chassis.app import ServiceDefinition
    from services.chassis.settings import ProcessSettings


@dataclass(frozen=True, slots=True)
class Process:
    """One process, by the package that holds it; nothing of the package is imported before it is needed."""

    name: str
    package: str
    settings_class: str

    @property
    def is_gateway(self) -> bool:
        """The one door; all others stand behind it."""
        return self.name == GATEWAY

    @property
    def migrations(self) -> Path:
        """Folder of its Alembic migrations."""
        spec = find_spec(self.package)
        assert spec is not None, f"{self.package} is not installed"
        assert spec.origin is not None
        return Path(spec.origin).parent / "migrations"

    def settings(self) -> "ProcessSettings":
        """Its settings, from the environment."""
        chosen: ProcessSettings = getattr(import_module(f"{self.package}.settings"), self.settings_class)()
        return chosen

    def application(self, settings: "ProcessSettings") -> Any:
        """Its ASGI application."""
        create: Callable[[Any], Any] = import_module(f"{self.package}.app").create_app
        return create(settings)

    def definition(self) -> "ServiceDefinition":
        """Its definition; raises `SuiteError` for the gateway, which has neither events nor a definition."""
        if self.is_gateway:
            raise SuiteError(ExitCode.WRONG_SETTINGS, "The gateway has no events; name a service.")
        found: ServiceDefinition = import_module(f"{self.package}.app").DEFINITION
        return found


GATEWAY = "gateway"

SERVICES = (
    Process("registry", "services.registry", "RegistrySettings"),
    Process("points_hukou", "services.points_hukou", "PointsHukouSettings"),
    Process("health", "services.health", "HealthSettings"),
    Process("education", "services.education", "EducationSettings"),
)
PROCESSES = (*SERVICES, Process(GATEWAY, "gateway", "GatewaySettings"))


def process(name: str) -> Process:
    """The process called `name`; raises `SuiteError` for a name that is none."""
    for candidate in PROCESSES:
        if candidate.name == name:
            return candidate
    known = ", ".join(candidate.name for candidate in PROCESSES)
    raise SuiteError(ExitCode.WRONG_SETTINGS, f"There is no process {name!r}; there are: {known}.")
