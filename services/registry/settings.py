"""Settings of the registry's process."""

from typing import ClassVar

from services.chassis.settings import ServiceSettings


class RegistrySettings(ServiceSettings):
    """The registry adds nothing to what every service has."""

    process: ClassVar[str] = "registry"
