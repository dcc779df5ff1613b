"""Settings of this service: those every service has."""

from typing import ClassVar

from services.chassis.settings import ServiceSettings


class PointsHukouSettings(ServiceSettings):
    """Read from `XINSHIMIN_POINTS_HUKOU__…`, then from `XINSHIMIN_…`."""

    process: ClassVar[str] = "points_hukou"
