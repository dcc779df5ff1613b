"""Settings of the counting service."""

from typing import ClassVar

from services.chassis.settings import ServiceSettings


class CountingSettings(ServiceSettings):
    """As every service's."""

    process: ClassVar[str] = "counting"
