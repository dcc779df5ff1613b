"""The tool that plants faults in the engine plants them, and the tests notice enough of them."""

import ast
import re
import subprocess
import sys

import pytest

from tests.suite.launching import ROOT
from tools.mutation import ENGINE, Mutator, faults_in

SOURCE = """
def rule(day, end):
    '''Not touched.'''
    found.append(day)
    if not day <= end:
        return max(day + 1, end)
    return day is None and end is not None
"""
FAULTS = {
    "pass",
    "if not not day <= end",
    "if not day < end",
    "if not day > end",
    "if day <= end",
    "min(day + 1, end)",
    "max(day - 1, end)",
    "max(day + 2, end)",
    "day is None or end is not None",
    "day is not None and end is not None",
    "day is None and end is None",
}


def test_every_kind_of_fault_is_made_one_at_a_time() -> None:
    count = Mutator(-1)
    unchanged = ast.unparse(count.visit(ast.parse(SOURCE)))
    assert unchanged == ast.unparse(ast.parse(SOURCE))
    made = []
    for number in range(count.seen):
        mutator = Mutator(number)
        text = ast.unparse(ast.fix_missing_locations(mutator.visit(ast.parse(SOURCE))))
        assert mutator.where
        made += [fault for fault in FAULTS if fault in text and fault not in unchanged]
    assert sorted(made) == sorted(FAULTS)


def test_the_engine_has_places_for_faults() -> None:
    assert all(faults_in(module) > 10 for module in ENGINE)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_tests_notice_most_faults_in_the_engine() -> None:
    command = [sys.executable, "-m", "tools.mutation"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = re.search(r"([\d.]+) %", done.stdout)
    assert found is not None
    assert float(found[1]) >= 85, done.stdout
