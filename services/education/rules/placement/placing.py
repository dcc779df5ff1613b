"""The placement of a round: sound input in, a result that explains itself out. Pure; the same for the same, always."""

from services.education.rules.placement.columns import columns_of
from services.education.rules.placement.lottery import Draw
from services.education.rules.placement.mechanisms import band_of, run
from services.education.rules.placement.outcomes import Placement
from services.education.rules.placement.problem import Problem
from services.education.rules.placement.soundness import require_sound
from services.education.rules.placement.units import units_of


def place(problem: Problem, draw: Draw) -> Placement:
    """Place everybody, and find why. Raises UnsoundProblemError; ValueError when the draw is of another round."""
    if draw.round != problem.round:
        raise ValueError(f"the draw is of round {draw.round!r}, the problem of {problem.round!r}")
    require_sound(problem)
    return place_sound(problem, draw)


def place_sound(problem: Problem, draw: Draw) -> Placement:
    """The same where it is known that nothing stands against the problem."""
    columns = columns_of(problem, units_of(problem, draw))
    return Placement(problem, columns, run(columns, band_of(problem.rules))).explain()
