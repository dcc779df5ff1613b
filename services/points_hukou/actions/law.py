"""The dated values in use, read once from the files that ship with the code."""

from pathlib import Path
from typing import TYPE_CHECKING

from services.chassis.parameters import Document
from services.points_hukou.rules.household_transfers import read_household_transfers
from services.points_hukou.rules.procedure import read_procedure
from services.points_hukou.rules.purposes import read_purposes
from services.points_hukou.rules.rounds import read_rounds

if TYPE_CHECKING:
    from services.points_hukou.rules.simulation import SimulationLaw

_PARAMETERS = Path(__file__).parents[1] / "parameters"


def _document(name: str) -> Document:
    file = _PARAMETERS / f"{name}.toml"
    return Document.parse(file.name, file.read_text("utf-8"))


def simulation_law() -> "SimulationLaw":
    """What is too small to be shown of a simulation, and where groups of ages begin; read by what simulates alone."""
    from services.points_hukou.rules.simulation import read_simulation_law  # noqa: PLC0415 - no request pays for NumPy

    return read_simulation_law(_document("simulation"))


PURPOSES = read_purposes(_document("purposes"))
"""Which uses the law has closed where."""
PROCEDURE = read_procedure(_document("procedure"))
"""How long an application may take."""
ROUNDS = read_rounds(_document("rounds"))
"""What notices of rounds show."""
TRANSFERS = read_household_transfers(_document("household_transfer"))
"""How long the registry's answer is waited for, and how long a place may be used."""
