"""Whether a confirmed entry in the household register ends a registration and a permit here (RR-37). Pure.

Who has become local hukou is floating no more and needs neither (RR-01). Who has not – the new registration lies in another
county – keeps both. What was registered after the entry contradicts it: an officer has to say what is true.
"""

from dataclasses import dataclass
from datetime import date

from services.registry.rules.findings import Finding

PERSON_UNKNOWN = Finding("person_unknown", "RR-37", "登记簿中没有此人。", "There is no such person on the register.")
PERSON_DELETED = Finding("person_deleted", "V-19", "此人的信息已依法删除。", "The person's data have been deleted by law.")
CONFLICT_OPEN = Finding(
    "merge_conflict_open",
    "RR-37",
    "合并后该人员有两项在册的登记、证件或公民身份号码,须先由经办人员终止或认定其中一项,或撤销合并。",
    "By a merge two registrations, permits or citizen numbers are current; an officer settles which, or parts the two, first.",
)
STILL_FLOATING = Finding(
    "still_floating",
    "RR-01",
    "户口所在地与居住登记地不在同一县(市、区),仍属流动人口。",
    "With the household registration there, the person is still floating where the residence is registered.",
)
REGISTERED_LATER = Finding(
    "registered_after_entry",
    "RR-37",
    "现有居住登记或居住证申请晚于落户日期,请核实。",
    "The registration or permit here was made after the entry in the household register; find out which is true.",
)
NO_RULE = Finding(
    "end_not_ruled",
    "RR-37",
    "当日适用的规定没有此注销事由。",
    "The rules of that day do not know this reason for an end.",
)


@dataclass(frozen=True, slots=True)
class TransferFacts:
    """What is current of the person. `is_floating`: by the new household registration; `None` where nothing tells.
    `begun_on`: when each of what is current was registered or applied for.
    """

    entered_on: date
    is_contested: bool
    is_floating: bool | None
    begun_on: tuple[date, ...]
    is_end_ruled: bool


def obstacles(facts: TransferFacts) -> tuple[Finding, ...]:
    """Every reason for which nothing is ended; none where it is, or where nothing is current."""
    found = (
        (CONFLICT_OPEN, facts.is_contested),
        (STILL_FLOATING, facts.is_floating is True),
        (REGISTERED_LATER, any(day > facts.entered_on for day in facts.begun_on)),
        (NO_RULE, not facts.is_end_ruled),
    )
    return tuple(finding for finding, holds in found if holds)
