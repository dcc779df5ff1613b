"""The verifier finds every tampering: a table of known ones, random ones; and a verifier with a planted bug is found out."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from services.chassis.evidence import verifier as module
from services.chassis.evidence.checkpoint import Checkpoint, PublicKeys
from services.chassis.evidence.entries import leaf
from services.chassis.evidence.merkle import Tree
from services.chassis.evidence.verifier import Border, Head, Kind, SealedLine, Unsealed
from tests.chassis.evidence.made import (
    DEMANDS,
    KEYS,
    LINES,
    NOW,
    OTHER_SERVICE,
    RESIGNED,
    SIZES,
    SOUND,
    Made,
    altered_text,
    flipped,
    new_keys,
    other_id,
    seal,
    unsealed_lines,
    verify,
)


def _with_line(change: Callable[[SealedLine], SealedLine], index: int = 7) -> Made:
    return SOUND.with_entry(index, change(SOUND.line(index)))


def _swapped() -> Made:
    first, second = SOUND.line(7), SOUND.line(9)
    one = replace(second, position=first.position, chain_hash=first.chain_hash)
    two = replace(first, position=second.position, chain_hash=second.chain_hash)
    return SOUND.with_entry(7, one).with_entry(9, two)


def _rebuilt(lines: list[SealedLine]) -> Made:
    """Chain and subtrees computed anew over other lines; the signatures stay, nobody has the key."""
    fresh = seal(lines, [size for size in SIZES if size <= len(lines)], keys=new_keys())
    signed = {SOUND.head(index).size: SOUND.head(index).signed for index in SOUND.heads}
    entries = tuple(replace(each, signed=signed[each.size]) if isinstance(each, Head) else each for each in fresh.entries)
    return Made(entries, SOUND.copies)


def _inserted() -> Made:
    return _rebuilt([*LINES[:5], *unsealed_lines(1), *LINES[5:11]])


def _closed_gap() -> Made:
    """A line removed, the later ones moved up."""
    entries = [
        replace(each, position=each.position - 1) if isinstance(each, SealedLine) and each.position > 6 else each
        for each in SOUND.entries
        if not (isinstance(each, SealedLine) and each.position == 6)
    ]
    return Made(tuple(entries), SOUND.copies)


def _other_digest() -> Made:
    line = SOUND.line(7)
    return SOUND.with_entry(7, replace(line, digest=flipped(line.digest or b"", 9)))


def _other_line_with_its_digest() -> Made:
    line = altered_text(SOUND.line(7))
    return SOUND.with_entry(7, replace(line, digest=sha256((line.line or "").encode()).digest()))


def _foreign_head() -> Made:
    """A good checkpoint of another service, of as many lines."""
    index = SOUND.heads[-1]
    return SOUND.with_entry(index, OTHER_SERVICE.head(index))


def _foreign_service_by_our_key() -> Made:
    index = SOUND.heads[-1]
    good = KEYS.public.open(SOUND.head(index).signed)
    return SOUND.with_entry(index, replace(SOUND.head(index), signed=KEYS.sign(replace(good, service="registry"))))


def _broken_signature() -> Made:
    index = SOUND.heads[1]
    signed = SOUND.head(index).signed
    return SOUND.with_entry(index, replace(SOUND.head(index), signed=signed[:-20] + "AAAA" + signed[-16:]))


def _cut(last: int) -> Made:
    """Everything above a checkpoint gone: lines, seals and checkpoints."""
    return Made(SOUND.entries[: SOUND.heads[last] + 1], SOUND.copies)


def _copies(*copies: str) -> Made:
    return Made(SOUND.entries, copies)


TAMPERINGS: dict[str, tuple[Made, set[Kind]]] = {
    "line altered": (_with_line(altered_text), {Kind.LINE_ALTERED}),
    "digest altered": (_other_digest(), {Kind.DIGEST_ALTERED}),
    "line and digest altered": (_other_line_with_its_digest(), {Kind.ENTRY_REPLACED, Kind.TREE_DIFFERS}),
    "time altered": (
        _with_line(lambda line: replace(line, recorded_at=(line.recorded_at or NOW) + timedelta(microseconds=1))),
        {Kind.ENTRY_REPLACED, Kind.TREE_DIFFERS},
    ),
    "filed under another person": (
        _with_line(lambda line: replace(line, person_id=other_id(line.person_id, 3))),
        {Kind.PERSON_ALTERED},
    ),
    "filed under nobody": (_with_line(lambda line: replace(line, person_id=None)), {Kind.PERSON_ALTERED}),
    "line removed": (
        _with_line(lambda line: replace(line, line=None, digest=None, recorded_at=None, person_id=None)),
        {Kind.LINE_MISSING, Kind.TREE_DIFFERS},
    ),
    "line and seal removed": (SOUND.with_entry(7), {Kind.POSITION_MISSING, Kind.TREE_DIFFERS}),
    "gap closed": (_closed_gap(), {Kind.ENTRY_REPLACED, Kind.TREE_DIFFERS}),
    "lines swapped": (_swapped(), {Kind.ENTRY_REPLACED, Kind.TREE_DIFFERS}),
    "chain rebuilt over an altered line": (
        _rebuilt([*LINES[:5], _other_line_with_its_digest().line(7), *LINES[6:]]),
        {Kind.TREE_DIFFERS},
    ),
    "chain rebuilt over an inserted line": (_inserted(), {Kind.TREE_DIFFERS}),
    "beginning removed": (Made(SOUND.entries[4:], SOUND.copies), {Kind.HEAD_REMOVED}),
    "everything removed": (Made((), SOUND.copies), {Kind.TAIL_CUT}),
    "tail cut": (_cut(1), {Kind.TAIL_CUT}),
    "tail cut by one checkpoint": (_cut(2), {Kind.TAIL_CUT}),
    "last checkpoint removed": (SOUND.with_entry(SOUND.heads[-1]), {Kind.TAIL_UNSIGNED}),
    "checkpoint in the middle removed": (SOUND.with_entry(SOUND.heads[1]), {Kind.CHECKPOINT_MISSING}),
    "all checkpoints removed": (
        Made(tuple(each for each in SOUND.entries if not isinstance(each, Head)), SOUND.copies),
        {Kind.TAIL_UNSIGNED},
    ),
    "signature broken": (_broken_signature(), {Kind.CHECKPOINT_FORGED}),
    "everything signed with another key": (Made(RESIGNED.entries, SOUND.copies), {Kind.CHECKPOINT_FORGED}),
    "checkpoint of another service": (_foreign_head(), {Kind.CHECKPOINT_FORGED}),
    "checkpoint of another service by our key": (_foreign_service_by_our_key(), {Kind.CHECKPOINT_FORGED}),
    "subtrees altered": (
        SOUND.with_entry(SOUND.heads[0], replace(SOUND.head(SOUND.heads[0]), subtrees=bytes(64))),
        {Kind.CHECKPOINT_FORGED},
    ),
    "log and checkpoints rebuilt with our key": (
        Made(seal([*LINES[:5], *unsealed_lines(1), *LINES[6:]], SIZES).entries, SOUND.copies),
        {Kind.LOG_REWRITTEN},
    ),
    "no copies": (_copies(), {Kind.COPY_MISSING}),
    "newest copy missing": (_copies(*SOUND.copies[:-1]), {Kind.COPY_LATE}),
    "copy damaged": (_copies(*SOUND.copies[:-1], SOUND.copies[-1][:90], SOUND.copies[-1]), {Kind.COPY_FORGED}),
    "copy of another key": (_copies(*SOUND.copies, RESIGNED.copies[0]), {Kind.COPY_FORGED}),
    "lines without a seal": (Made((*SOUND.entries, Unsealed(2, [LINES[0].audit_id])), SOUND.copies), {Kind.UNSEALED}),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_every_known_tampering_is_named(name: str) -> None:
    made, kinds = TAMPERINGS[name]
    report = verify(made)
    assert not report.sound
    assert kinds <= set(report.counts), report.findings


def test_a_sound_log_is_sound() -> None:
    report = verify(SOUND)
    assert report.findings == []
    assert (report.lines, report.checkpoints, report.size, report.copies) == (12, 4, 12, {"folder": 4, "stream": 4})


def test_one_alteration_is_told_once_and_where() -> None:
    for name in ("line altered", "digest altered"):
        (finding,) = verify(TAMPERINGS[name][0]).findings
        assert finding.position == 6
    report = verify(TAMPERINGS["line and digest altered"][0])
    assert [(each.kind, each.position) for each in report.findings] == [(Kind.ENTRY_REPLACED, 6), (Kind.TREE_DIFFERS, 9)]


def test_findings_are_bounded() -> None:
    made = seal(unsealed_lines(300), (300,))
    lines = tuple(altered_text(each) if isinstance(each, SealedLine) else each for each in made.entries)
    report = verify(Made(lines, ()))
    assert report.counts[Kind.LINE_ALTERED] == 300
    assert len(report.findings) < 100


def test_a_pruned_log_begins_at_an_old_checkpoint_and_at_no_young_one() -> None:
    border = Border(SOUND.head(SOUND.heads[1]))
    made = Made((border, *SOUND.entries[SOUND.heads[1] + 1 :]), SOUND.copies)
    later = replace(DEMANDS, at=NOW + timedelta(days=1100))
    report = verify(made, demands=later)
    assert report.findings == []
    assert (report.first_position, report.lines) == (5, 8)
    assert set(verify(made).counts) == {Kind.HEAD_REMOVED}
    forged = Made((Border(replace(border.head, subtrees=bytes(32))), *made.entries[1:]), SOUND.copies)
    assert Kind.HEAD_REMOVED in verify(forged, demands=later).counts


def test_what_a_known_restore_lost_is_told_but_no_finding() -> None:
    good = KEYS.public.open(SOUND.copies[-1])
    lost = KEYS.sign(replace(good, size=15))
    made = Made(SOUND.entries, (*SOUND.copies, lost))
    assert set(verify(made).counts) == {Kind.TAIL_CUT}
    report = verify(made, demands=replace(DEMANDS, restored_epoch=2))
    assert report.sound
    assert report.lost_by_known_restores == 2  # in both places


def test_evidence_younger_than_the_bound_is_not_late() -> None:
    assert verify(_copies(), demands=replace(DEMANDS, late_s=7200)).sound
    assert verify(_copies(*SOUND.copies[:-1]), demands=replace(DEMANDS, late_s=7200)).sound


# --- random tampering ----------------------------------------------------------------------------------------------------


@st.composite
def tampered(draw: st.DrawFn) -> Made:
    """One random change of lines, seals, checkpoints or copies that changes anything at all."""
    made = draw(st.sampled_from(CHANGES))(draw, SOUND)
    assume(made != SOUND)
    return made


def _change_line(draw: st.DrawFn, made: Made) -> Made:
    index = draw(st.sampled_from(made.lines))
    line, bit = made.line(index), draw(st.integers(0, 255))
    choice = draw(st.integers(0, 7))
    changed = (
        lambda: altered_text(line, bit),
        lambda: replace(line, digest=flipped(line.digest or b"", bit)),
        lambda: replace(line, chain_hash=flipped(line.chain_hash, bit)),
        lambda: replace(line, recorded_at=(line.recorded_at or NOW) + timedelta(microseconds=bit + 1)),
        lambda: replace(line, person_id=other_id(line.person_id, bit)),
        lambda: replace(line, audit_id=other_id(line.audit_id, bit)),
        lambda: replace(line, position=line.position + bit + 1),
        lambda: replace(line, line=(line.line or "")[: bit % len(line.line or "")]),
    )[choice]()
    return made.with_entry(index, changed)


def _remove(draw: st.DrawFn, made: Made) -> Made:
    start = draw(st.integers(0, len(made.entries) - 1))
    length = draw(st.integers(1, len(made.entries) - start))
    return Made(made.entries[:start] + made.entries[start + length :], made.copies)


def _repeat(draw: st.DrawFn, made: Made) -> Made:
    index = draw(st.integers(0, len(made.entries) - 1))
    return made.with_entry(index, made.entries[index], made.entries[index])


def _exchange(draw: st.DrawFn, made: Made) -> Made:
    one, two = draw(st.sampled_from(made.lines)), draw(st.sampled_from(made.lines))
    first, second = made.line(one), made.line(two)
    placed = replace(second, position=first.position, chain_hash=first.chain_hash)
    return made.with_entry(one, placed).with_entry(two, replace(first, position=second.position, chain_hash=second.chain_hash))


def _reorder(draw: st.DrawFn, made: Made) -> Made:
    return Made(tuple(draw(st.permutations(made.entries))), made.copies)


def _change_head(draw: st.DrawFn, made: Made) -> Made:
    index = draw(st.sampled_from(made.heads))
    head, place = made.head(index), draw(st.integers(0, 600))
    choice = draw(st.integers(0, 4))
    place %= len(head.signed)
    other = draw(st.sampled_from("abcXYZ019-_."))
    changed = (
        lambda: replace(head, signed=head.signed[:place] + other + head.signed[place + 1 :]),
        lambda: replace(head, size=head.size + 1),
        lambda: replace(head, signed=draw(st.sampled_from([*RESIGNED.copies, *OTHER_SERVICE.copies, *made.copies]))),
        lambda: replace(head, subtrees=flipped(head.subtrees, place)),
        lambda: replace(head, signed=head.signed[:place]),
    )[choice]()
    return made.with_entry(index, changed)


def _sign_anew(draw: st.DrawFn, made: Made) -> Made:
    """Our key signs, but not what is there: one member of a checkpoint is another one."""
    index = draw(st.sampled_from(made.heads))
    good = KEYS.public.open(made.head(index).signed)
    member = draw(st.sampled_from(["root", "chain", "size", "service", "previous", "epoch"]))
    value: Any = {
        "root": flipped(good.root, 1),
        "chain": flipped(good.chain, 1),
        "size": good.size + 1,
        "service": "registry",
        "previous": flipped(good.root, 2),
        "epoch": good.epoch + 1,
    }[member]
    changed: Checkpoint = replace(good, **{member: value})
    return made.with_entry(index, replace(made.head(index), signed=KEYS.sign(changed)))


def _rebuild(draw: st.DrawFn, made: Made) -> Made:
    lines = draw(st.permutations(LINES))
    return _rebuilt(list(lines[: draw(st.integers(1, len(lines)))]))


def _change_copies(draw: st.DrawFn, made: Made) -> Made:
    place = draw(st.integers(0, len(made.copies) - 1))
    copies = list(made.copies)
    choice = draw(st.integers(0, 2))
    if choice == 0:
        copies[-1:] = []
    elif choice == 1:
        copies.insert(place, draw(st.sampled_from([*RESIGNED.copies, *OTHER_SERVICE.copies])))
    else:
        copies[place] = copies[place][: draw(st.integers(0, len(copies[place]) - 1))]
    return Made(made.entries, tuple(copies))


CHANGES = (
    _change_line,
    _change_line,
    _remove,
    _repeat,
    _exchange,
    _reorder,
    _change_head,
    _sign_anew,
    _rebuild,
    _change_copies,
)
_quietly = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much]}


@settings(max_examples=600, **_quietly)  # type: ignore[arg-type]
@given(tampered())
def test_no_random_tampering_goes_unseen(made: Made) -> None:
    assert not verify(made).sound


@pytest.mark.long
@pytest.mark.timeout(900)
@settings(max_examples=10_000, **_quietly)  # type: ignore[arg-type]
@given(tampered())
def test_no_random_tampering_goes_unseen_at_length(made: Made) -> None:
    assert not verify(made).sound


# --- planted bugs --------------------------------------------------------------------------------------------------------


def _skip_the_tail(patch: pytest.MonkeyPatch) -> None:
    take = module.CopyVerifier.take

    def careless(self: module.CopyVerifier, signed: str) -> None:
        if (module._claimed_size(signed) or 0) <= self._heads.size:
            take(self, signed)

    patch.setattr(module.CopyVerifier, "take", careless)


def _trust_digests(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(module.Verifier, "_fitting_leaf", lambda _, line, _text, digest, at: leaf(line.audit_id, at, digest))


def _trust_signatures(patch: pytest.MonkeyPatch) -> None:
    def gullible(self: PublicKeys, signed: str) -> Checkpoint:
        import base64  # noqa: PLC0415 - the bug's own

        payload = signed.split(".")[1]
        return Checkpoint.from_payload(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))

    patch.setattr(PublicKeys, "open", gullible)


class Agreeable(bytes):
    """Equal to everything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = bytes.__hash__


def _ignore_roots(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Tree, "root", lambda _: Agreeable())
    patch.setattr(module, "chain_link", lambda *_: Agreeable())


def _ignore_links(patch: pytest.MonkeyPatch) -> None:
    take = module.Verifier._take_head

    def careless(self: module.Verifier, head: Head) -> None:
        self._previous = self._keys.open(head.signed).previous
        take(self, head)

    patch.setattr(module.Verifier, "_take_head", careless)


def _ignore_persons(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(module, "_person_in", lambda _: Agreeable())


@pytest.mark.parametrize(
    ("plant", "unseen"),
    [
        (_skip_the_tail, "tail cut"),
        (_trust_digests, "line altered"),
        (_trust_signatures, "signature broken"),
        (_ignore_roots, "line and digest altered"),
        (_ignore_links, "checkpoint in the middle removed"),
        (_ignore_persons, "filed under nobody"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else value,
)
def test_a_verifier_with_a_planted_bug_is_found_out(
    plant: Callable[[pytest.MonkeyPatch], None], unseen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each check is the only one that sees its tampering: without it, the table above would turn red."""
    made, kinds = TAMPERINGS[unseen]
    plant(monkeypatch)
    assert not kinds <= set(verify(made).counts)
