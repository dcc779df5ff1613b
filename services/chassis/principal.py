"""Who acts. Pure."""

from dataclasses import dataclass, field

_UNIT = "unit:"


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of one request: a client of an organisation, the officer behind it, where and for what.

    `division_code` bounds what the client may see, by ancestry in the division tree (GB/T 2260, 2 to 12 digits).
    `purpose` is the client's stated purpose of this request; `actor` the officer's id, present when the client's
    organisation vouched for it.
    """

    client_id: str
    organisation: str
    division_code: str
    scopes: frozenset[str] = field(default_factory=frozenset)
    actor: str | None = None
    purpose: str | None = None

    @property
    def unit(self) -> str | None:
        """Which outside unit the client acts for, when its organisation is `unit:<identifier>`; `None`: an office."""
        return unit_of(self.organisation)

    @property
    def holder(self) -> str:
        """Whose the files and operations of this client are: its division's, or the unit's own, which no office then sees."""
        return self.division_code if self.unit is None else self.organisation

    @property
    def division_prefix(self) -> str:
        """The digits that every division code below the client's own begins with; empty means no bound. A unit has no business
        with any division: its bound is its own name, which no code begins with, and the row policies know it by that.
        """
        return division_prefix(self.division_code) if self.unit is None else self.organisation


def unit_of(organisation: str) -> str | None:
    """The identifier in `unit:<identifier>`; `None` for an office."""
    return organisation.removeprefix(_UNIT) if organisation.startswith(_UNIT) else None


def division_prefix(code: str) -> str:
    """The digits a code's descendants begin with: trailing zeros of a level stand for everything below (`330200`)."""
    for length in (9, 6):
        if len(code) in {9, 12} and len(code) > length and not code[length:].strip("0"):
            code = code[:length]
    if len(code) == 6 and code.endswith("00"):
        return code[:2] if code.endswith("0000") else code[:4]
    return code


def service_principal(service: str) -> Principal:
    """The principal of consumers, jobs and migrations: the service itself, not bound to a division."""
    return Principal(client_id=f"service:{service}", organisation="service", division_code="", actor=None, purpose="duty")
