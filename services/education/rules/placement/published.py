"""The published form of a placement: documents with one spelling, so that they have one digest.

The digest of a round is over its inputs (rules, offers, children), the draw and the root of a Merkle tree with one leaf for
each child (RFC 9162): whoever knows one leaf and the few hashes beside its way to the root can check it alone.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar, Literal, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from services.chassis.errors import FieldError
from services.chassis.evidence.merkle import leaf_hash
from services.education.rules.placement.outcomes import CutOff, Record
from services.education.rules.placement.problem import Problem
from services.education.rules.placement.soundness import UnsoundProblemError

FORMAT: Literal["xinshimin-placement-bundle-1"] = "xinshimin-placement-bundle-1"
PROOF_FORMAT: Literal["xinshimin-placement-proof-1"] = "xinshimin-placement-proof-1"
_DIGEST = b"xinshimin/education/placement/digest/1\x00"
_STRICT = ConfigDict(extra="forbid", strict=True)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class PublishedDraw:
    """Commitment and seed in hexadecimal, and what was drawn in public (`lottery.py`)."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    commitment: str
    seed: str
    public_value: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything: who asked for what, by which rules and which draw, and what came of it. Whoever has it can do it again."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    format: Literal["xinshimin-placement-bundle-1"]
    problem: Problem
    draw: PublishedDraw
    placements: tuple[Record, ...]
    cut_offs: tuple[CutOff, ...]
    root: str
    digest: str


@dataclass(frozen=True, slots=True)
class Header:
    """What the digest is taken of: hashes of the inputs and cut-offs, the draw, and the tree of placements."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    round: str
    problem_sha256: str
    cut_offs_sha256: str
    draw: PublishedDraw
    children: int
    root: str

    @property
    def digest(self) -> str:
        """The digest of the round, in hexadecimal."""
        return sha256(_DIGEST + canonical(_HEADER.dump_python(self, mode="json"))).hexdigest()


@dataclass(frozen=True, slots=True)
class Proof:
    """One child's placement with what shows that it is part of the published round: small, about no other child."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    format: Literal["xinshimin-placement-proof-1"]
    header: Header
    placement: Record
    index: int
    path: tuple[str, ...]


_PROBLEM, _RECORD, _CUT_OFFS = TypeAdapter(Problem), TypeAdapter(Record), TypeAdapter(tuple[CutOff, ...])
_HEADER, _BUNDLE, _PROOF = TypeAdapter(Header), TypeAdapter(Bundle), TypeAdapter(Proof)


def canonical(document: object) -> bytes:
    """The one spelling of a document: keys in order, no spaces, UTF-8, whole numbers only."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def header_of(problem: Problem, draw: PublishedDraw, cut_offs: tuple[CutOff, ...], children: int, root: str) -> Header:
    """What the digest is taken of; the order in which offers and children are written down is none of it."""
    return Header(problem.round, _sha256_of_problem(problem), _sha256_of_cut_offs(cut_offs), draw, children, root)


def leaf_of(record: Record) -> bytes:
    """The leaf hash of one child."""
    return leaf_hash(canonical(_RECORD.dump_python(record, mode="json")))


def leaves_of(records: Iterable[Record]) -> list[bytes]:
    """The leaf hashes, in the order of the pseudonyms."""
    return [leaf_of(each) for each in records]


def _sha256_of_problem(problem: Problem) -> str:
    told = _PROBLEM.dump_python(problem, mode="json")
    for name in ("offers", "children"):
        told[name] = sorted(told[name], key=lambda each: str(each["id"]))
    return sha256(canonical(told)).hexdigest()


def _sha256_of_cut_offs(cut_offs: tuple[CutOff, ...]) -> str:
    told = _CUT_OFFS.dump_python(tuple(sorted(cut_offs, key=lambda each: each.offer)), mode="json")
    return sha256(canonical(told)).hexdigest()


def write_bundle(bundle: Bundle) -> bytes:
    """The file that is published."""
    return canonical(_BUNDLE.dump_python(bundle, mode="json"))


def write_proof(proof: Proof) -> bytes:
    """The file a parent gets."""
    return canonical(_PROOF.dump_python(proof, mode="json"))


def read_bundle(content: bytes) -> Bundle:
    """A bundle from its file. Raises UnsoundProblemError with each field that is no part of one."""
    return _read(_BUNDLE, content)


def read_proof(content: bytes) -> Proof:
    """A proof from its file. Raises UnsoundProblemError."""
    return _read(_PROOF, content)


def _read(adapter: TypeAdapter[_T], content: bytes) -> _T:
    try:
        return adapter.validate_json(content)
    except ValidationError as error:
        raise UnsoundProblemError([_told(each["loc"], each["msg"]) for each in error.errors(include_input=False)]) from None


def _told(where: tuple[int | str, ...], message: str) -> FieldError:
    pointer = "".join(f"/{each}" for each in where)
    return FieldError(pointer, "format", f"格式不符:{message}", message, "education.md §5.3")
