"""The code by which organisations are named."""

from typing import Annotated

from services.chassis.schemas import PlainText, pattern_field

CreditCode = Annotated[
    PlainText,
    pattern_field(
        "^[0-9A-HJ-NPQRTUWXY]{18}$",
        description="Unified social credit code (GB 32100-2015); its check character is checked (C-17).",
        examples=["91330282MA2A00001K"],
    ),
]
