"""The lottery, the last link of every tie-break chain, fixed by commit and reveal.

Before registration closes the office publishes `commitment(round, seed)`; afterwards the seed. So nobody knows the numbers
while children can still be entered, and the office cannot choose others once it knows who was. If the office shall not even
have been able to try seeds in silence, a `public_value` nobody could foresee (a number drawn in public after the closing) goes
into every number, too. A number is an HMAC-SHA256 under the seed: anybody recomputes it with a line of code.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

SEED_BYTES = 32
_COMMITMENT = b"xinshimin/education/placement/commitment/1\x00"
_NUMBER = b"xinshimin/education/placement/lottery/1\x00"
_TOGETHER = b"xinshimin/education/placement/lottery-together/1\x00"
_BETWEEN = b"\x00"


@dataclass(frozen=True, slots=True)
class Draw:
    """The seed of a round, and what was drawn in public, if anything."""

    round: str
    seed: bytes
    public_value: str = ""

    def __post_init__(self) -> None:
        if len(self.seed) != SEED_BYTES:
            raise ValueError(f"a seed has {SEED_BYTES} bytes")

    @property
    def commitment(self) -> bytes:
        """What is published before registration closes. It does not hold the public value, which nobody knows yet."""
        return commitment(self.round, self.seed)

    def number(self, child: str) -> bytes:
        """The lottery number of a child; the smaller, the earlier."""
        return self.numbers([child])[0]

    def numbers(self, children: Sequence[str]) -> list[bytes]:
        """The lottery numbers of many."""
        begun = hmac.new(self.seed, _NUMBER + self._context(), "sha256")
        numbers = []
        for child in children:
            own = begun.copy()
            own.update(child.encode())
            numbers.append(own.digest())
        return numbers

    def number_together(self, children: Sequence[str]) -> bytes:
        """The one number of children who asked to stay together, whatever order they are given in."""
        names = _BETWEEN.join(child.encode() for child in sorted(children))
        return hmac.digest(self.seed, _TOGETHER + self._context() + names, "sha256")

    def _context(self) -> bytes:
        return self.round.encode() + _BETWEEN + self.public_value.encode() + _BETWEEN


def commitment(round_: str, seed: bytes) -> bytes:
    """SHA-256 of a seed, for one round alone."""
    return sha256(_COMMITMENT + round_.encode() + _BETWEEN + seed).digest()
