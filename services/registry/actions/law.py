"""The law in use, read once from the dated values that ship with the code."""

from pathlib import Path

from services.chassis.parameters import read_folder
from services.registry.rules.law import compile_law

LAW = compile_law(read_folder(Path(__file__).parents[1] / "parameters"))
