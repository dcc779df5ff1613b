"""Whether a problem can be placed at all: everything that stands against it at once, each with its field and rule."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from services.chassis.errors import FieldError
from services.education.rules.placement.problem import EVERYBODY, Child, Mechanism, Offer, PlacementRules, Problem, Reserve
from services.education.rules.placement.stages import OPEN

_BOUND = 1_000_000_000
_TOLD_MAX = 200
_TAKEN_NAMES = {EVERYBODY, OPEN}
_Found = Iterator[FieldError]


class UnsoundProblemError(ValueError):
    """A problem that cannot be placed; `errors` are all that was found, up to two hundred."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = tuple(errors[:_TOLD_MAX])
        self.found = len(errors)
        first = errors[0]
        super().__init__(f"{first.pointer}: {first.message_zh} · {first.message_en} [{first.rule}] ({len(errors)})")


def require_sound(problem: Problem) -> None:
    """Raises UnsoundProblemError."""
    errors = list(problems_of(problem))
    if errors:
        raise UnsoundProblemError(errors)


def require_sound_rules(rules: PlacementRules) -> None:
    """Raises UnsoundProblemError."""
    errors = list(_of_rules(rules))
    if errors:
        raise UnsoundProblemError(errors)


def problems_of(problem: Problem) -> Iterator[FieldError]:
    """Everything that stands against a problem."""
    if not problem.round:
        yield _error("/round", "missing", "须写明轮次", "the round has no name", "education.md §5.3")
    yield from _of_rules(problem.rules)
    yield from _of_offers(problem)
    yield from _of_children(problem)
    yield from _of_bundles(problem)


def _of_rules(rules: PlacementRules) -> _Found:
    if (rules.mechanism is Mechanism.PARALLEL) != (rules.band is not None) or (rules.band is not None and rules.band < 1):
        yield _error(
            "/rules/band",
            "band",
            "平行志愿须写明每段志愿数(至少1),其他办法不写",
            "parallel needs the number of wishes of a band, one or more; no other mechanism has one",
            "EDU-81",
        )
    if rules.wishes_max < 0:
        yield _error("/rules/wishes_max", "range", "须为0(不限)或以上", "0 (no limit) or more", "education.md §4.5")
    yield from _twice("/rules/tie_breaks", [each.id for each in rules.tie_breaks], "EDU-53")
    yield from _twice("/rules/claims", [each.id for each in rules.claims], "education.md §4.5")
    known = {each.id for each in rules.claims}
    if known & _TAKEN_NAMES:
        yield _error("/rules/claims", "name", "名称另有所指", f"none may be called {sorted(_TAKEN_NAMES)}", "education.md §4.5")
    for name, classes in rules.priorities.items():
        where = f"/rules/priorities/{name}"
        yield from _twice(where, [each.id for each in classes], "education.md §5.3")
        if not classes:
            yield _error(where, "empty", "至少须有一个优先类别", "there must be a class", "education.md §5.3")
        for place, each in enumerate(classes):
            yield from _unknown(f"{where}/{place}/needs", each.needs, known, "education.md §5.3")


def _of_offers(problem: Problem) -> _Found:
    claims = {each.id for each in problem.rules.claims}
    yield from _twice("/offers", [each.id for each in problem.offers], "EDU-05")
    for place, offer in enumerate(problem.offers):
        where = f"/offers/{place}"
        if offer.places < 0 or offer.places > _BOUND:
            yield _error(f"{where}/places", "range", "学位数不能为负", "places cannot be negative", "EDU-05")
        if offer.priority not in problem.rules.priorities:
            yield _unknown_one(f"{where}/priority", offer.priority, "education.md §5.3")
        yield from problems_of_reserves(where, offer, claims)


def problems_of_reserves(where: str, offer: Offer, claims: set[str]) -> _Found:
    """Everything that stands against the reserves of an offer, for groups of these names."""
    rule = "education.md §4.5"
    yield from _twice(f"{where}/reserves", [each.group for each in offer.reserves], rule)
    for place, reserve in enumerate(offer.reserves):
        at = f"{where}/reserves/{place}"
        if reserve.places < 0:
            yield _error(f"{at}/places", "range", "学位数不能为负", "places cannot be negative", rule)
        if not reserve.legal_ground.strip():
            yield _error(f"{at}/legal_ground", "missing", "预留须写明法律依据", "a reserve needs its legal ground", rule)
        yield from _unknown(f"{at}/group", [reserve.group], claims, rule)
        yield from _of_return(f"{at}/returns_to", reserve, claims)
    if sum(each.places for each in offer.reserves) > offer.places:
        zh, en = "预留之和超过学位数", "more is reserved than there are places"
        yield _error(f"{where}/reserves", "sum", zh, en, rule)


