"""Rounds a double as the service does for the wire."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext

# The largest double has 309 digits before the point and 6 more are kept after it.
_ENOUGH_DIGITS = 400


def round_half_up(value: float, decimals: int) -> float:
    """`value` rounded on its exact binary value: 0.5 goes up, 2.675 (which is below the half) goes down."""
    with localcontext() as context:
        context.prec = _ENOUGH_DIGITS
        return float(Decimal(value).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP))
