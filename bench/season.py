"""A season of school entry, made up: popular schools and others, siblings, soldiers' children, ties everywhere."""

from random import Random

from services.education.rules.placement.problem import (
    Child,
    Claim,
    Mechanism,
    Offer,
    PlacementRules,
    PriorityClass,
    Problem,
    Reserve,
    Source,
    TieBreak,
    Wish,
)

ROUND = "bench"


def season(children: int, schools: int, wishes: int, *, with_reserves: bool, seed: int = 1) -> Problem:
    """Two places for three children; the schools named most have the square root of their rank less weight each."""
    random = Random(seed)
    classes = (
        PriorityClass("resident", "住户一致", "home and registration agree", "EDU-33", ("resident",)),
        PriorityClass("sibling", "长幼随学", "sibling at the school", "EDU-35", ("sibling",)),
        PriorityClass("points", "积分", "points", "EDU-34"),
    )
    claims = tuple(Claim(each, each, each, "education.md §4.5") for each in ("resident", "sibling", "soldier"))
    ties = (TieBreak("permit", "居住证月数", "months of permit"), TieBreak("insurance", "社保月数", "months of insurance"))
    rules = PlacementRules(Mechanism.DEFERRED_ACCEPTANCE, wishes, ties, claims, {"public": classes})
    reserves = (Reserve("soldier", 3, "EDU-09"),) if with_reserves else ()
    places = children * 2 // 3 // schools
    offers = tuple(
        Offer(f"S{number:03}", f"S{number:03}", 1, Source.PUBLIC, places, "public", reserves) for number in range(schools)
    )
    weights = [(1 + number) ** -0.5 for number in range(schools)]
    made = []
    for _ in range(children):
        named = list(dict.fromkeys(random.choices(range(schools), weights, k=wishes * 4)))[:wishes]
        listed = tuple(Wish(offers[each].id, ("sibling",) if random.random() < 0.03 else ()) for each in named)
        own = ("resident",) if random.random() < 0.05 else ("soldier",) if random.random() < 0.01 else ()
        values = (random.randrange(120), random.randrange(120))
        made.append(Child(f"{random.getrandbits(128):032x}", 1, random.randrange(300) * 50, values, listed, own))
    return Problem(ROUND, rules, offers, tuple(made))
