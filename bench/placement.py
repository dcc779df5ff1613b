"""School placement: the engine with every refusal explained against the goals of issue 6, a bare loop without explanations on
the same season, and the PyPI package `matching` at a size it survives. Needs no suite.
"""

import heapq
import json
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.figures import Figure, Goal, median
from bench.season import ROUND, season
from services.education.rules.placement.lottery import Draw
from services.education.rules.placement.outcomes import Placement
from services.education.rules.placement.placing import place, place_sound
from services.education.rules.placement.problem import Problem, class_of
from services.education.rules.placement.proving import make_bundle, verify
from services.education.rules.placement.published import read_bundle, write_bundle
from services.education.rules.placement.wording import Explainer

CHILDREN, SCHOOLS, WISHES = 50_000, 200, 6
_ROUNDS = 5
_SECONDS = 0.5
_EXPLAINED_S = 10.0
_VERIFIED_S = 20.0
_MEMORY_MB = 500.0
_OF_BARE = 1.0
_OF_MATCHING = 5.0
_SURVIVES = (2_000, 20, WISHES)
_MATCHING = "matching==1.4.3"
_DRAW = Draw(ROUND, bytes(range(32)))
# Not `ru_maxrss`: across exec it keeps what the parent had.
_MEMORY = """
from pathlib import Path
from bench.placement import CHILDREN, SCHOOLS, WISHES, everything
from bench.season import season
everything(season(CHILDREN, SCHOOLS, WISHES, with_reserves=True))
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))
"""


def measure() -> list[Figure]:
    """The algorithm, all explanations, the published round, memory, and what is measured beside it."""
    full = season(CHILDREN, SCHOOLS, WISHES, with_reserves=True)
    return [_algorithm(full), _explained(full), _published(full), _memory(), _beside_bare(), _beside_matching()]


def everything(problem: Problem) -> int:
    """The whole step but for reading and storing: place, explain, put every reason into words."""
    placement = place(problem, _DRAW)
    explainer = Explainer(placement)
    return sum(len(list(explainer.reasons_of(each.child))) for each in placement.records())


def _seconds(run: Callable[[], object]) -> float:
    """Of the processor: nothing here waits, and a clock on the wall tells of the neighbours."""
    started = time.process_time()
    run()
    return time.process_time() - started


def _algorithm(full: Problem) -> Figure:
    wall, own = [], []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        own.append(_seconds(partial(place_sound, full, _DRAW)))
        wall.append(time.perf_counter() - started)
    return Figure(
        name="placement, everybody explained",
        unit="s",
        ours=median(own),
        kind=Goal.AT_MOST,
        goal=_SECONDS,
        note=f"of the processor, {median(wall):.2f} s by the clock; {_size()}, reserves; with lottery, ranks, reasons",
    )


def _size() -> str:
    return f"{CHILDREN:,} children × {SCHOOLS} schools × {WISHES} wishes"


def _explained(full: Problem) -> Figure:
    return Figure(
        name="placement with every reason in words",
        unit="s",
        ours=_seconds(partial(everything, full)),
        kind=Goal.AT_MOST,
        goal=_EXPLAINED_S,
        note=f"of the processor; {_size()}: checking the input, placement, records, a text in two languages for every wish",
    )


def _published(full: Problem) -> Figure:
    content = write_bundle(make_bundle(place_sound(full, _DRAW), _DRAW))
    found: list[object] = []
    seconds = _seconds(lambda: found.extend(verify(read_bundle(content))))
    if found:
        raise RuntimeError(f"the published round does not verify: {found[0]}")
    return Figure(
        name="a published round verified",
        unit="s",
        ours=seconds,
        kind=Goal.AT_MOST,
        goal=_VERIFIED_S,
        note=f"of the processor; a file of {len(content) / 1e6:.0f} MB: read, done again, checked for envy and waste, digest",
    )


def _memory() -> Figure:
    done = subprocess.run([sys.executable, "-c", _MEMORY], check=True, capture_output=True, text=True)
    return Figure(
        name="memory of a placement",
        unit="MB",
        ours=int(done.stdout) / 1024,
        kind=Goal.AT_MOST,
        goal=_MEMORY_MB,
        note="a process of its own, at its highest: input, result, every reason in words",
    )


