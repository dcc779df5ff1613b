"""Who may see whom, written naively and from the text alone: architecture §6 (Rows), privacy.md §2, decisions 0011 and later,
"Who may see whom" in the registry's README. Nothing here knows a table or a policy.

A division holds a person that was entered there, until it is registered somewhere; that is registered there; that asked there
for a permit which is open. It sees the person while it holds it and for two years after; so does every division above.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

FIELD_SCOPES = frozenset({"registry.field.personal", "registry.field.sensitive", "registry.field.minors"})
_PERSONAL, _SENSITIVE, _MINORS = "registry.field.personal", "registry.field.sensitive", "registry.field.minors"
OF_AN_OFFICE = frozenset(
    {
        *("landlord", "letter", "premises", "office_notice", "file", "operation", "proposal"),
        *("assignment", "rate", "employer", "rights_request"),
    }
)
NAMING = frozenset({"stay", "visit", "visit_conflict", "employment"})
"""What is seen by others than who sees the person, and names it."""


def two_years_after(day: date) -> date:
    """The same day two years later; of 29 February the 28th."""
    return day.replace(year=day.year + 2, day=28 if (day.month, day.day) == (2, 29) else day.day)


def is_within(code: str, division: str) -> bool:
    """Whether `code` lies in `division` or is it: a province is written with four zeros, a prefecture with two."""
    own = division[:6]
    while len(division) == 6 and own.endswith("00"):
        own = own[:-2]
    return code.startswith(division if len(division) > 6 else own)


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: a client of a division, with some of the three scopes that show fields."""

    name: str
    division: str
    shown: frozenset[str] = FIELD_SCOPES


@dataclass(slots=True, eq=False)
class Hold:
    """A division that holds, or held, a person; `until` is the first day on which it no longer did."""

    division: str
    until: date | None = None
    by_permit: bool = False
    is_restricted: bool = False

    def is_seen(self, division: str, on: date) -> bool:
        """By that division on that day; one that was there before the person was restricted shows nothing (decision 0025)."""
        is_late = self.until is not None and on >= two_years_after(self.until)
        return is_within(self.division, division) and not is_late and not self.is_restricted


@dataclass(slots=True)
class Person:
    """Somebody, and every value that names it."""

    person_id: str
    name: str
    number: str
    phone: str
    born: date
    holds: list[Hold] = field(default_factory=list)
    canonical_id: str = ""
    """set while this id is an alias"""
    deleted_for: list[str] | None = None
    """once deleted: the divisions that could see it on that day"""
    restricted_for: list[str] = field(default_factory=list)
    """once restricted, on every id: the divisions that knew anything of the human, which are told so"""


@dataclass(slots=True)
class Thing:
    """Anything else with an id of its own: what it is about, and where it belongs."""

    kind: str
    thing_id: str
    persons: tuple[str, ...] = ()
    division: str = ""
    ended_on: date | None = None
    of: str = ""
    """the thing it belongs to: the landlord of a home, the home of a stay"""
    secrets: dict[str, str] = field(default_factory=dict)
    """what it keeps to itself, by class: plain, personal or sensitive"""


