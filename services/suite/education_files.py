"""Bundles and proofs of placements as files, for `xinshimin education`: what cannot be used is told in both languages."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from services.education.rules.placement.published import Bundle, Proof, read_bundle, read_proof
from services.education.rules.placement.soundness import UnsoundProblemError
from services.suite import points_files
from services.suite.exits import ExitCode, SuiteError

_T = TypeVar("_T")


def bundle(file: Path) -> Bundle:
    """A published round."""
    return _read(file, read_bundle)


def proof(file: Path) -> Proof:
    """One child's proof."""
    return _read(file, read_proof)


def write_new(file: Path, content: bytes) -> None:
    """Never over a file that exists; readable by its owner alone."""
    points_files.write_new(file, content.decode())


def not_there(child: str) -> SuiteError:
    """A pseudonym that the bundle does not hold."""
    message = f"结果中没有代号 {child} · the result holds no child {child}"
    return SuiteError(ExitCode.INPUT_REFUSED, message)


def _read(file: Path, read: Callable[[bytes], _T]) -> _T:
    try:
        return read(file.read_bytes())
    except OSError as error:
        raise _refused(f"{file}: 无法读取 · cannot be read: {error}") from None
    except UnsoundProblemError as error:
        lines = [f"{each.pointer or '/'}: {each.message_zh} · {each.message_en}" for each in error.errors[:20]]
        raise _refused("\n".join([f"{file}: 格式不符 · not of this form", *lines])) from None


def _refused(message: str) -> SuiteError:
    return SuiteError(ExitCode.INPUT_REFUSED, message)