def _beside_bare() -> Figure:
    problem = season(CHILDREN, SCHOOLS, WISHES, with_reserves=False)
    ours, bare = [], []
    for _ in range(_ROUNDS):
        ours.append(_seconds(partial(place_sound, problem, _DRAW)))
        bare.append(_seconds(partial(_bare, problem)))
    if _bare(problem) != _placed(place_sound(problem, _DRAW)):
        raise RuntimeError("the engine and the bare loop do not agree")
    return Figure(
        name="placement, beside a bare loop",
        unit="children/s",
        ours=CHILDREN / median(ours),
        limit=CHILDREN / median(bare),
        limit_name="heaps in Python: same input, no reserves, no explanations",
        kind=Goal.RATIO,
        goal=_OF_BARE,
        note="of the processor; the same placement; ours knows why everybody was refused",
    )


def _placed(placement: Placement) -> dict[str, str | None]:
    return {each.id: placement.offer_of(each.id) for each in placement.problem.children}


def _bare(problem: Problem) -> dict[str, str | None]:
    """One child after another asks; each school holds the best in a heap."""
    classes = {each.id: problem.rules.priorities[each.priority] for each in problem.offers}
    places = {each.id: each.places for each in problem.offers}
    numbers = _DRAW.numbers([each.id for each in problem.children])
    worth = [
        (each.points, *each.ties, -int.from_bytes(number[:8])) for each, number in zip(problem.children, numbers, strict=True)
    ]
    held: dict[str, list[Any]] = {name: [] for name in places}
    class_at: dict[tuple[str, tuple[str, ...], tuple[str, ...]], int | None] = {}
    asked, free, children = [0] * len(worth), list(range(len(worth))), problem.children
    while free:
        child = free.pop()
        one = children[child]
        if asked[child] == len(one.wishes):
            continue
        wish = one.wishes[asked[child]]
        asked[child] += 1
        key = (wish.offer, one.claims, wish.claims)
        if key not in class_at:
            class_at[key] = class_of(classes[wish.offer], frozenset(one.claims + wish.claims))
        place_in_class = class_at[key]
        if place_in_class is None:
            free.append(child)
            continue
        heap, asking = held[wish.offer], (-place_in_class, worth[child], child)
        if len(heap) < places[wish.offer]:
            heapq.heappush(heap, asking)
        else:
            free.append(heapq.heappushpop(heap, asking)[-1])
    found: dict[str, str | None] = dict.fromkeys(each.id for each in children)
    found.update({children[each[-1]].id: name for name, heap in held.items() for each in heap})
    return found


def _beside_matching() -> Figure:
    """Preferences of both sides written out for it, which is not counted; the same placement, or the run ends."""
    problem = season(*_SURVIVES, with_reserves=False)
    placement = place_sound(problem, _DRAW)
    ours = median([_seconds(partial(place_sound, problem, _DRAW)) for _ in range(_ROUNDS)])
    theirs, note = _matching(problem, placement)
    return Figure(
        name="placement, beside matching",
        unit="children/s",
        ours=_SURVIVES[0] / ours,
        limit=None if theirs is None else _SURVIVES[0] / theirs,
        limit_name=_MATCHING,
        kind=Goal.RATIO,
        goal=_OF_MATCHING,
        note=f"{_SURVIVES[0]:,} × {_SURVIVES[1]}, {note}",
    )


def _matching(problem: Problem, placement: Placement) -> tuple[float | None, str]:
    columns = placement.columns
    ranked: dict[str, list[str]] = {each.id: [] for each in problem.offers}
    for row in columns.row_at.tolist():
        ranked[problem.offers[int(columns.offer[row])].id].append(columns.units[int(columns.unit[row])].members[0])
    asked = {
        "children": {each.id: [wish.offer for wish in each.wishes] for each in problem.children},
        "offers": {name: order for name, order in ranked.items() if order},
        "places": {each.id: each.places for each in problem.offers if ranked[each.id]},
    }
    with TemporaryDirectory() as folder:
        python = Path(folder) / "environment" / "bin" / "python"
        try:
            venv.create(Path(folder) / "environment", with_pip=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", _MATCHING], check=True, capture_output=True, timeout=300)
        except (subprocess.SubprocessError, OSError) as error:
            return None, f"not installed here: {type(error).__name__}"
        given = Path(folder) / "given.json"
        given.write_text(json.dumps(asked), "utf-8")
        program = Path(__file__).with_name("matching_hospitals.py")
        done = subprocess.run([python, "-W", "ignore", program, given], check=True, capture_output=True, text=True)
        told = json.loads(done.stdout)
    placed = {each.id: None for each in problem.children} | {
        name: offer for offer, names in told["matched"].items() for name in names
    }
    if placed != _placed(placement):
        raise RuntimeError("the engine and matching do not agree")
    return float(told["seconds"]), "of the processor; the same placement, in an environment of its own"
