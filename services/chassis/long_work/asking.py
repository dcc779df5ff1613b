"""Asking for long work: what a service's actions use."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from services.chassis.long_work import rows
from services.chassis.long_work.views import OperationView
from services.chassis.work import Work

RESOURCE = "operation"
KEPT_DAYS = 30
"""Days of the law's calendar an operation is remembered: as long as an office has to answer a person (V-24)."""


async def ask(work: Work, kind: str, parameters: Mapping[str, Any], *, same: bytes | None = None) -> OperationView:
    """Have `kind` done in the name of this request's principal; `parameters` hold ids and codes only.

    `same` is a keyed digest of what is asked for: while an operation with it waits, runs or has succeeded, that one is the
    answer, and nothing is done twice.
    """
    if same is not None and (found := await rows.same(work, same)) is not None:
        return OperationView.of(found)
    kept_until = work.today + timedelta(days=KEPT_DAYS)
    operation_id = await rows.insert(work, kind, parameters, fingerprint=same, kept_until=kept_until)
    work.audit("ask", RESOURCE, operation_id, fields=["kind", *parameters])
    made = await rows.find(work.tx, operation_id)
    assert made is not None
    return OperationView.of(made)
