"""The dated values in use, read once from the files that ship with the code."""

from pathlib import Path

from services.chassis.parameters import Document
from services.points_hukou.rules.household_transfers import read_household_transfers
from services.points_hukou.rules.procedure import read_procedure
from services.points_hukou.rules.purposes import read_purposes
from services.points_hukou.rules.rounds import read_rounds

_PARAMETERS = Path(__file__).parents[1] / "parameters"


def _document(name: str) -> Document:
    file = _PARAMETERS / f"{name}.toml"
    return Document.parse(file.name, file.read_text("utf-8"))


PURPOSES = read_purposes(_document("purposes"))
"""Which uses the law has closed where."""
PROCEDURE = read_procedure(_document("procedure"))
"""How long an application may take."""
ROUNDS = read_rounds(_document("rounds"))
"""What notices of rounds show."""
TRANSFERS = read_household_transfers(_document("household_transfer"))
"""How long the registry's answer is waited for, and how long a place may be used."""