@dataclass(slots=True)
class Model:
    """Everything that is on the register."""

    persons: dict[str, Person] = field(default_factory=dict)
    things: dict[str, Thing] = field(default_factory=dict)
    resolved: set[tuple[str, str]] = field(default_factory=set)
    """(client, person), on this day of the system clock"""

    def add(self, thing: Thing) -> Thing:
        """Put a thing on the register."""
        self.things[thing.thing_id] = thing
        return thing

    def of_kind(self, kind: str) -> list[Thing]:
        """All things of a kind."""
        return [thing for thing in self.things.values() if thing.kind == kind]

    def ids_of_human(self, person_id: str) -> set[str]:
        """Every id of the same human (decision 0021)."""
        canonical = self.persons[person_id].canonical_id or person_id
        return {canonical} | {other.person_id for other in self.persons.values() if other.canonical_id == canonical}

    def holders(self, person_id: str) -> Iterable[Hold]:
        """Whoever holds one id of a human holds the others."""
        return (hold for each in self.ids_of_human(person_id) for hold in self.persons[each].holds)

    def is_deleted(self, person_id: str) -> bool:
        """Whether nothing but the id is left."""
        return self.persons[person_id].deleted_for is not None

    def sees_person(self, who: Client, person_id: str, on: date) -> bool:
        """Architecture §6."""
        if self.is_deleted(person_id):
            return False
        return any(hold.is_seen(who.division, on) for hold in self.holders(person_id))

    def is_restricted(self, person_id: str) -> bool:
        """Whether the human asked for it, under whichever id."""
        return bool(self.persons[person_id].restricted_for)

    def may_be_told_of_restriction(self, who: Client, person_id: str) -> bool:
        """403 instead of 404 (decision 0025)."""
        return any(is_within(code, who.division) for code in self.persons[person_id].restricted_for)

    def may_be_told_of_deletion(self, who: Client, person_id: str) -> bool:
        """410 instead of 404 (decision 0012)."""
        return any(is_within(code, who.division) for code in self.persons[person_id].deleted_for or ())

    def sees(self, who: Client, thing: Thing, on: date) -> bool:
        """Whether that thing exists for the client on that day."""
        if thing.kind != "proposal" and any(self.is_deleted(person_id) for person_id in thing.persons):
            return False
        of_person = any(self.sees_person(who, person_id, on) for person_id in thing.persons)
        here = bool(thing.division) and is_within(thing.division, who.division)
        is_open_stay = thing.kind == "stay" and thing.ended_on is None
        if thing.kind in NAMING and not is_open_stay and any(map(self.is_restricted, thing.persons)):
            return False
        match thing.kind:
            case "registration":
                # The address is for the divisions that contain it; elsewhere the registration does not exist.
                return of_person and here
            case "permit" | "relationship" | "person_notice" | "case_file" | "merge" | "conflict" | "paper":
                return of_person
            case "duplicate":
                # Two persons are compared before the eyes of who sees both.
                return all(self.sees_person(who, person_id, on) for person_id in thing.persons)
            case "stay" | "visit" | "visit_conflict":
                # The home's division keeps the book, and coordinators their visits with what they disagree about: two years
                # after they tell of nobody.
                return here and (thing.ended_on is None or on < two_years_after(thing.ended_on))
            case "employment":
                # Of whoever sees the person; and of the employer's division, until two years after the end was told.
                return of_person or (here and (thing.ended_on is None or on < two_years_after(thing.ended_on)))
            case kind if kind in OF_AN_OFFICE:
                # Of the office that keeps it, works it off, or may decide it.
                return here
        raise AssertionError(thing.kind)

    def needed(self, person: Person, cls: str, on: date) -> frozenset[str]:
        """Scopes for a value of that class (decision 0011); everything of a child under 14 is sensitive, V-10."""
        born = self.persons[person.canonical_id or person.person_id].born
        age = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
        if cls == "sensitive" or (cls == "contact" and age < 18) or age < 14:
            return frozenset({_SENSITIVE}) | (frozenset({_MINORS}) if age < 18 else frozenset())
        return frozenset({_PERSONAL})

    def secrets_kept_from(self, who: Client, on: date) -> Iterable[tuple[str, str]]:
        """(whose, value) of everything that no answer to this client may contain on that day, whatever it asks."""
        for person in self.persons.values():
            seen = self.sees_person(who, person.person_id, on)
            for cls, value in (
                ("personal", person.name),
                ("sensitive", person.number),
                ("contact", person.phone),
                ("contact", person.born.isoformat()),
            ):
                if not seen or not self.needed(person, cls, on) <= who.shown:
                    yield f"{cls} of {person.person_id}", value
        for thing in self.things.values():
            seen = self.sees(who, thing, on)
            persons = [self.persons[person_id] for person_id in thing.persons]
            for cls, value in thing.secrets.items():
                needed = [self.needed(person, cls, on) for person in persons] or [
                    {"plain": frozenset[str](), "personal": frozenset({_PERSONAL}), "sensitive": frozenset({_SENSITIVE})}[cls]
                ]
                if not seen or not all(scopes <= who.shown for scopes in needed):
                    yield f"{cls} of {thing.kind} {thing.thing_id}", value
