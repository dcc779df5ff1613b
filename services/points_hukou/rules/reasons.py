"""Why something is not lawful, or not possible: a code, its article, and both languages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. `rule` is the id of the policy page."""

    code: str
    article: str
    rule: str
    message_zh: str
    message_en: str
