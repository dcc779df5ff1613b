"""The law in use, read once from the dated values that ship with the code."""

from pathlib import Path

from services.chassis.parameters import read_folder
from services.chassis.working_days import calendar
from services.registry.rules.law import compile_law

_PARAMETERS = Path(__file__).parents[1] / "parameters"

LAW = compile_law(read_folder(_PARAMETERS), (_PARAMETERS / "divisions_national.tsv.xz").read_bytes(), calendar())
