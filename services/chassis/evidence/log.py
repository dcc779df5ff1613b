"""A service's log as entries, read from its database in pages: bounded memory, short statements, no lock."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from services.chassis.db import Pool, Record, prepare, without_transaction
from services.chassis.evidence.verifier import Border, Entry, Head, SealedLine, Unsealed
from services.chassis.rows import SERVICE

_PAGE = 2000
_EXAMPLES = 5

_BOUNDS = prepare(
    """
    SELECT (SELECT min(position) FROM audit_seal) AS first, (SELECT max(position) FROM audit_seal) AS last,
           (SELECT max(tree_size) FROM audit_checkpoint) AS size
    """
)
# OFFSET 0: each line is looked up by itself, in the order of the seals; a join might read all lines for every page.
_LINES = prepare(
    """
    SELECT s.position, s.audit_id, s.chain_hash, l.recorded_at, l.person_id, l.line, l.digest
    FROM (
        SELECT position, audit_id, chain_hash FROM audit_seal
        WHERE position > CAST(:after AS bigint) AND position <= CAST(:last AS bigint)
        ORDER BY position LIMIT CAST(:limit AS integer)
    ) s LEFT JOIN LATERAL (
        SELECT recorded_at, person_id, line, digest FROM audit_line WHERE audit_line.audit_id = s.audit_id OFFSET 0
    ) l ON true
    ORDER BY s.position
    """
)
_HEADS = prepare(
    """
    SELECT tree_size, signed, subtrees FROM audit_checkpoint
    WHERE tree_size > CAST(:after AS bigint) AND tree_size <= CAST(:upto AS bigint) ORDER BY tree_size
    LIMIT CAST(:limit AS integer)
    """
)
_BORDER = prepare(
    """
    SELECT tree_size, signed, subtrees FROM audit_checkpoint
    WHERE tree_size < CAST(:first AS bigint) ORDER BY tree_size DESC LIMIT 1
    """
)
_UNSEALED = prepare(
    """
    SELECT count(*) AS lines, (array_agg(audit_id ORDER BY recorded_at))[1:CAST(:examples AS integer)] AS examples
    FROM audit_line l
    WHERE recorded_at < clock_timestamp() - make_interval(secs => CAST(:late_s AS double precision))
      AND NOT EXISTS (SELECT FROM audit_seal s WHERE s.audit_id = l.audit_id)
    """
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a log begins and ends: the first seal's position, and the last of seals and checkpoints."""

    first: int
    last: int

    @property
    def lines(self) -> int:
        """How many lines there should be."""
        return max(0, self.last - self.first + 1)


async def bounds(pool: Pool) -> Bounds:
    """Where the log stands now; what is sealed later is not looked at."""
    async with without_transaction(pool, rows=SERVICE) as tx:
        row = await tx.fetch_row(_BOUNDS)
    assert row is not None
    size = row["size"] or 0
    return Bounds(row["first"] or size + 1, max(row["last"] or 0, size))


async def entries(
    pool: Pool, within: Bounds, *, late_s: float, progress: Callable[[int], None] = lambda _: None
) -> AsyncIterator[Entry]:
    """The log in order: perhaps a border, lines with the checkpoint above them, at the end what has no seal.

    `progress` hears the number of lines of each page.
    """
    async with without_transaction(pool, rows=SERVICE, acquire_timeout=30) as tx:
        after = within.first - 1
        if after > 0 and (row := await tx.fetch_row(_BORDER, first=within.first)) is not None:
            yield Border(_head(row))
        heads_after = after
        while lines := await tx.fetch(_LINES, after=after, last=within.last, limit=_PAGE):
            after = lines[-1]["position"]
            heads = await tx.fetch(_HEADS, after=heads_after, upto=after, limit=_PAGE + 1)
            for entry in _merged(lines, heads):
                yield entry
            heads_after = after
            progress(len(lines))
        while heads := await tx.fetch(_HEADS, after=heads_after, upto=within.last, limit=_PAGE):
            for row in heads:
                yield _head(row)
            heads_after = heads[-1]["tree_size"]
        row = await tx.fetch_row(_UNSEALED, late_s=late_s, examples=_EXAMPLES)
        if row is not None and row["lines"]:
            yield Unsealed(row["lines"], row["examples"])


def _merged(lines: Sequence[Record], heads: Sequence[Record]) -> list[Entry]:
    """Each checkpoint after the last line it covers."""
    merged: list[Entry] = []
    waiting = [_head(row) for row in reversed(heads)]
    for row in lines:
        while waiting and waiting[-1].size < row["position"]:
            merged.append(waiting.pop())
        merged.append(_line(row))
    return merged + waiting[::-1]


def _head(row: Record) -> Head:
    return Head(row["tree_size"], row["signed"], row["subtrees"])


def _line(row: Record) -> SealedLine:
    return SealedLine(
        row["position"], row["audit_id"], row["chain_hash"], row["recorded_at"], row["person_id"], row["line"], row["digest"]
    )
