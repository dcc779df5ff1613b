"""What a rule found in something entered: a problem that stops it or a warning that travels with it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. `rule` is the policy number (`C-03`, `RR-04`). The messages never repeat a value of a person's
    record.
    """

    code: str
    rule: str
    message_zh: str
    message_en: str
