"""Rule sets as an office handed them in, and where, for what and from when each is in force."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Column, ForeignKey, Index, Text, text
from sqlmodel import Field

from services.chassis.columns import INSTANT, NOW, is_kept, one_of
from services.chassis.db import Jsonb
from services.chassis.retention import Retention
from services.points_hukou.rules.purposes import Purpose
from services.points_hukou.rules.rule_set_states import RuleSetStatus
from services.points_hukou.tables.ground import Table


class RuleSetRow(Table, table=True):
    """A rule set with the whole text of everything it extends. A trigger keeps the text as it was approved."""

    __tablename__ = "rule_set"
    __table_args__ = (
        one_of("status", tuple(RuleSetStatus)),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("(approved_on IS NULL) = (approved_by IS NULL)", name="approved"),
        Index("ix_rule_set_created_at", "created_at", "rule_set_id"),
        is_kept(Retention.AGGREGATE, "assessments name it"),
    )

    rule_set_id: UUID = Field(primary_key=True)
    name: str = Field(sa_type=Text, description="The id in its text, such as `ningbo-2022`.")
    document_version: int
    name_zh: str = Field(sa_type=Text)
    name_en: str = Field(sa_type=Text)
    doc_no: str | None = Field(sa_type=Text)
    jurisdiction: str = Field(sa_type=Text)
    division_code: str = Field(sa_type=Text, description="Of the office that handed it in.")
    status: str = Field(sa_type=Text)
    texts: dict[str, Any] = Field(sa_type=Jsonb, description="By id: the text of each rule set of the chain, and its choices.")
    own_choices: str = Field(sa_type=Text)
    cases: str = Field(sa_type=Text)
    digest: str | None = Field(sa_type=Text, description="SHA-256 over the texts, once it compiles.")
    problems: list[str] | None = Field(sa_type=ARRAY(Text), description="What the last check found.")
    drafted_by: str = Field(sa_type=Text)
    proposed_by: str | None = Field(sa_type=Text)
    approved_by: str | None = Field(sa_type=Text)
    approved_on: date | None
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class RuleSetInForce(Table, table=True):
    """From `valid_from` this rule set counts this use in this division, and below where nothing finer is said.

    `ended_on`: the first day on which it does not; that of `valid_from` when it was called off before.
    """

    __tablename__ = "rule_set_in_force"
    __table_args__ = (
        one_of("purpose", tuple(Purpose)),
        CheckConstraint("ended_on >= valid_from", name="ended_on"),
        CheckConstraint("version > 0", name="version"),
        Index(
            "uq_rule_set_in_force_day",
            "division_code",
            "purpose",
            "valid_from",
            unique=True,
            postgresql_where=text("ended_on IS NULL OR ended_on > valid_from"),
        ),
        Index("ix_rule_set_in_force_rule_set_id", "rule_set_id"),
        is_kept(Retention.AGGREGATE, "assessments rest on it"),
    )

    in_force_id: UUID = Field(primary_key=True)
    rule_set_id: UUID = Field(sa_column=Column(ForeignKey("rule_set.rule_set_id"), nullable=False))
    purpose: str = Field(sa_type=Text)
    service: str = Field(sa_type=Text, description="Which service of the rule set counts it.")
    division_code: str = Field(sa_type=Text)
    valid_from: date
    ended_on: date | None
    put_by: str = Field(sa_type=Text)
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
