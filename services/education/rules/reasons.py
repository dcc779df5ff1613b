"""Why something came out as it did: a code, its article, and both languages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. `article`: of the instrument, where one is known; `rule`: the id of the policy page."""

    code: str
    article: str
    rule: str
    message_zh: str
    message_en: str
