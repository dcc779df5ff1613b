"""A frozen assessment: facts, the full text of the rules, the choices and the score in one document, so that anybody can count
it again years later, offline, and reach the same figures (P-37).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, WithJsonSchema

from services.points_hukou.rules.assessment import Assessment
from services.points_hukou.rules.compiling import RuleSet, RuleSetText, compile_rule_set
from services.points_hukou.rules.explaining import explanation_of, score_of
from services.points_hukou.rules.facts import read_facts, written_facts
from services.points_hukou.rules.scoring import score

FORMAT: Literal["xinshimin-points-assessment-1"] = "xinshimin-points-assessment-1"
_Json = Annotated[dict[str, Any], WithJsonSchema({"type": "object"})]


class NotFrozenError(ValueError):
    """A document that is no frozen assessment."""


class FrozenText(BaseModel):
    """One rule set of the chain, as it was written."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    rule_set: str
    choices: str


class FrozenAssessment(BaseModel):
    """Everything the score rests on, the score, and the explanation as it was given."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    format: Literal["xinshimin-points-assessment-1"]
    rule_set: str
    digest: str
    service: str
    use_in: str | None
    facts: _Json
    score: _Json
    explanation: _Json
    rule_sets: dict[str, FrozenText]
    own_choices: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that came out otherwise; `None`: it was not there."""

    figure: str
    frozen: object
    replayed: object


@dataclass(frozen=True, slots=True)
class Replay:
    """What counting again came to. `is_text_intact`: the text of the rules still has the digest it was frozen with."""

    assessment: Assessment
    is_text_intact: bool
    differences: tuple[Difference, ...]

    @property
    def is_same(self) -> bool:
        """Whether it is the same score and explanation, bit for bit, by the same text."""
        return self.is_text_intact and not self.differences


def freeze(assessment: Assessment, texts: Mapping[str, RuleSetText], own_choices: str = "") -> FrozenAssessment:
    """The assessment with all it rests on; `texts` and `own_choices` are those its rule set was compiled from."""
    chain = [each.id for each in assessment.rule_set.validities]
    return FrozenAssessment(
        format=FORMAT,
        rule_set=assessment.rule_set.id,
        digest=assessment.rule_set.digest,
        service=assessment.service.id,
        use_in=assessment.use_in,
        facts=written_facts(assessment.facts),
        score=score_of(assessment),
        explanation=explanation_of(assessment),
        rule_sets={name: FrozenText(rule_set=texts[name].rule_set, choices=texts[name].choices) for name in chain},
        own_choices=own_choices,
    )


def thaw(content: object) -> FrozenAssessment:
    """A frozen assessment from its document. Raises NotFrozenError."""
    try:
        return FrozenAssessment.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise NotFrozenError(f"{'/'.join(map(str, first['loc']))}: {first['msg']}") from None


def replay(frozen: FrozenAssessment) -> Replay:
    """Count again from what the document holds alone. Raises what compiling, reading facts and scoring raise."""
    texts = {name: RuleSetText(each.rule_set, each.choices) for name, each in frozen.rule_sets.items()}
    rule_set: RuleSet = compile_rule_set(frozen.rule_set, texts, frozen.own_choices)
    facts = read_facts(frozen.facts, rule_set.facts, rule_set.rules_of_facts)
    assessment = score(rule_set, facts, service=frozen.service, use_in=frozen.use_in)
    differences = _differences("", frozen.score, score_of(assessment))
    differences += _differences("/explanation", frozen.explanation, explanation_of(assessment))
    return Replay(assessment, rule_set.digest == frozen.digest, tuple(differences))


def sha256_of(frozen: FrozenAssessment) -> str:
    """The digest of the whole document in its one spelling; the service keeps it beside the score."""
    return sha256(canonical(frozen.model_dump(mode="json"))).hexdigest()


def canonical(document: object) -> bytes:
    """The one spelling of a document: keys in order, no spaces, UTF-8."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _differences(where: str, frozen: object, replayed: object) -> list[Difference]:
    if isinstance(frozen, dict) and isinstance(replayed, dict):
        names = sorted(frozen.keys() | replayed.keys())
        return [
            each
            for name in names
            for each in _differences(f"{where}/{name}", frozen.get(name, "not there"), replayed.get(name, "not there"))
        ]
    return [] if canonical(frozen) == canonical(replayed) else [Difference(where, frozen, replayed)]