def _of_return(at: str, reserve: Reserve, claims: set[str]) -> _Found:
    rule = "education.md §5.3"
    yield from _twice(at, reserve.returns_to, rule)
    yield from _unknown(at, [each for each in reserve.returns_to if each != EVERYBODY], claims - {reserve.group}, rule)
    if EVERYBODY in reserve.returns_to[:-1]:
        yield _error(at, "order", "“所有人”只能排在最后", "everybody can only stand last", rule)


def _of_children(problem: Problem) -> _Found:
    rules = problem.rules
    yield from _twice("/children", [each.id for each in problem.children], "EDU-19")
    grade_of = {each.id: each.grade for each in problem.offers}
    claims = {each.id for each in rules.claims}
    for place, child in enumerate(problem.children):
        yield from _of_child(place, child, problem, grade_of, claims)


def _of_child(place: int, child: Child, problem: Problem, grade_of: dict[str, int], claims: set[str]) -> _Found:
    rules = problem.rules
    if not child.id:
        yield _error(f"/children/{place}/id", "missing", "须有代号", "a child needs its pseudonym", "EDU-19")
    if len(child.ties) != len(rules.tie_breaks):
        zh = f"须按规则给出{len(rules.tie_breaks)}项同分比较值,不知道的写 null"
        en = f"must have {len(rules.tie_breaks)} tie values in the order of the rules, null where not known"
        yield _error(f"/children/{place}/ties", "length", zh, en, "EDU-53")
    if not all(-_BOUND <= value <= _BOUND for value in (child.points, *(each for each in child.ties if each is not None))):
        yield _error(f"/children/{place}/points", "range", "分值过大", "points or a tie value are out of bounds", "P-32")
    if rules.wishes_max and len(child.wishes) > rules.wishes_max:
        zh, en = f"最多填报{rules.wishes_max}个志愿", f"at most {rules.wishes_max} wishes"
        yield _error(f"/children/{place}/wishes", "length", zh, en, "education.md §4.5")
    if not claims.issuperset(child.claims):
        yield from _unknown(f"/children/{place}/claims", child.claims, claims, "education.md §4.5")
    yield from _of_wishes(f"/children/{place}/wishes", child, grade_of, claims)


def _of_wishes(where: str, child: Child, grade_of: dict[str, int], claims: set[str]) -> _Found:
    seen: set[str] = set()
    for number, wish in enumerate(child.wishes):
        if wish.offer in seen:
            yield _error(f"{where}/{number}/offer", "twice", "同一学校填报两次", "the same offer is named twice", "EDU-51")
        seen.add(wish.offer)
        grade = grade_of.get(wish.offer)
        if grade is None:
            yield _unknown_one(f"{where}/{number}/offer", wish.offer, "EDU-05")
        elif grade != child.grade:
            zh, en = f"该学位属于{grade}年级", f"these places are of grade {grade}"
            yield _error(f"{where}/{number}/offer", "grade", zh, en, "education.md §4.5")
        if wish.claims and not claims.issuperset(wish.claims):
            yield from _unknown(f"{where}/{number}/claims", wish.claims, claims, "education.md §4.5")


def _of_bundles(problem: Problem) -> _Found:
    bundles: dict[str, list[int]] = {}
    for place, child in enumerate(problem.children):
        if child.together is not None:
            bundles.setdefault(child.together, []).append(place)
    for places in bundles.values():
        first = problem.children[places[0]]
        if len(places) == 1:
            zh, en = "申请同校的另一名儿童不在其中", "the child it shall stay together with is not here"
            yield _error(f"/children/{places[0]}/together", "alone", zh, en, "EDU-35")
        list_of_first = (first.grade, [each.offer for each in first.wishes])
        for place in places[1:]:
            child = problem.children[place]
            if (child.grade, [each.offer for each in child.wishes]) != list_of_first:
                zh, en = "申请同校的儿童须填报相同的志愿", "children who stay together name the same wishes in the same order"
                yield _error(f"/children/{place}/wishes", "differs", zh, en, "EDU-35")


def _twice(where: str, ids: Iterable[str], rule: str) -> _Found:
    counted = Counter(ids)
    if len(counted) != counted.total():
        for each, times in counted.items():
            if times > 1:
                yield _error(where, "twice", f"“{each}”重复", f"{each!r} is given twice", rule)


def _unknown(where: str, given: Iterable[str], known: set[str], rule: str) -> _Found:
    yield from (_unknown_one(where, each, rule) for each in given if each not in known)


def _unknown_one(where: str, given: str, rule: str) -> FieldError:
    return _error(where, "unknown", f"没有“{given}”", f"there is no {given!r}", rule)


_error: Callable[[str, str, str, str, str], FieldError] = FieldError
