"""Proof that a placement is what it should be, for everybody: nothing here trusts who made it.

`verify` does the whole round again from its inputs and compares; it also checks by the definitions, without the engine, that
nobody has justified envy and nothing is wasted. `check` checks one child's placement against the published digest alone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest

from services.chassis.evidence.merkle import inclusion_path, root_by_path, root_of
from services.education.rules.placement.fairness import violations
from services.education.rules.placement.lottery import SEED_BYTES, Draw
from services.education.rules.placement.outcomes import Placement, Record
from services.education.rules.placement.placing import place_sound
from services.education.rules.placement.problem import Mechanism
from services.education.rules.placement.published import (
    FORMAT,
    PROOF_FORMAT,
    Bundle,
    Header,
    Proof,
    PublishedDraw,
    header_of,
    leaf_of,
    leaves_of,
)
from services.education.rules.placement.soundness import problems_of

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""
_TOLD_MAX = 20


class Check(StrEnum):
    """What is checked, in order."""

    INPUTS = "inputs"
    COMMITMENT = "commitment"
    SAME_AGAIN = "same_again"
    FAIR = "fair"
    TREE = "tree"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a bundle or a proof."""

    check: Check
    message_zh: str
    message_en: str


def published_draw(draw: Draw) -> PublishedDraw:
    """A draw as it is published when it is revealed."""
    return PublishedDraw(draw.commitment.hex(), draw.seed.hex(), draw.public_value)


def make_bundle(placement: Placement, draw: Draw) -> Bundle:
    """All of a round, to be published."""
    records, cut_offs, revealed = tuple(placement.records()), placement.cut_offs(), published_draw(draw)
    root = root_of(leaves_of(records)).hex()
    header = header_of(placement.problem, revealed, cut_offs, len(records), root)
    return Bundle(FORMAT, placement.problem, revealed, records, cut_offs, root, header.digest)


def header_in(bundle: Bundle) -> Header:
    """What the digest of a bundle is taken of, as the bundle says."""
    return header_of(bundle.problem, bundle.draw, bundle.cut_offs, len(bundle.placements), bundle.root)


def proof_of(bundle: Bundle, child: str) -> Proof:
    """One child's own proof. Raises KeyError."""
    index = next((at for at, each in enumerate(bundle.placements) if each.child == child), None)
    if index is None:
        raise KeyError(child)
    path = inclusion_path(leaves_of(bundle.placements), index)
    return Proof(PROOF_FORMAT, header_in(bundle), bundle.placements[index], index, tuple(each.hex() for each in path))


def check_proof(proof: Proof, digest: str) -> Iterator[Finding]:
    """What is wrong with a proof, given the digest that was published; nothing when the placement is part of that round."""
    if proof.header.digest != digest.strip().lower():
        zh, en = "证明所属的结果与公布的摘要不符", "the proof belongs to another result than the published digest"
        yield Finding(Check.DIGEST, zh, en)
    draw = _draw_in(proof.header.round, proof.header.draw)
    if draw is None:
        yield _commitment_broken()
    elif not _is_own_number(draw, proof.placement):
        zh, en = "抽签号不是由公布的种子算出", "the lottery number does not follow from the published seed"
        yield Finding(Check.COMMITMENT, zh, en)
    path = [_bytes(each) for each in proof.path]
    root = root_by_path(leaf_of(proof.placement), proof.index, proof.header.children, [each or b"" for each in path])
    if root is None or root.hex() != proof.header.root:
        zh, en = "该儿童的安排不在公布的结果之中,或已被改动", "this placement is not in the published result, or was changed"
        yield Finding(Check.TREE, zh, en)


def verify(bundle: Bundle, tell: Progress = lambda _what, _done, _all: None) -> Iterator[Finding]:
    """What is wrong with a bundle; nothing when it is exactly what its inputs, rules and draw lead to, and fair."""
    unsound = list(problems_of(bundle.problem))[:_TOLD_MAX]
    if unsound:
        yield from (Finding(Check.INPUTS, f"{e.pointer}:{e.message_zh}", f"{e.pointer}: {e.message_en}") for e in unsound)
        return
    draw = _draw_in(bundle.problem.round, bundle.draw)
    if draw is None:
        yield _commitment_broken()
        return
    yield from _same_again(bundle, draw, tell)
    yield from _fair(bundle, draw, tell)
    yield from _digest(bundle, tell)


