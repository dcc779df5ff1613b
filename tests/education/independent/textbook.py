"""Deferred acceptance as Gale and Shapley tell it, with classes, points, ties, a lottery, reserves and twins.

The problem is the published JSON: dictionaries and lists.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

Doc = Mapping[str, Any]


def lottery(problem: Doc, seed: bytes, public_value: str, members: Iterable[str]) -> bytes:
    """HMAC-SHA256 under the seed over a label, the round, the public value and the pseudonyms."""
    names = sorted(members)
    label = "lottery" if len(names) == 1 else "lottery-together"
    text = f"xinshimin/education/placement/{label}/1\0{problem['round']}\0{public_value}\0" + "\0".join(names)
    return hmac.new(seed, text.encode(), hashlib.sha256).digest()


class Family:
    """A child, or several who stay together."""

    def __init__(self, problem: Doc, members: list[Doc], seed: bytes, public_value: str) -> None:
        self.names = sorted(each["id"] for each in members)
        self.number = lottery(problem, seed, public_value, self.names)
        rules = problem["rules"]
        self.worth = min(chain(each, rules) for each in members)
        self.list = [wish["offer"] for wish in members[0]["wishes"]]
        if rules["may_place_unlisted"] and all(each["accepts_any"] for each in members):
            others = sorted(each["id"] for each in problem["offers"] if each["grade"] == members[0]["grade"])
            self.list += [each for each in others if each not in self.list]
        self.claims = {
            offer: set.intersection(*({*each["claims"], *at(each, offer)} for each in members)) for offer in self.list
        }


def at(child: Doc, offer: str) -> list[str]:
    """The claims of a child at one offer alone."""
    return [claim for wish in child["wishes"] if wish["offer"] == offer for claim in wish["claims"]]


def chain(child: Doc, rules: Doc) -> tuple[float, ...]:
    """Points, then ties; the greater is the better. What is not known is worse than anything."""
    ties = []
    for value, rule in zip(child["ties"], rules["tie_breaks"], strict=True):
        ties.append(float("-inf") if value is None else value if rule["better"] == "more" else -value)
    return child["points"], *ties


def order_at(offer: Doc, rules: Doc, families: list[Family]) -> list[Family]:
    """Those admissible at an offer, who stands first first."""
    ranked = []
    for family in families:
        for place, each in enumerate(rules["priorities"][offer["priority"]]):
            if set(each["needs"]) <= family.claims[offer["id"]]:
                merit = tuple(-value for value in family.worth) if each["ranked_by"] == "points" else ()
                ranked.append((place, merit, family.number, family))
                break
    return [each[-1] for each in sorted(ranked, key=lambda each: each[:3])]


def chosen(offer: Doc, rules: Doc, families: list[Family], seats: dict[str, int]) -> tuple[list[Family], dict[str, int]]:
    """Whom an offer takes: reserves for their group, then everybody, then what reserves left, to whom it returns."""
    steps = [(each["group"], each["group"]) for each in offer["reserves"]] + [("", "")]
    steps += [(each["group"], to) for each in offer["reserves"] for to in each["returns_to"]]
    seats, taken = dict(seats), []
    for kind, group in steps:
        for family in order_at(offer, rules, [each for each in families if each not in taken]):
            if seats[kind] > 0 and (group == "" or group in family.claims[offer["id"]]):
                taken.append(family)
                seats[kind] -= len(family.names)
    return taken, {kind: max(0, number) for kind, number in seats.items()}


def seats_of(offer: Doc) -> dict[str, int]:
    """Places by the group they are kept for; "" for everybody."""
    kept = {each["group"]: each["places"] for each in offer["reserves"]}
    return {**kept, "": offer["places"] - sum(kept.values())}


def families_of(problem: Doc, seed: bytes, public_value: str) -> list[Family]:
    """Everybody."""
    groups: dict[str, list[Doc]] = {}
    for child in problem["children"]:
        groups.setdefault(child["together"] or "alone " + child["id"], []).append(child)
    return [Family(problem, each, seed, public_value) for each in groups.values()]


def textbook(problem: Doc, seed: bytes, public_value: str = "", band: int | None = None) -> dict[str, str | None]:
    """Where every child goes. `band`: wishes until places become final; without it, only when all have stopped."""
    families = families_of(problem, seed, public_value)
    offers = {each["id"]: each for each in problem["offers"]}
    seats = {name: seats_of(each) for name, each in offers.items()}
    final: dict[str, str | None] = {name: None for family in families for name in family.names}
    longest = max((len(family.list) for family in families), default=0)
    for start in range(0, longest, band or max(longest, 1)):
        end = start + (band or longest)
        waiting = [each for each in families if final[each.names[0]] is None]
        held = propose(problem["rules"], offers, seats, {family: family.list[start:end] for family in waiting})
        for name, taken in held.items():
            _, seats[name] = chosen(offers[name], problem["rules"], taken, seats[name])
            final.update({child: name for family in taken for child in family.names})
    return final


def propose(
    rules: Doc, offers: Mapping[str, Doc], seats: Mapping[str, dict[str, int]], lists: Mapping[Family, list[str]]
) -> dict[str, list[Family]]:
    """One family after another asks the best it has not asked; an offer keeps the best it has been asked by."""
    held: dict[str, list[Family]] = {name: [] for name in offers}
    left = {family: list(names) for family, names in lists.items()}
    free = list(lists)
    while free:
        family = free.pop()
        if not left[family]:
            continue
        name = left[family].pop(0)
        asking = [*held[name], family]
        held[name], _ = chosen(offers[name], rules, asking, seats[name])
        free += [each for each in asking if each not in held[name]]
    return held


def dictatorship(problem: Doc, seed: bytes, public_value: str = "") -> dict[str, str | None]:
    """Serial dictatorship by points: where all schools rank alike, one pass gives the same (EDU-84)."""
    families = families_of(problem, seed, public_value)
    left = {each["id"]: each["places"] for each in problem["offers"]}
    given: dict[str, str | None] = {}
    for family in sorted(families, key=lambda each: (tuple(-value for value in each.worth), each.number)):
        name = next((name for name in family.list if left[name] > 0), None)
        if name is not None:
            left[name] -= len(family.names)
        given.update(dict.fromkeys(family.names, name))
    return given
