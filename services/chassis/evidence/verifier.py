"""The verifier: recomputes chain and tree from the lines alone and compares with what was signed, and what lies elsewhere.

Pure: it is fed entries in order, from a database or from an export, keeps no line, and needs no more than public keys. Of each
checkpoint it remembers some fifty bytes. One alteration is told where it was made: a link is checked against the stored one
before it, and after a tree that differs the next stretch begins with the subtrees kept beside the checkpoint, if they give the
signed root.
"""

import base64
import json
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from services.chassis.evidence.checkpoint import Checkpoint, CheckpointError, PublicKeys, hash_of
from services.chassis.evidence.entries import chain_link, chain_start, leaf
from services.chassis.evidence.merkle import DIGEST_BYTES, Tree

_SHOWN_PER_KIND = 20


class Kind(StrEnum):
    """What can be wrong."""

    LINE_ALTERED = "line-altered"
    DIGEST_ALTERED = "digest-altered"
    PERSON_ALTERED = "person-altered"
    ENTRY_REPLACED = "entry-replaced"
    LINE_MISSING = "line-missing"
    POSITION_MISSING = "position-missing"
    HEAD_REMOVED = "head-removed"
    TAIL_UNSIGNED = "tail-unsigned"
    TREE_DIFFERS = "tree-differs"
    CHECKPOINT_FORGED = "checkpoint-forged"
    CHECKPOINT_MISSING = "checkpoint-missing"
    UNSEALED = "unsealed"
    COPY_MISSING = "copy-missing"
    COPY_LATE = "copy-late"
    COPY_FORGED = "copy-forged"
    LOG_REWRITTEN = "log-rewritten"
    TAIL_CUT = "tail-cut"
    EXPORT_DAMAGED = "export-damaged"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; `position` is that of a line, or the size of a checkpoint."""

    kind: Kind
    position: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class SealedLine:
    """A seal with its line, whose members are `None` when there is none."""

    position: int
    audit_id: UUID
    chain_hash: bytes
    recorded_at: datetime | None
    person_id: UUID | None
    line: str | None
    digest: bytes | None


@dataclass(frozen=True, slots=True)
class Head:
    """A checkpoint as stored: `size` and `subtrees` are beside the signature."""

    size: int
    signed: str
    subtrees: bytes


@dataclass(frozen=True, slots=True)
class Border:
    """The checkpoint a log begins after, when earlier lines are past their retention."""

    head: Head


@dataclass(frozen=True, slots=True)
class Unsealed:
    """Lines older than the bound that have no seal."""

    count: int
    examples: Sequence[UUID]


Entry = SealedLine | Head | Border | Unsealed


@dataclass(slots=True)
class Report:
    """What was looked at and found; of each kind the first findings are kept, all are counted."""

    service: str
    lines: int = 0
    first_position: int = 1
    size: int = 0
    checkpoints: int = 0
    newest_signed_at: datetime | None = None
    copies: dict[str, int] = field(default_factory=dict)
    lost_by_known_restores: int = 0
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[Kind] = field(default_factory=Counter)

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.counts

    def add(self, kind: Kind, position: int | None, detail: str) -> None:
        """Note a finding."""
        self.counts[kind] += 1
        if self.counts[kind] <= _SHOWN_PER_KIND:
            self.findings.append(Finding(kind, position, detail))


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What a sound log has to keep to, at the instant `at`.

    `late_s` is how old a line without seal or a checkpoint without copy may be; nothing younger than `kept_days` may be gone
    from the beginning; copies of epochs before `restored_epoch` may be missing from the log: it was restored to the past.
    """

    at: datetime
    late_s: float = 60.0
    kept_days: int = 1096
    restored_epoch: int = 0


