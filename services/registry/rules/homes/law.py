"""The dated values about homes, read together."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.chassis.parameters import Document
from services.registry.rules.homes.capacity import CapacityParameters, read_capacity_parameters
from services.registry.rules.homes.premises import PremisesParameters, read_premises_parameters
from services.registry.rules.homes.star_rating import InspectionParameters, read_inspection_parameters


@dataclass(frozen=True, slots=True)
class HomesLaw:
    """What decides about homes."""

    premises: PremisesParameters
    capacity: CapacityParameters
    inspections: InspectionParameters


def read_homes_law(documents: Mapping[str, Document]) -> HomesLaw:
    """Every document about homes. Raises ParameterError."""
    homes = documents["homes"]
    law = HomesLaw(
        premises=read_premises_parameters(homes),
        capacity=read_capacity_parameters(homes),
        inspections=read_inspection_parameters(documents["inspections"]),
    )
    homes.finish()
    return law