def _draw_in(round_: str, told: PublishedDraw) -> Draw | None:
    """The draw, when its seed is the one that was committed to."""
    seed = _bytes(told.seed)
    if seed is None or len(seed) != SEED_BYTES:
        return None
    draw = Draw(round_, seed, told.public_value)
    return draw if draw.commitment.hex() == told.commitment else None


def _bytes(written: str) -> bytes | None:
    """From hexadecimal, in its one spelling."""
    try:
        found = bytes.fromhex(written)
    except ValueError:
        return None
    return found if found.hex() == written else None


def _commitment_broken() -> Finding:
    zh, en = "公布的种子与报名截止前公布的承诺不符", "the seed is not the one that was committed to before registration closed"
    return Finding(Check.COMMITMENT, zh, en)


def _is_own_number(draw: Draw, record: Record) -> bool:
    number = draw.number_together(record.together) if record.together else draw.number(record.child)
    return number.hex() == record.lottery


def _same_again(bundle: Bundle, draw: Draw, tell: Progress) -> Iterator[Finding]:
    tell("重新安排 placing again", 0, 1)
    placement = place_sound(bundle.problem, draw)
    tell("重新安排 placing again", 1, 1)
    wrong = 0
    for told, mine in zip_longest(bundle.placements, placement.records()):
        if told != mine:
            wrong += 1
            if wrong <= _TOLD_MAX:
                yield _differs(told, mine)
    if wrong > _TOLD_MAX:
        yield Finding(Check.SAME_AGAIN, f"共{wrong}名儿童的结果不符", f"{wrong} children in all come out otherwise")
    if bundle.cut_offs != placement.cut_offs():
        zh, en = "各校录取分数线与重算不符", "the cut-offs come out otherwise"
        yield Finding(Check.SAME_AGAIN, zh, en)


def _differs(told: Record | None, mine: Record | None) -> Finding:
    child = (told or mine or _NOBODY).child
    published, again = (_place(each) for each in (told, mine))
    if told is not None and mine is not None and told.child == mine.child and published == again:
        zh, en = f"{child}:分值、抽签号或理由与重算不符", f"{child}: points, lottery number or reasons come out otherwise"
    else:
        zh = f"{child}:公布为{published[0]},重算为{again[0]}"
        en = f"{child}: published {published[1]}, comes out {again[1]}"
    return Finding(Check.SAME_AGAIN, zh, en)


_NOBODY = Record("?", 0, (), "", None, None, ())


def _place(record: Record | None) -> tuple[str, str]:
    if record is None:
        return "没有此人", "nobody"
    return (record.offer, record.offer) if record.offer else ("未安排", "no place")


def _fair(bundle: Bundle, draw: Draw, tell: Progress) -> Iterator[Finding]:
    """By definition; a mechanism for comparison promises neither, so of it nothing is said."""
    if bundle.problem.rules.mechanism is not Mechanism.DEFERRED_ACCEPTANCE:
        return
    offers = len(bundle.problem.offers)
    placements = {each.child: each.offer for each in bundle.placements}
    found = violations(
        bundle.problem, draw, placements, lambda done: tell("逐校检查公平 schools checked for fairness", done, offers)
    )
    for number, each in enumerate(found):
        if number == _TOLD_MAX:
            return
        yield Finding(Check.FAIR, each.message_zh, each.message_en)


def _digest(bundle: Bundle, tell: Progress) -> Iterator[Finding]:
    tell("核对摘要 checking the digest", 0, 1)
    if root_of(leaves_of(bundle.placements)).hex() != bundle.root:
        zh, en = "安排结果与其摘要树不符", "the placements are not those of the published tree"
        yield Finding(Check.TREE, zh, en)
    if header_in(bundle).digest != bundle.digest:
        zh, en = "摘要与内容不符", "the digest is not that of the content"
        yield Finding(Check.DIGEST, zh, en)
    tell("核对摘要 checking the digest", 1, 1)
