"""Columns of exact numbers: whole numbers over one denominator. What might not fit into 64 bits goes on as Python's own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import Any

import numpy as np
import numpy.typing as npt

from services.points_hukou.rules.exact import Rounding

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[Any]
"""Whole numbers: of 64 bits, or objects where those might not suffice."""

_FITS = 2**62


@dataclass(frozen=True, slots=True)
class Numbers:
    """One number for each person, or piece. `bound`: none of `ints` is larger in size; it may be too careful."""

    ints: Ints
    denominator: int = 1
    bound: int = _FITS

    def __len__(self) -> int:
        return len(self.ints)

    def over(self, denominator: int) -> "Numbers":
        """The same numbers over a multiple of the denominator."""
        return self._scaled(denominator // self.denominator, denominator)

    def times(self, factor: Fraction) -> "Numbers":
        """Every number times a factor."""
        ratio = factor / self.denominator
        return self._scaled(ratio.numerator, ratio.denominator)

    def _scaled(self, factor: int, denominator: int) -> "Numbers":
        if factor == 1:
            return Numbers(self.ints, denominator, self.bound)
        size = abs(factor)
        if self.ints.dtype != object and max(self.bound, 1) * size > _FITS:
            largest = _largest(self.ints)
            ints = self.ints if largest * size <= _FITS and size <= _FITS else self.ints.astype(object)
            return Numbers(ints * factor, denominator, largest * size)
        return Numbers(self.ints * factor, denominator, self.bound * size)

    def plus(self, other: "Numbers") -> "Numbers":
        """Both together."""
        one, two = over_the_same(self, other)
        if one.bound + two.bound > _FITS:
            one, two = _checked(one), _checked(two)
        return Numbers(one.ints + two.ints, one.denominator, one.bound + two.bound)

    def minus(self, other: "Numbers") -> "Numbers":
        """This without the other."""
        return self.plus(other.times(Fraction(-1)))

    def at_most(self, limit: Fraction) -> "Numbers":
        """No number above the limit."""
        scaled, whole = self._with(limit)
        return Numbers(np.minimum(scaled.ints, whole), scaled.denominator, max(scaled.bound, abs(whole)))

    def at_least(self, limit: Fraction) -> "Numbers":
        """No number below the limit."""
        scaled, whole = self._with(limit)
        return Numbers(np.maximum(scaled.ints, whole), scaled.denominator, max(scaled.bound, abs(whole)))

    def capped(self, cap: Fraction | None) -> "Numbers":
        """Within the cap, on either side of zero; a cap below zero does what it does to one person."""
        if cap is None:
            return self
        scaled, whole = self._with(cap)
        ints = np.maximum(np.minimum(scaled.ints, whole), -whole)
        return Numbers(ints, scaled.denominator, min(scaled.bound, abs(whole)) if whole > 0 else abs(whole))

    def lower_of(self, other: "Numbers") -> "Numbers":
        """For each the lower of both."""
        one, two = over_the_same(self, other)
        return Numbers(np.minimum(one.ints, two.ints), one.denominator, max(one.bound, two.bound))

    def where(self, mask: Bools) -> "Numbers":
        """Zero wherever the mask does not hold."""
        return Numbers(np.where(mask, self.ints, 0), self.denominator, self.bound)

    def or_else(self, mask: Bools, other: "Numbers") -> "Numbers":
        """These where the mask holds, the others elsewhere."""
        one, two = over_the_same(self, other)
        return Numbers(np.where(mask, one.ints, two.ints), one.denominator, max(one.bound, two.bound))

    def floored(self, per: int) -> "Numbers":
        """How many times `per` fits in completely."""
        divisor = self.denominator * per
        if divisor > _FITS:
            return Numbers(self.ints.astype(object) // divisor, 1, self.bound)
        return Numbers(self.ints // divisor, 1, self.bound // divisor + 1)

    def rounded(self, rounding: Rounding) -> "Numbers":
        """Every number on the scale of the rounding: a half away from zero, or cut towards zero."""
        scale = 10**rounding.places
        if scale % self.denominator == 0:
            return self.over(scale)
        half = rounding.mode == "half_up"
        doubled = self.times(Fraction(2 * scale * self.denominator))
        step = 2 * self.denominator
        size = _checked(Numbers(np.abs(doubled.ints), 1, doubled.bound + step))
        ints = size.ints if step <= _FITS else size.ints.astype(object)
        whole = (ints + (self.denominator if half else 0)) // step
        return Numbers(np.where(self.ints < 0, -whole, whole), scale, size.bound // step + 1)

    def size(self) -> "Numbers":
        """Without the sign."""
        return Numbers(np.abs(self.ints), self.denominator, self.bound)

    def above(self, other: "Numbers") -> Bools:
        """Where these are larger."""
        one, two = over_the_same(self, other)
        return _truth(one.ints > two.ints)

    def reach(self, limit: Fraction) -> Bools:
        """Where they are the limit or more."""
        scaled, whole = self._with(limit)
        return _truth(scaled.ints >= whole)

    def stay_within(self, limit: Fraction) -> Bools:
        """Where they are the limit or less."""
        scaled, whole = self._with(limit)
        return _truth(scaled.ints <= whole)

    def is_any_of(self, numbers: Iterable[Fraction]) -> Bools:
        """Where they are one of these."""
        found: Bools = np.zeros(len(self.ints), np.bool_)
        for number in numbers:
            whole = number * self.denominator
            if whole.denominator == 1:
                found |= _truth(self.ints == whole.numerator)
        return found

    def fractions(self) -> list[Fraction]:
        """One by one, as exact fractions."""
        return [Fraction(int(each), self.denominator) for each in self.ints.tolist()]

    def cut(self, start: int, stop: int) -> "Numbers":
        """Those from one place until before another."""
        return Numbers(self.ints[start:stop], self.denominator, self.bound)

    def _with(self, limit: Fraction) -> tuple["Numbers", int]:
        """These over a denominator that suits the limit, and the limit over it."""
        common = lcm(self.denominator, limit.denominator)
        scaled, whole = self.over(common), limit.numerator * (common // limit.denominator)
        if abs(whole) > _FITS and scaled.ints.dtype != object:
            scaled = Numbers(scaled.ints.astype(object), scaled.denominator, scaled.bound)
        return scaled, whole


def numbers(ints: Ints, denominator: int = 1) -> Numbers:
    """Numbers as they are, with a bound taken from them."""
    return Numbers(ints, denominator, _largest(ints))


def zeros(size: int) -> Numbers:
    """Nothing for everybody."""
    return Numbers(np.zeros(size, np.int64), 1, 0)


def the_same(number: Fraction, size: int) -> Numbers:
    """One number for everybody."""
    whole = number.numerator
    dtype: Any = np.int64 if abs(whole) <= _FITS else object
    return Numbers(np.full(size, whole, dtype), number.denominator, abs(whole))


def over_the_same(one: Numbers, other: Numbers) -> tuple[Numbers, Numbers]:
    """Both over their common denominator."""
    if one.denominator == other.denominator:
        return one, other
    common = one.denominator * other.denominator // gcd(one.denominator, other.denominator)
    return one.over(common), other.over(common)


def put_together(parts: Sequence[Numbers]) -> Numbers:
    """One after the other as one column."""
    common = lcm(*(each.denominator for each in parts))
    scaled = [each.over(common) for each in parts]
    return Numbers(np.concatenate([each.ints for each in scaled]), common, max(each.bound for each in scaled))


def _largest(ints: Ints) -> int:
    return max(abs(int(ints.max())), abs(int(ints.min()))) if len(ints) else 0


def _checked(column: Numbers) -> Numbers:
    """With the bound the numbers really have, as objects if that is needed."""
    bound = _largest(column.ints)
    if bound <= _FITS // 4:
        return Numbers(column.ints, column.denominator, bound)
    return Numbers(column.ints.astype(object), column.denominator, bound)


def _truth(mask: Any) -> Bools:
    found: Bools = np.asarray(mask, np.bool_)
    return found
