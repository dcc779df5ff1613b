"""What `xinshimin education` shows: Chinese first, English beside it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from services.education.rules.placement.lottery import Draw
from services.education.rules.placement.placing import place
from services.education.rules.placement.problem import written_points
from services.education.rules.placement.proving import Check, Finding
from services.education.rules.placement.published import Bundle, Proof
from services.education.rules.placement.soundness import UnsoundProblemError
from services.education.rules.placement.wording import Explainer
from services.suite.exits import ExitCode, SuiteError

Told = dict[str, Any]
_CHECKS: Mapping[Check, str] = {
    Check.INPUTS: "报名数据与规则 · inputs and rules",
    Check.COMMITMENT: "种子与事先承诺 · seed and commitment",
    Check.SAME_AGAIN: "重新安排结果一致 · the same when placed again",
    Check.FAIR: "无正当嫉妒、无空置学位 · no justified envy, no waste",
    Check.TREE: "安排结果与摘要树 · placements and their tree",
    Check.DIGEST: "摘要 · digest",
}


def digest_findings(bundle: Bundle, digest: str | None) -> Iterator[Finding]:
    """When the file is not the one whose digest was published elsewhere."""
    if digest is not None and digest.strip().lower() != bundle.digest:
        yield Finding(Check.DIGEST, "文件的摘要不是公布的摘要", "the file's digest is not the one that was published")


def told_of_round(bundle: Bundle, findings: Sequence[Finding]) -> Told:
    """What checking a round came to."""
    return {
        "verified": not findings,
        "round": bundle.problem.round,
        "mechanism": bundle.problem.rules.mechanism,
        "children": len(bundle.placements),
        "placed": sum(each.offer is not None for each in bundle.placements),
        "offers": len(bundle.problem.offers),
        "commitment": bundle.draw.commitment,
        "digest": bundle.digest,
        "findings": _findings(findings),
    }


def _findings(findings: Sequence[Finding]) -> list[Told]:
    return [{"check": each.check, "message_zh": each.message_zh, "message_en": each.message_en} for each in findings]


def lines_of_round(told: Told) -> list[str]:
    """The same for a reader."""
    lines = [
        f"轮次 round        {told['round']} ({told['mechanism']})",
        f"儿童 children     {told['children']:,}, 已安排 placed {told['placed']:,}, 学校志愿项 offers {told['offers']:,}",
        f"承诺 commitment   {told['commitment']}",
        f"摘要 digest       {told['digest']}",
        "",
    ]
    wrong = {each["check"] for each in told["findings"]}
    if Check.INPUTS in wrong or Check.COMMITMENT in wrong:
        lines += [f"BAD {_CHECKS[check]}" for check in Check if check in wrong]
    else:
        lines += [f"{'BAD' if check in wrong else 'ok '} {name}" for check, name in _CHECKS.items()]
    return lines + _lines_of(told["findings"])


def _lines_of(findings: Sequence[Told]) -> list[str]:
    return [f"    {each['message_zh']} · {each['message_en']}" for each in findings]


def told_of_proof(proof: Proof, findings: Sequence[Finding]) -> Told:
    """One child's proof."""
    record = proof.placement
    return {
        "verified": not findings,
        "round": proof.header.round,
        "digest": proof.header.digest,
        "child": record.child,
        "offer": record.offer,
        "place": record.place,
        "points": written_points(record.points),
        "lottery": record.lottery,
        "attempts": [{"offer": each.offer, "outcome": each.outcome, "decided_by": each.decided_by} for each in record.attempts],
        "path": list(proof.path),
        "findings": _findings(findings),
    }


def lines_of_proof(told: Told) -> list[str]:
    """The same for a reader."""
    lines = [
        f"轮次 round    {told['round']}",
        f"摘要 digest   {told['digest']}",
        f"代号 child    {told['child']}",
        f"安排 placed   {told['offer'] or '未安排 none'}" + (f" ({told['place']})" if told["place"] else ""),
        f"积分 points   {told['points']}",
        f"抽签 lottery  {told['lottery']}",
    ]
    for number, each in enumerate(told["attempts"], start=1):
        decided = f" ({each['decided_by']})" if each["decided_by"] else ""
        lines.append(f"  {number}. {each['offer']}: {each['outcome']}{decided}")
    verdict = "ok  属于公布的结果 · part of that result" if told["verified"] else "BAD 证明不成立 · the proof does not hold"
    return [*lines, verdict, *_lines_of(told["findings"])]


def told_of_child(bundle: Bundle, child: str) -> Told:
    """Every wish of a child and why; from the round done again. Raises KeyError."""
    try:
        seed = bytes.fromhex(bundle.draw.seed)
        placement = place(bundle.problem, Draw(bundle.problem.round, seed, bundle.draw.public_value))
    except UnsoundProblemError as error:
        raise SuiteError(ExitCode.INPUT_REFUSED, str(error)) from None
    except ValueError as error:
        raise SuiteError(ExitCode.INPUT_REFUSED, f"种子无法使用 · the seed cannot be used: {error}") from None
    record = placement.record_of(child)
    reasons = [
        {"offer": offer, "code": each.code, "rule": each.rule, "article": each.article}
        | {"message_zh": each.message_zh, "message_en": each.message_en}
        for offer, each in Explainer(placement).reasons_of(child)
    ]
    return {
        "child": child,
        "offer": record.offer,
        "points": written_points(record.points),
        "ties": dict(zip((each.id for each in bundle.problem.rules.tie_breaks), record.ties, strict=True)),
        "lottery": record.lottery,
        "wishes": reasons,
    }


def lines_of_child(told: Told) -> list[str]:
    """The same for a reader."""
    ties = ", ".join(f"{name} {'?' if value is None else value}" for name, value in told["ties"].items())
    lines = [f"{told['child']}: {told['offer'] or '未安排 · no place'}", f"积分 points {told['points']}; {ties}"]
    for number, each in enumerate(told["wishes"], start=1):
        law = f"{each['article']}; {each['rule']}" if each["article"] else each["rule"]
        lines += [f"  {number}. {each['offer']}: {each['message_zh']}", f"     {each['message_en']}  [{law}]"]
    return lines
