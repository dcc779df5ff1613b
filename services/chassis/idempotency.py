"""Idempotency keys: one key, one effect, one answer (architecture §4; draft-ietf-httpapi-idempotency-key-header)."""

import re
from dataclasses import dataclass

from services.chassis.db import prepare
from services.chassis.errors import DomainError, FieldError
from services.chassis.metrics import REPLAYED_ANSWERS
from services.chassis.work import KeptAnswer, Work

HEADER = "Idempotency-Key"
KEY_LENGTH_MAX = 128
RETENTION_HOURS = 72
_KEY = re.compile(rf"[!#-\[\]-~]{{1,{KEY_LENGTH_MAX}}}")  # visible ASCII without the quote and the backslash

_CLAIM = prepare(
    "SELECT claimed, fingerprint, status, headers, body"
    " FROM claim_idempotency_key(CAST(:client AS text), CAST(:operation AS text), CAST(:key AS text))"
)
DELETE_EXPIRED = prepare(
    """
    DELETE FROM idempotency_key WHERE (client_id, operation, key) IN (
        SELECT client_id, operation, key FROM idempotency_key
        WHERE recorded_at < now() - make_interval(hours => CAST(:hours AS integer)) LIMIT 5000
    )
    """
)


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The bytes of an answer under its key."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """A key of one client and operation, with the fingerprint of the request that uses it."""

    client_id: str
    operation: str
    key: str
    fingerprint: bytes

    @property
    def _context(self) -> str:
        return f"idempotency_key|{self.client_id}|{self.operation}|{self.key}"

    async def find_answer(self, work: Work) -> StoredAnswer | None:
        """Take the key for this transaction; the stored answer when the request was done before.

        Raises `DomainError('request-in-progress')` while another transaction holds the key and
        `DomainError('idempotency-key-reused')` when it was used for another request.
        """
        row = await work.tx.fetch_row(_CLAIM, client=self.client_id, operation=self.operation, key=self.key)
        assert row is not None
        if not row["claimed"]:
            raise DomainError("request-in-progress", retry_after=1)
        if row["fingerprint"] is None:
            return None
        if row["fingerprint"] != self.fingerprint:
            raise DomainError("idempotency-key-reused")
        REPLAYED_ANSWERS.labels(work.service).inc()
        return StoredAnswer(row["status"], row["headers"], work.keyring.open(row["body"], self._context))

    def keep(self, work: Work, answer: StoredAnswer) -> KeptAnswer:
        """The answer for `Work.flush`, encrypted: it is written in the transaction, and the statement, of what it tells of."""
        assert self.client_id == work.principal.client_id
        body = work.keyring.seal(answer.body, self._context)
        return KeptAnswer(self.operation, self.key, self.fingerprint, answer.status, answer.headers, body)


def parse_key(header: str | None) -> str:
    """The key in the header; `"abc"` (a structured-field string) and `abc` are the same.

    Raises `DomainError('idempotency-key-required')` or `('idempotency-key-invalid')`.
    """
    if header is None or not header.strip():
        raise DomainError("idempotency-key-required")
    key = header.strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not _KEY.fullmatch(key):
        raise DomainError(
            "idempotency-key-invalid",
            errors=[
                FieldError(
                    HEADER,
                    "format",
                    f"应为 1 至 {KEY_LENGTH_MAX} 个可见 ASCII 字符",
                    f"1 to {KEY_LENGTH_MAX} visible ASCII characters are expected",
                )
            ],
        )
    return key
