"""Employers and employments as a caller sends them."""

import itertools
from typing import Any

from services.registry.rules.credit_code import check_character
from tests.registry.conftest import expect
from tests.running import Caller

_NUMBERS = itertools.count(1)


def credit_code() -> str:
    """A code nobody has yet."""
    first = f"91330282MA2B{next(_NUMBERS):05d}"
    return first + check_character(first)


def an_employer(**given: Any) -> dict[str, Any]:
    """The body of a registration."""
    return {
        "credit_code": credit_code(),
        "name": "慈溪市掌起电器有限公司",
        "division_code": "330282104",
        "industry_code": "C3856",
    } | given


async def registered(caller: Caller, **given: Any) -> dict[str, Any]:
    """An employer on the register."""
    return expect(await caller.post("/v1/employers", an_employer(**given)), 201)


async def taken_on(caller: Caller, person_id: str, employer: dict[str, Any], started_on: str, **given: Any) -> dict[str, Any]:
    """An employment on the register."""
    body = {"person_id": person_id, "credit_code": employer["credit_code"], "occupation_code": "6", "started_on": started_on}
    return expect(await caller.post("/v1/employments", body | {"position": "注塑工"} | given), 201)
