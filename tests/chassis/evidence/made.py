"""A small sealed log made in memory with the parts the sealer uses, for verifiers to look at; and ways to tamper with it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from joserfc.jwk import OKPKey

from services.chassis.evidence.checkpoint import Checkpoint, SigningKeys, hash_of
from services.chassis.evidence.entries import chain_link, chain_start, leaf
from services.chassis.evidence.merkle import Tree
from services.chassis.evidence.verifier import Demands, Entry, Head, Report, SealedLine, Verifier
from tests.chassis.evidence.stage import SERVICE, a_line

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SIGNED_AT = NOW - timedelta(hours=1)


def new_keys(service: str = SERVICE) -> SigningKeys:
    """Fresh keys."""
    return SigningKeys(service, [OKPKey.generate_key("Ed25519", auto_kid=True)])


KEYS = new_keys()
DEMANDS = Demands(at=NOW)


@dataclass(frozen=True, slots=True)
class Made:
    """Entries in order, and what both places hold."""

    entries: tuple[Entry, ...]
    copies: tuple[str, ...]

    @property
    def lines(self) -> list[int]:
        """Indexes of lines."""
        return [index for index, entry in enumerate(self.entries) if isinstance(entry, SealedLine)]

    @property
    def heads(self) -> list[int]:
        """Indexes of checkpoints."""
        return [index for index, entry in enumerate(self.entries) if isinstance(entry, Head)]

    def line(self, index: int) -> SealedLine:
        """The line at an index."""
        entry = self.entries[index]
        assert isinstance(entry, SealedLine)
        return entry

    def head(self, index: int) -> Head:
        """The checkpoint at an index."""
        entry = self.entries[index]
        assert isinstance(entry, Head)
        return entry

    def with_entry(self, index: int, *entries: Entry) -> "Made":
        """One entry replaced by none, one or more."""
        return Made((*self.entries[:index], *entries, *self.entries[index + 1 :]), self.copies)


def unsealed_lines(count: int) -> list[SealedLine]:
    """Lines as they come, without a place."""
    lines = (a_line() for _ in range(count))
    return [
        SealedLine(0, line.audit_id, b"", SIGNED_AT + timedelta(microseconds=number), line.person_id, line.line, line.digest)
        for number, line in enumerate(lines)
    ]


def seal(lines: Sequence[SealedLine], sizes: Sequence[int], *, keys: SigningKeys = KEYS, service: str = SERVICE) -> Made:
    """Seal lines, with a checkpoint at each of `sizes`, all of which are copied."""
    tree, link, previous = Tree(), chain_start(service), None
    entries: list[Entry] = []
    copies: list[str] = []
    for position, line in enumerate(lines, start=1):
        assert line.recorded_at is not None
        assert line.digest is not None
        of_line = leaf(line.audit_id, line.recorded_at, line.digest)
        tree.append(of_line)
        link = chain_link(link, of_line)
        entries.append(replace(line, position=position, chain_hash=link))
        if position in sizes:
            signed = keys.sign(Checkpoint(service, 1, position, tree.root(), link, previous, SIGNED_AT))
            entries.append(Head(position, signed, tree.packed()))
            copies.append(signed)
            previous = hash_of(signed)
    return Made(tuple(entries), tuple(copies))


LINES = unsealed_lines(12)
SIZES = (3, 4, 9, 12)
SOUND = seal(LINES, SIZES)
OTHER_KEYS = new_keys()
OTHER_SERVICE = seal(LINES, SIZES, keys=new_keys("registry"), service="registry")
RESIGNED = seal(LINES, SIZES, keys=OTHER_KEYS)


def verify(made: Made, *, demands: Demands = DEMANDS, compare: bool = True) -> Report:
    """What the verifier says."""
    verifier = Verifier(KEYS.public, demands)
    for entry in made.entries:
        verifier.take(entry)
    verifier.end()
    if compare:
        for place in ("folder", "stream"):
            copies = verifier.begin_copies(place)
            for signed in made.copies:
                copies.take(signed)
            copies.end()
    return verifier.report


def altered_text(line: SealedLine, place: int = 40) -> SealedLine:
    """One character of the line is another one."""
    text = line.line or ""
    place %= len(text)
    other = "x" if text[place] != "x" else "y"
    return replace(line, line=text[:place] + other + text[place + 1 :])


def flipped(value: bytes, bit: int) -> bytes:
    """One bit is another one."""
    bit %= len(value) * 8
    return (int.from_bytes(value) ^ (1 << bit)).to_bytes(len(value))


def other_id(value: UUID | None, bit: int) -> UUID:
    """Another id."""
    return UUID(bytes=flipped((value or UUID(int=1)).bytes, bit))
