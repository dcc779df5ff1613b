"""Residence permits in Zhejiang from 2016-07-01 (regime `zj-2016`): RR-20 to RR-43.

Instruments: Interim Regulations on Residence Permits (居住证暂行条例, Decree 663, "D663"); Zhejiang floating-population
residence registration regulation as revised in 2016 (浙江省流动人口居住登记条例, "ZJ-2016"); notice of the Ministry of
Public Security (公通字〔2015〕38号, "MPS-38"). Values with dates, sources and confidence: `parameters/zj_2016.toml`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from services.chassis.months import add_months, is_younger_than, whole_years
from services.chassis.parameters import Document
from services.registry.rules import zj_2016_reasons as because
from services.registry.rules.endorsement import EndorsementClock, endorsement_clock, residence_year
from services.registry.rules.identity_number import Origin
from services.registry.rules.permit_states import PermitStatus
from services.registry.rules.reporting import ChangeReport, report_of_change
from services.registry.rules.residence_permit import (
    IDENTITY_DOCUMENT_EVIDENCE,
    PHOTO_EVIDENCE,
    Applicant,
    ApplicationFacts,
    Assessment,
    CardReplacementCause,
    EndorsementAnchor,
    EndorsementAssessment,
    EndorsementFacts,
    EndReason,
    Entitlements,
    EvidenceType,
    FeeItem,
    FunctionStatus,
    Ground,
    PermitFacts,
    PermitRules,
    Reason,
    ResidenceYear,
    ResidenceYears,
)
from services.registry.rules.zj_2016_parameters import Requirement, Zj2016Parameters, read_parameters

_SEPARATE_ORIGINS = frozenset({Origin.HONG_KONG_MACAO_TAIWAN, Origin.FOREIGN})


def permit_rules(document: Document) -> PermitRules:
    """The regime with the values of `zj_2016.toml`. Raises ParameterError."""
    return Zj2016(read_parameters(document))


@dataclass(frozen=True, slots=True)
class Zj2016:
    """The regime's answers; `parameters` are dated, each answer takes the values of the day it is about."""

    parameters: Zj2016Parameters
    key: str = "zj-2016"

    def evidence_types(self, on: date) -> tuple[EvidenceType, ...]:
        """RR-22: D663 Art 9, MPS-38."""
        return self.parameters.evidence_types.on(on)

    def eligible_from(self, registered_since: date, *, on: date) -> date:
        """RR-20, RR-21: half a year lived and registered, in calendar months from the day of registration, month-end clamp."""
        return add_months(registered_since, self.parameters.registered_months_min.on(on))

    def assess_application(self, facts: ApplicationFacts) -> Assessment:
        """RR-20 to RR-26: accepted with a last day for issuing, or refused with everything that stands against it at once."""
        on, parameters = facts.applied_on, self.parameters
        eligible_from = None if facts.registered_since is None else self.eligible_from(facts.registered_since, on=on)
        reasons = (*self._person_reasons(facts), *self._residence_reasons(facts, eligible_from), *self._missing_papers(facts))
        days_max = (parameters.issue_days_max_remote if facts.is_remote else parameters.issue_days_max).on(on)
        return Assessment(
            accepted=not reasons,
            reasons=reasons,
            eligible_from=eligible_from,
            due_on=None if reasons else on + timedelta(days=days_max),
        )

    def residence_year(self, anchor: date, number: int) -> ResidenceYear:
        """RR-30, D663 Art 10: the window is the month before the completed year."""
        completed_on = add_months(anchor, 12 * number)
        return residence_year(anchor, number, window_months=self.parameters.endorsement_window_months.on(completed_on))

    def function_status(self, permit: PermitFacts, on: date) -> FunctionStatus:
        """RR-31, D663 Art 10: without endorsement in time the function is suspended from the day the year is completed.

        Raises ValueError for a day before the permit was issued.
        """
        clock = self._clock(permit, on)
        lapsed_on = clock.waiting.completed_on if clock.waiting.completed_on <= on else None
        by_officer = permit.suspended_on if permit.suspended_on is not None and permit.suspended_on <= on else None
        suspended_since = min(filter(None, (lapsed_on, by_officer)), default=None)
        status = PermitStatus.VALID if suspended_since is None else PermitStatus.SUSPENDED
        if permit.ended_on is not None and permit.ended_on <= on:
            status = PermitStatus.ENDED
        return FunctionStatus(status, clock.anchor, clock.counted_from, clock.waiting, suspended_since)

    def assess_endorsement(self, facts: EndorsementFacts) -> EndorsementAssessment:
        """RR-30 to RR-33: in the window, or late; never when the conditions no longer hold (ZJ-2016 Art 19), the half year
        of registered residence among them.
        """
        on, permit = facts.requested_on, facts.permit
        standing = self.function_status(permit, on)
        reasons = []
        if standing.status is PermitStatus.ENDED:
            reasons.append(because.PERMIT_ENDED)
        if standing.status is PermitStatus.VALID and on < standing.next_year.window_opens_on:
            reasons.append(because.window_not_open(standing.next_year))
        if not facts.is_registered:
            reasons.append(because.REGISTRATION_LAPSED)
        else:
            reasons.extend(self._broken_stay_reasons(facts))
        if facts.conditions_hold is False:
            reasons.append(because.CONDITIONS_NO_LONGER_HOLD)
        if reasons:
            return EndorsementAssessment(accepted=False, reasons=tuple(reasons), is_late=False, next_year=standing.next_year)
        after = self._clock(replace(permit, endorsed_on=(*permit.endorsed_on, on)), on)
        is_late = on >= standing.next_year.completed_on
        return EndorsementAssessment(accepted=True, reasons=(), is_late=is_late, next_year=after.waiting)

    def _broken_stay_reasons(self, facts: EndorsementFacts) -> tuple[Reason, ...]:
        """RR-20, RR-21, RR-33: who left and came back owes a new half year, unless the permit was given without one (RR-23)."""
        permit, since = facts.permit, facts.residence_since
        if since is None or since <= permit.residence_start:
            return ()
        was_excused = permit.issued_on < self.eligible_from(permit.residence_start, on=permit.issued_on)
        complete_on = self.eligible_from(since, on=facts.requested_on)
        if was_excused or facts.requested_on >= complete_on:
            return ()
        return (because.new_half_year_not_complete(complete_on),)

    def residence_years(self, permit: PermitFacts, on: date) -> ResidenceYears:
        """RR-32, RR-38: years since residence began or since the last late endorsement; a suspension in progress stops the
        count.
        """
        standing = self.function_status(permit, on)
        until = on if permit.ended_on is None else min(on, permit.ended_on)
        is_counting = standing.status is PermitStatus.VALID
        if standing.suspended_since is not None:
            if self.parameters.suspended_period_counts.on(on):
                is_counting = standing.status is PermitStatus.SUSPENDED
            else:
                until = min(until, standing.suspended_since)
        return ResidenceYears(standing.counted_from, whole_years(standing.counted_from, until), is_counting)

    def assess_card_change(self, *, changed_on: date, reported_on: date) -> ChangeReport:
        """RR-34: D663 Art 11, ZJ-2016 Art 19."""
        days_max = self.parameters.card_change_days_max.on(changed_on)
        return report_of_change(changed_on=changed_on, reported_on=reported_on, days_max=days_max)

    def assess_card_replacement(
        self, cause: CardReplacementCause, *, is_old_card_returned: bool, on: date
    ) -> tuple[Reason, ...]:
        """RR-34: D663 Art 11, ZJ-2016 Art 22: the old card is handed back, unless it is the one that was lost."""
        must_return = cause is not CardReplacementCause.LOST and self.parameters.old_card_handed_back.on(on)
        return (because.OLD_CARD_NOT_RETURNED,) if must_return and not is_old_card_returned else ()

    def fee_fen(self, item: FeeItem, on: date) -> int | None:
        """RR-35, RR-36: D663 Art 21, 23; ZJ-2016 Art 22, 23, 39. 0 is free; `None`: the province's amount is not known to
        us.
        """
        return next((fee.amount_fen for fee in self.parameters.fees.on(on) if fee.item is item), None)

    def end_reasons(self, on: date) -> Mapping[EndReason, Reason]:
        """RR-37 and the reasons that follow from other rules, each with its article."""
        return {EndReason(reason.code): reason for reason in self.parameters.end_reasons.on(on)}

    def issuing_body_zh(self, on: date) -> str:
        """RR-29: D663 Art 10, the county-level police."""
        return self.parameters.issuing_body_zh.on(on)

    def entitlements(self, status: PermitStatus | None, on: date) -> Entitlements:
        """RR-40 to RR-43: D663 Art 12, 13; ZJ-2016 Art 25. Only a permit in function gives anything."""
        if status is PermitStatus.VALID:
            return Entitlements(self.parameters.entitlements.on(on), None)
        return Entitlements((), because.why_nothing_is_given(status))

    def _clock(self, permit: PermitFacts, on: date) -> EndorsementClock:
        if on < permit.issued_on:
            raise ValueError("the permit was not issued yet on that day")
        parameters, issued_on = self.parameters, permit.issued_on
        by_issue = parameters.endorsement_anchor.on(issued_on) is EndorsementAnchor.ISSUE_DATE
        return endorsement_clock(
            permit,
            on,
            anchor=issued_on if by_issue else permit.residence_start,
            window_months=parameters.endorsement_window_months.on(on),
            issue_counts=parameters.issue_in_window_counts_as_endorsement.on(issued_on),
        )

    def _person_reasons(self, facts: ApplicationFacts) -> tuple[Reason, ...]:
        """Who may hold a permit (RR-11, RR-20), and who may apply for whom (RR-25)."""
        reasons = []
        if facts.origin in _SEPARATE_ORIGINS:
            reasons.append(because.SEPARATE_RULES)
        if facts.is_floating is False:
            reasons.append(because.LOCAL_HUKOU)
        if facts.applicant is not Applicant.SELF and not self._may_be_represented(facts):
            reasons.append(because.REPRESENTATION_NOT_OPEN)
        return tuple(reasons)

    def _may_be_represented(self, facts: ApplicationFacts) -> bool:
        """RR-25, D663 Art 9. It is open to them, not asked of them: a person under 16 may also apply in person."""
        on, birth_date = facts.applied_on, facts.birth_date
        if facts.infirmity is not None or birth_date is None:
            return True
        is_elderly = not is_younger_than(birth_date, self.parameters.elderly_age_min.on(on), on)
        return is_elderly or is_younger_than(birth_date, self.parameters.represented_below_age.on(on), on)

    def _residence_reasons(self, facts: ApplicationFacts, eligible_from: date | None) -> tuple[Reason, ...]:
        if eligible_from is None:
            return (because.REGISTRATION_MISSING,)
        if facts.applied_on < eligible_from and not self._is_excused(facts, Requirement.HALF_YEAR):
            return (because.half_year_not_complete(eligible_from),)
        return ()

    def _missing_papers(self, facts: ApplicationFacts) -> tuple[Reason, ...]:
        """RR-24: identity document, photo and one proof of the ground; all that is missing is told at once (一次性告知)."""
        on, reasons = facts.applied_on, []
        if not (facts.has_identity_document or IDENTITY_DOCUMENT_EVIDENCE in facts.evidence_types):
            expired_on = facts.identity_document_expired_on
            reasons.append(
                because.IDENTITY_DOCUMENT_MISSING if expired_on is None else because.identity_document_expired(expired_on)
            )
        if self.parameters.photo_required.on(on) and not (facts.has_photo or PHOTO_EVIDENCE in facts.evidence_types):
            reasons.append(because.PHOTO_MISSING)
        if not self._is_excused(facts, Requirement.GROUND_EVIDENCE):
            accepted = [proof for proof in self.evidence_types(on) if proof.ground is facts.ground]
            if not any(proof.code in facts.evidence_types for proof in accepted):
                reasons.append(because.ground_evidence_missing(facts.ground, accepted))
            if facts.ground is Ground.STUDY and facts.is_on_school_roll is False:
                reasons.append(because.NOT_ON_SCHOOL_ROLL)
        return tuple(reasons)

    def _is_excused(self, facts: ApplicationFacts, requirement: Requirement) -> bool:
        """RR-23, ZJ-2016 Art 16: investors and invited talents, from what the city's rules say."""
        return facts.excused_as is not None and requirement in self.parameters.excused_from.on(facts.applied_on)
