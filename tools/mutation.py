"""How many small faults in the immunisation engine its tests notice: `python -m tools.mutation [FILE …] [--every N]`.

Each fault is one change of the syntax tree – a comparison, an operator, a number, a condition turned round, a returned value, a
statement left out – made in a process of its own, in memory, never in a file. The cases, and after them children made up once
and assessed by the engine as it is, must tell it apart. What survives is listed with its line; the score is the share
noticed.
"""

import argparse
import ast
import multiprocessing
import signal
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path
from random import Random
from types import FunctionType
from typing import Any

ROOT = Path(__file__).parents[1]
ENGINE = ("spans", "courses", "obstacles", "evaluating", "forecasting", "planning", "compiling")
_PACKAGE = "services.health.rules"
_SECONDS = 60
_NO_FAULT = -1
_SWAPPED: dict[type[ast.AST], tuple[type[Any], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}


class Mutator(ast.NodeTransformer):
    """Makes the fault of a number, and knows after a walk how many there are and where this one is."""

    def __init__(self, wanted: int) -> None:
        self.wanted, self.seen, self.where = wanted, 0, ""

    def _is_it(self, node: ast.AST, what: str) -> bool:
        self.seen += 1
        if self.seen - 1 == self.wanted:
            self.where = f"{getattr(node, 'lineno', 0)}: {what}"
            return True
        return False

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """Another comparison."""
        self.generic_visit(node)
        for place, operator in enumerate(node.ops):
            for other in _SWAPPED.get(type(operator), ()):
                if self._is_it(node, f"{type(operator).__name__} → {other.__name__}"):
                    node.ops[place] = other()
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Another operator."""
        self.generic_visit(node)
        for other in _SWAPPED.get(type(node.op), ()):
            if self._is_it(node, f"{type(node.op).__name__} → {other.__name__}"):
                node.op = other()
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        """And for or, or for and."""
        self.generic_visit(node)
        for other in _SWAPPED.get(type(node.op), ()):
            if self._is_it(node, f"{type(node.op).__name__} → {other.__name__}"):
                node.op = other()
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """Without `not`."""
        self.generic_visit(node)
        if isinstance(node.op, ast.Not) and self._is_it(node, "not left out"):
            return node.operand
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """Another number."""
        if isinstance(node.value, int) and not isinstance(node.value, bool) and self._is_it(node, f"{node.value} + 1"):
            return ast.copy_location(ast.Constant(node.value + 1), node)
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        """A condition turned round."""
        self.generic_visit(node)
        if self._is_it(node, "if turned round"):
            node.test = ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node.test)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """max for min, any for all, and the other way round."""
        self.generic_visit(node)
        other = {"max": "min", "min": "max", "any": "all", "all": "any"}.get(getattr(node.func, "id", ""))
        if other and self._is_it(node, f"{other} instead"):
            node.func = ast.copy_location(ast.Name(other, ast.Load()), node.func)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        """A statement left out; documentation stays."""
        self.generic_visit(node)
        if not isinstance(node.value, ast.Constant) and self._is_it(node, "statement left out"):
            return ast.copy_location(ast.Pass(), node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """Only the value of an annotated name."""
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """The body alone: types and decorators are not the law."""
        node.body = [self.visit(each) for each in node.body]
        return node


def faults_in(module: str) -> int:
    """How many faults can be made in a module."""
    mutator = Mutator(_NO_FAULT)
    mutator.visit(_tree(module))
    return mutator.seen


def _tree(module: str) -> ast.Module:
    return ast.parse((ROOT / _PACKAGE.replace(".", "/") / f"{module}.py").read_text("utf-8"))


def make(module: str, number: int) -> str:
    """Make one fault in the modules as imported in this process; whoever imported names from there gets the faulty ones."""
    mutator = Mutator(number)
    tree = ast.fix_missing_locations(mutator.visit(_tree(module)))
    loaded = import_module(f"{_PACKAGE}.{module}")
    before = dict(vars(loaded))
    exec(compile(tree, loaded.__file__ or module, "exec"), vars(loaded))  # noqa: S102 - our own file
    for name, value in before.items():
        if isinstance(value, type) and value.__module__ == loaded.__name__:
            _take_over(value, vars(loaded)[name])
            setattr(loaded, name, value)
    for other in list(sys.modules.values()):
        if getattr(other, "__name__", "").startswith(("services.health", "tests.health")) and other is not loaded:
            for name, value in list(vars(other).items()):
                if name in before and value is before[name] and callable(value) and not isinstance(value, type):
                    setattr(other, name, vars(loaded)[name])
    return mutator.where


def _take_over(kept: type, faulty: type) -> None:
    """The methods of a class as made anew, in the class everybody knows: another class would be told apart by its name
    alone.
    """
    for name, member in vars(faulty).items():
        if isinstance(member, FunctionType | property) and not name.startswith("__"):
            setattr(kept, name, member)


def _children(count: int = 150) -> Iterator[tuple[Any, date]]:
    from bench.forecasting import made_up  # noqa: PLC0415

    random = Random(3)  # noqa: S311 - children made up
    for child in made_up(count, seed=5):
        yield child, date(2026, 11, 30) if random.random() < 0.5 else max(child.born_on, date(2025, 6, 1))


def _answers() -> Iterator[object]:
    """What the engine says: of every case, and of children made up, their plans included."""
    from services.health.actions.schedules import released  # noqa: PLC0415
    from services.health.rules import forecasting, planning, spans  # noqa: PLC0415
    from services.health.rules.compiling import compile_programme  # noqa: PLC0415
    from tests.health.schedule_cases import cases, expected, outcome  # noqa: PLC0415
    from tests.health.test_planning import with_mmr_deferred  # noqa: PLC0415
    from tests.health.test_schedules import REFUSED, refusal, with_city  # noqa: PLC0415

    yield [str(spans.parse_span(text)) for text in ("birth", "12 hours", "25 hours", "28 days", "1 year", "13 years 6 months")]
    programme = compile_programme(released())
    for case in cases():
        yield outcome(programme, case) == expected(case)
    yield repr(sorted((each.id, each.valid_from, sorted(each.series)) for each in with_city().editions))
    for wait in (15, 28, 29):
        kept_back = with_mmr_deferred(date(2023, 2, 10) + timedelta(wait))
        yield planning.shortest_plan(programme, kept_back, date(2023, 2, 10))
    for old, new, _ in REFUSED:
        yield refusal(old, new)
    for number, (child, day) in enumerate(_children()):
        yield forecasting.assess(programme, child, day)
        if number < 25:
            yield planning.shortest_plan(programme, child, day)
            yield planning.one_visit(programme, child, day, 2)


def _tried(module: str, number: int, right: list[str], pipe: Any) -> None:
    signal.alarm(_SECONDS)
    where = make(module, number)
    pipe.send(where)
    try:
        noticed = any(repr(each) != wanted for each, wanted in zip(_answers(), right, strict=False))
    except Exception:  # whatever a fault throws is noticed
        noticed = True
    pipe.send(noticed)


def _is_noticed(module: str, number: int, right: list[str]) -> tuple[str, bool]:
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_tried, args=(module, number, right, there))
    process.start()
    there.close()
    try:
        return here.recv(), here.recv()
    except EOFError:  # it did not end in its time
        return f"{number}", True
    finally:
        process.join()


def score(modules: list[str], every: int) -> tuple[int, int, list[str]]:
    """Faults noticed, faults made, and those that survived."""
    right = [repr(each) for each in _answers()]
    noticed, made, survived = 0, 0, list[str]()
    for module in modules:
        if _is_noticed(module, _NO_FAULT, right)[1]:
            raise RuntimeError(f"{module} is told apart without any fault")
        for number in range(0, faults_in(module), every):
            where, is_noticed = _is_noticed(module, number, right)
            made += 1
            noticed += is_noticed
            if not is_noticed:
                survived.append(f"{module}.py:{where}")
    return noticed, made, survived


def main() -> None:
    """Make the faults and print the score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=list(ENGINE), help="modules of services/health/rules")
    parser.add_argument("--every", type=int, default=1, help="only every so many")
    given = parser.parse_args()
    noticed, made, survived = score(given.modules, given.every)
    sys.stdout.write("".join(f"survived {each}\n" for each in survived))
    sys.stdout.write(f"{noticed} of {made} faults noticed: {100 * noticed / made:.1f} %\n")


if __name__ == "__main__":
    main()
