"""Residence permits from 2016-01-01 to 2016-06-30 (regime `cn-2016-transition`): the national decree alone.

The Interim Regulations on Residence Permits (居住证暂行条例, Decree 663) were in force; the provincial regulation was still
that of 2009 and applied where it did not conflict. What the decree rules – half a year and one ground, 15 calendar days,
yearly endorsement – left nothing of the two papers of 2009 to issue (RR-36, RR-47). The revision of 2016-07-01 brought the
excusal of investors and talents (RR-23) and social affairs (RR-43): the values are those of `zj_2016.toml`, dated, so that
neither is there yet. Articles of the revised provincial text are not cited.
"""

from dataclasses import dataclass, replace

from services.registry.rules.residence_permit import (
    ApplicationFacts,
    Assessment,
    EndorsementAssessment,
    EndorsementFacts,
    PermitRules,
    Reason,
)
from services.registry.rules.zj_2016 import Zj2016

KEY = "cn-2016-transition"
_PROVINCE = "《浙江省流动人口居住登记条例》"
_DECREE = "《居住证暂行条例》第二条"


def permit_rules_beside(other: PermitRules) -> PermitRules:
    """The transition's rules over the dated values of `zj-2016`."""
    if not isinstance(other, Zj2016):
        raise TypeError("the transition reads the values of zj-2016")
    return Transition(other.parameters, key=KEY)


@dataclass(frozen=True, slots=True)
class Transition(Zj2016):
    """The decree without the provincial revision: what is decided is the same, what is cited is the decree alone."""

    def assess_application(self, facts: ApplicationFacts) -> Assessment:
        """RR-20 to RR-22, RR-24 to RR-26."""
        decided = Zj2016.assess_application(self, facts)
        return replace(decided, reasons=tuple(map(_cited, decided.reasons)))

    def assess_endorsement(self, facts: EndorsementFacts) -> EndorsementAssessment:
        """RR-30 to RR-32."""
        decided = Zj2016.assess_endorsement(self, facts)
        return replace(decided, reasons=tuple(map(_cited, decided.reasons)))


def _cited(reason: Reason) -> Reason:
    """The reason without articles that were not in force yet."""
    articles = [article for article in reason.article.split(";") if not article.startswith(_PROVINCE)]
    return replace(reason, article=";".join(articles) or _DECREE)