class Verifier:
    """Takes the entries of one service's log in order, then the copies; `report` tells."""

    def __init__(self, keys: PublicKeys, demands: Demands) -> None:
        self._keys = keys
        self._demands = demands
        self.report = Report(keys.service)
        self._tree = Tree()
        self._link: bytes | None = chain_start(keys.service)
        self._position = 0
        self._previous: bytes | None = None
        self._border = 0
        self._heads = _Heads()
        self._begun = False

    def take(self, entry: Entry) -> None:
        """The next entry."""
        match entry:
            case SealedLine():
                self._take_line(entry)
            case Head():
                self._take_head(entry)
            case Border(head):
                self._take_border(head)
            case Unsealed(count, examples):
                shown = ", ".join(str(each) for each in examples)
                self.report.add(Kind.UNSEALED, None, f"{count} lines older than {self._demands.late_s:.0f} s, such as {shown}")

    def end(self) -> None:
        """No further entries."""
        self.report.size = self._heads.size
        if self._position > self._heads.size:
            self.report.add(Kind.TAIL_UNSIGNED, self._position, f"no checkpoint above {self._heads.size}")

    # --- the beginning -------------------------------------------------------------------------------------------------

    def _take_border(self, head: Head) -> None:
        self._begun = True
        checkpoint = self._opened(head)
        if checkpoint is None or (tree := _rest(head, checkpoint)) is None:
            self.report.add(Kind.HEAD_REMOVED, head.size, "the log begins here, and the checkpoint before proves nothing")
            self._link, self._position = None, head.size
            return
        if checkpoint.signed_at > self._demands.at - timedelta(days=self._demands.kept_days):
            text = f"lines before this are gone, though signed only at {checkpoint.signed_at.isoformat()}"
            self.report.add(Kind.HEAD_REMOVED, head.size, text)
        self._tree, self._link, self._position = tree, checkpoint.chain, head.size
        self._border = head.size
        self._previous = hash_of(head.signed)
        self.report.first_position = head.size + 1
        self._remember(head, checkpoint)

    # --- lines ---------------------------------------------------------------------------------------------------------

    def _take_line(self, line: SealedLine) -> None:
        if line.position != self._position + 1:
            self._note_gap(line.position)
        self._position = line.position
        self.report.lines += 1
        if line.line is None or line.digest is None or line.recorded_at is None:
            self.report.add(Kind.LINE_MISSING, line.position, f"the seal is there, line {line.audit_id} is not")
            self._link = line.chain_hash
            return
        self._tree.append(self._fitting_leaf(line, line.line, line.digest, line.recorded_at))
        self._link = line.chain_hash
        if _person_in(line.line) != (str(line.person_id) if line.person_id else None):
            self.report.add(
                Kind.PERSON_ALTERED, line.position, f"line {line.audit_id} is filed under another person than it names"
            )

    def _note_gap(self, position: int) -> None:
        if not self._begun and self._position == 0:
            self.report.add(Kind.HEAD_REMOVED, position, "the log begins here, without a checkpoint before")
        else:
            self.report.add(Kind.POSITION_MISSING, self._position + 1, f"next is {position}")
        self._link = None

    def _fitting_leaf(self, line: SealedLine, text: str, digest: bytes, recorded_at: datetime) -> bytes:
        """The leaf by which this line was sealed, if what is there still tells; findings name what was altered."""
        by_column = leaf(line.audit_id, recorded_at, digest)
        computed = sha256(text.encode("utf-8", "surrogatepass")).digest()
        fits = self._link is None or chain_link(self._link, by_column) == line.chain_hash
        if computed == digest:
            if not fits:
                self.report.add(
                    Kind.ENTRY_REPLACED, line.position, f"line {line.audit_id} is not what was sealed at this position"
                )
            return by_column
        if fits:
            self.report.add(Kind.LINE_ALTERED, line.position, f"the text of line {line.audit_id} does not give its digest")
            return by_column
        by_text = leaf(line.audit_id, recorded_at, computed)
        if self._link is not None and chain_link(self._link, by_text) == line.chain_hash:
            self.report.add(Kind.DIGEST_ALTERED, line.position, f"the digest of line {line.audit_id} is not that of its text")
            return by_text
        self.report.add(Kind.ENTRY_REPLACED, line.position, f"line {line.audit_id} is not what was sealed at this position")
        return by_column

    # --- checkpoints ---------------------------------------------------------------------------------------------------

    def _take_head(self, head: Head) -> None:
        self.report.checkpoints += 1
        checkpoint = self._opened(head)
        if checkpoint is None:
            return
        if checkpoint.previous != self._previous:
            self.report.add(Kind.CHECKPOINT_MISSING, head.size, "it does not follow the checkpoint that is before it here")
        self._previous = hash_of(head.signed)
        chain_fits = self._position != head.size or self._link == checkpoint.chain
        if self._tree.size != head.size or self._tree.root() != checkpoint.root or not chain_fits:
            self.report.add(Kind.TREE_DIFFERS, head.size, "the lines up to here are not those that were signed")
            self._go_on_after(head, checkpoint)
        elif head.subtrees != self._tree.packed():
            self.report.add(Kind.CHECKPOINT_FORGED, head.size, "the subtrees beside it are not those of this tree")
        self._remember(head, checkpoint)

    def _go_on_after(self, head: Head, checkpoint: Checkpoint) -> None:
        if (tree := _rest(head, checkpoint)) is not None:
            self._tree = tree
            self._link = checkpoint.chain if self._position == head.size else self._link

    def _opened(self, head: Head) -> Checkpoint | None:
        try:
            checkpoint = self._keys.open(head.signed)
        except CheckpointError as error:
            self.report.add(Kind.CHECKPOINT_FORGED, head.size, str(error))
            return None
        if checkpoint.size != head.size:
            self.report.add(Kind.CHECKPOINT_FORGED, head.size, f"it was signed for {checkpoint.size} lines")
            return None
        return checkpoint

    def _remember(self, head: Head, checkpoint: Checkpoint) -> None:
        self._heads.add(head, checkpoint)
        self.report.newest_signed_at = checkpoint.signed_at

    # --- copies --------------------------------------------------------------------------------------------------------

    def begin_copies(self, place: str) -> "CopyVerifier":
        """Compare with the copies of one place."""
        self.report.copies[place] = 0
        return CopyVerifier(self.report, self._heads, self._keys, self._demands, place, border=self._border)


