"""Which law was in force when (residence.md, "Versioning"): a regime is picked by the date of the event, never by today's.

A regime is a module of this package and a file of dated values with the same name: `zj_2016.py` and `zj_2016.toml` hold
`zj-2016`. The module offers `permit_rules(document) -> PermitRules`. Adding the two is all it takes to hold one more of the
regimes listed in `regimes.toml`. A regime that says `values_of` reads the dated values of another one's file: its module offers
`permit_rules_beside(rules of that one) -> PermitRules`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from types import ModuleType

from services.chassis.parameters import Document, Fields, ParameterError, Register, text
from services.registry.rules.residence_permit import PermitRules

_Row = tuple[str, str, str, str | None]


@dataclass(frozen=True, slots=True)
class Regime:
    """A regime and the instruments it rests on; in force `valid_from` … `valid_until` − 1, without end when `None`."""

    key: str
    valid_from: date
    valid_until: date | None
    instruments_zh: str
    instruments_en: str
    values_of: str | None = None


class NoRegimeInForceError(LookupError):
    """The event lies before the first regime known."""


class RegimeNotHeldError(LookupError):
    """The regime is known, but its rules are not in this release; `key` names it."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the rules of regime {key} are not held")
        self.key = key


@dataclass(frozen=True, slots=True)
class Regimes:
    """All regimes known, oldest first, and the rules of those held."""

    known: tuple[Regime, ...]
    held: Mapping[str, PermitRules]

    def regime_on(self, event_date: date) -> Regime:
        """The regime in force on the day of the event. Raises NoRegimeInForceError."""
        for regime in self.known:
            if regime.valid_from <= event_date and (regime.valid_until is None or event_date < regime.valid_until):
                return regime
        raise NoRegimeInForceError(f"no regime of residence permits is known for {event_date.isoformat()}")

    def rules_for(self, key: str) -> PermitRules:
        """The rules of a regime. Raises RegimeNotHeldError."""
        try:
            return self.held[key]
        except KeyError:
            raise RegimeNotHeldError(key) from None

    def permit_rules_on(self, event_date: date) -> PermitRules:
        """The rules that decide an event of that day. Raises NoRegimeInForceError or RegimeNotHeldError."""
        return self.rules_for(self.regime_on(event_date).key)


def read_regimes(documents: Mapping[str, Document]) -> Regimes:
    """The regimes in `regimes.toml`, with the rules of every one whose values are there. Raises ParameterError."""
    register = documents["regimes"].register("regimes", _read_regime)
    documents["regimes"].finish()
    known = _in_order(register)
    held = {
        regime.key: _rules_of(regime.key, documents[_stem(regime.key)]) for regime in known if _stem(regime.key) in documents
    }
    beside: dict[str, PermitRules] = {
        regime.key: _module_of(regime.key).permit_rules_beside(held[regime.values_of])
        for regime in known
        if regime.values_of in held
    }
    return Regimes(known, held | beside)


def _read_regime(fields: Fields) -> _Row:
    instruments = fields.take("instruments_zh", text), fields.take("instruments_en", text)
    return fields.take("key", text), *instruments, fields.take_optional("values_of", text)


def _in_order(register: Register[_Row]) -> tuple[Regime, ...]:
    """The regimes oldest first; two in force on one day would leave the law to chance."""
    regimes: list[Regime] = []
    for row in register.rows:
        if row.valid_from is None:
            raise ParameterError(f"regimes.toml: regime {row.value[0]} has no 'valid_from'")
        if regimes and (regimes[-1].valid_until is None or regimes[-1].valid_until > row.valid_from):
            raise ParameterError(f"regimes.toml: regime {row.value[0]} overlaps the one before it")
        key, instruments_zh, instruments_en, values_of = row.value
        regimes.append(Regime(key, row.valid_from, row.valid_until, instruments_zh, instruments_en, values_of))
    return tuple(regimes)


def _rules_of(key: str, document: Document) -> PermitRules:
    name = f"{__package__}.{_stem(key)}"
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ParameterError(f"{document.name} holds the values of regime {key}, but the module {name} is missing") from None
    rules: PermitRules = module.permit_rules(document)
    return rules


def _module_of(key: str) -> ModuleType:
    return import_module(f"{__package__}.{_stem(key)}")


def _stem(key: str) -> str:
    return key.replace("-", "_")
