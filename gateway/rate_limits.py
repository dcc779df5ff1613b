"""How often something may be asked for, counted in PostgreSQL so that replicas add up (reliability.md 24).

Told in every answer by `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11): quota `q` and window `w`
in seconds, what remains `r`, and in `t` seconds all of it is back.
"""

import math
from dataclasses import dataclass

from gateway import store
from gateway.exchange import Header
from services.chassis.db import Pool, in_transaction
from services.chassis.rows import SERVICE


@dataclass(frozen=True, slots=True)
class Policy:
    """At most `quota` uses in `window_s` seconds."""

    name: str
    quota: int
    window_s: int = 60


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody stands after one more use."""

    policy: Policy
    uses: int
    seconds_left: float

    @property
    def is_exceeded(self) -> bool:
        """Whether this use was one too many."""
        return self.uses > self.policy.quota

    @property
    def retry_after_s(self) -> int:
        """Whole seconds until the window begins anew."""
        return max(1, math.ceil(self.seconds_left))

    def headers(self) -> list[Header]:
        """The two fields, and `Retry-After` when it was one too many."""
        policy, remaining = self.policy, max(0, self.policy.quota - self.uses)
        told = [
            (b"ratelimit-policy", f'"{policy.name}";q={policy.quota};w={policy.window_s}'.encode()),
            (b"ratelimit", f'"{policy.name}";r={remaining};t={self.retry_after_s}'.encode()),
        ]
        return [*told, (b"retry-after", str(self.retry_after_s).encode())] if self.is_exceeded else told


class RateLimits:
    """Counts uses."""

    def __init__(self, pool: Pool, *, acquire_timeout_s: float) -> None:
        self._pool = pool
        self._acquire_timeout_s = acquire_timeout_s

    async def use(self, policy: Policy, subject: str) -> Standing:
        """Count one use by `subject`; the first after a window has passed begins a new one."""
        uses, seconds_left = await in_transaction(
            self._pool,
            lambda tx: store.count_use(tx, policy=policy.name, subject=subject, window_s=policy.window_s),
            rows=SERVICE,
            acquire_timeout=self._acquire_timeout_s,
        )
        return Standing(policy, uses, seconds_left)