class CopyVerifier:
    """Takes the copies of one place, oldest first."""

    def __init__(self, report: Report, heads: "_Heads", keys: PublicKeys, demands: Demands, place: str, *, border: int) -> None:
        self._report = report
        self._heads = heads
        self._keys = keys
        self._demands = demands
        self._place = place
        self._border = border
        self._reached = 0

    def take(self, signed: str) -> None:
        """The next copy."""
        self._report.copies[self._place] += 1
        claimed = _claimed_size(signed)
        if claimed is not None and self._heads.hash_at(claimed) == hash_of(signed):
            self._reached = max(self._reached, claimed)
            return
        try:
            copied = self._keys.open(signed)
        except CheckpointError as error:
            self._report.add(Kind.COPY_FORGED, claimed, f"{self._place}: {error}")
            return
        if copied.size < self._border:
            return
        if copied.epoch < self._demands.restored_epoch:
            self._report.lost_by_known_restores += 1
        elif copied.size > self._heads.size:
            text = f"{self._place}: {copied.size} lines were signed at {copied.signed_at.isoformat()}, epoch {copied.epoch}"
            self._report.add(Kind.TAIL_CUT, copied.size, text)
        else:
            text = f"{self._place}: another log was signed at {copied.signed_at.isoformat()}, epoch {copied.epoch}"
            self._report.add(Kind.LOG_REWRITTEN, copied.size, text)

    def end(self) -> None:
        """No further copies."""
        waiting_since = self._heads.signed_after(self._reached)
        if waiting_since is None or waiting_since > self._demands.at.timestamp() - self._demands.late_s:
            return
        if self._report.copies[self._place] == 0:
            self._report.add(Kind.COPY_MISSING, None, f"{self._place}: there is no copy")
        else:
            self._report.add(Kind.COPY_LATE, self._reached, f"{self._place}: this is the newest copy of this log")


class _Heads:
    """Size, hash and time of every good checkpoint of the log, packed."""

    def __init__(self) -> None:
        self._sizes = array("q")
        self._times = array("d")
        self._hashes = bytearray()

    @property
    def size(self) -> int:
        """Lines under the newest."""
        return self._sizes[-1] if self._sizes else 0

    def add(self, head: Head, checkpoint: Checkpoint) -> None:
        if head.size > self.size:
            self._sizes.append(head.size)
            self._times.append(checkpoint.signed_at.timestamp())
            self._hashes += hash_of(head.signed)

    def hash_at(self, size: int) -> bytes | None:
        place = bisect_left(self._sizes, size)
        if place == len(self._sizes) or self._sizes[place] != size:
            return None
        return bytes(self._hashes[place * DIGEST_BYTES : (place + 1) * DIGEST_BYTES])

    def signed_after(self, size: int) -> float | None:
        """When the first checkpoint above `size` was signed."""
        place = bisect_right(self._sizes, size)
        return self._times[place] if place < len(self._times) else None


def _rest(head: Head, checkpoint: Checkpoint) -> Tree | None:
    """The tree at a checkpoint, from the subtrees beside it, if they give the signed root."""
    try:
        tree = Tree.unpacked(head.size, head.subtrees)
    except ValueError:
        return None
    return tree if tree.root() == checkpoint.root else None


def _person_in(line: str) -> str | None:
    try:
        person = json.loads(line)["person"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return str(person) if person is not None else None


def _claimed_size(signed: str) -> int | None:
    """The size a signed text speaks of, before anybody looked at its signature."""
    try:
        payload = signed.split(".")[1]
        size = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["size"]
    except (ValueError, IndexError, TypeError, KeyError, RecursionError):
        return None
    return size if isinstance(size, int) and 0 < size < 1 << 62 else None
