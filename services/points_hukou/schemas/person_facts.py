"""The facts of a person, for one rule set on one day: data first, what is missing, what disagrees."""

from collections.abc import Iterable
from datetime import date
from typing import Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue

from services.chassis.fields import PersonalView, Sight
from services.chassis.schemas import View
from services.points_hukou.rules.compiling import RuleSet
from services.points_hukou.rules.gathering.gathering import GatheredFacts, Said
from services.points_hukou.rules.gathering.sources import Reliability

_EXAMPLE: dict[str, Any] = {
    "person_id": "01935a3e-7c1a-7e42-9b54-1f2d3c4b5a69",
    "rule_set": "ningbo-2022",
    "on": "2026-11-30",
    "facts": [
        {
            "masked_fields": [],
            "fact": "birth_date",
            "name_zh": "出生日期",
            "name_en": "date of birth",
            "value": "1990-05-01",
            "is_contested": False,
            "said": [
                {
                    "masked_fields": [],
                    "value": "1990-05-01",
                    "source": "本市居住登记系统",
                    "reliability": "registry",
                    "as_of": "2026-11-30",
                    "evidence_id": None,
                    "counts": True,
                    "is_contested": False,
                    "is_later": False,
                }
            ],
        }
    ],
    "missing": [{"fact": "education", "name_zh": "学历学位", "name_en": "education proved", "is_required": False}],
    "untold": [
        {"fact": "has_offended", "name_zh": "处于违法犯罪扣分冻结期", "name_en": "offence or crime", "is_required": False}
    ],
    "unreadable_evidence_ids": [],
}


class SaidView(PersonalView):
    """What one source says of a fact."""

    value: JsonValue
    source: str = Field(description="The office that said it.")
    reliability: Reliability
    as_of: date
    evidence_id: UUID | None = Field(description="Null for what the registry says.")
    counts: bool = Field(description="Whether it is part of the value that counts; otherwise it says something else.")
    is_contested: bool
    is_later: bool = Field(
        description="Knowledge of a later day than asked for, which does not say since when: it does not count for that day."
    )


class FactView(PersonalView):
    """One fact: the value that counts, who said it, and who says something else."""

    fact: str
    name_zh: str
    name_en: str
    value: JsonValue = Field(description="What counts; null when only sources that do not count say anything.")
    is_contested: bool = Field(description="It counts all the same until the office that gave it has answered.")
    said: list[SaidView]


class MissingFactView(View):
    """What no source that counts says."""

    fact: str
    name_zh: str
    name_en: str
    is_required: bool


class PersonFactsView(View):
    """What is known of a person of everything a rule set asks for."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    person_id: UUID = Field(description="The person; another id than asked for when persons were merged.")
    rule_set: str
    on: date
    facts: list[FactView]
    missing: list[MissingFactView] = Field(description="The applicant is asked for these alone (P-10).")
    untold: list[MissingFactView] = Field(description="Only offices tell it, and none has; the applicant is not asked.")
    unreadable_evidence_ids: list[UUID] = Field(description="Given under an older text of the rule set; counts for nothing.")

    @classmethod
    def of(cls, gathered: GatheredFacts, rule_set: RuleSet, sight: Sight) -> Self:
        """The facts as `sight` shows them."""
        values: Any = gathered.document["facts"]
        others = {each.fact: each.others for each in gathered.conflicts}
        names = [name for name in rule_set.facts if name in values or name in others]
        facts = []
        for name in names:
            fact, counted = rule_set.facts[name], gathered.counted.get(name, ())
            said = [_said(each, sight, counts=True) for each in counted]
            said += [_said(each, sight, counts=False) for each in others.get(name, ())]
            view = FactView(
                fact=name,
                name_zh=fact.name_zh,
                name_en=fact.name_en,
                value=values.get(name),
                is_contested=name in gathered.contested,
                said=said,
            )
            facts.append(sight.show(view, within="facts"))
        return cls(
            person_id=gathered.person_id,
            rule_set=rule_set.id,
            on=gathered.on,
            facts=facts,
            missing=_unknown(gathered.missing, rule_set),
            untold=_unknown(gathered.untold, rule_set),
            unreadable_evidence_ids=list(gathered.unreadable),
        )


def _unknown(names: Iterable[str], rule_set: RuleSet) -> list[MissingFactView]:
    facts = (rule_set.facts[name] for name in names)
    return [
        MissingFactView(fact=each.id, name_zh=each.name_zh, name_en=each.name_en, is_required=each.required) for each in facts
    ]


def _said(said: Said, sight: Sight, *, counts: bool) -> SaidView:
    view = SaidView(
        value=said.raw,
        source=said.source,
        reliability=said.reliability,
        as_of=said.as_of,
        evidence_id=said.evidence_id,
        counts=counts,
        is_contested=said.is_contested,
        is_later=said.is_later,
    )
    return sight.show(view, within="facts.said")
