"""What `xinshimin points rank` shows of a round that was ranked again: Chinese first, English beside it."""

from hashlib import sha256
from typing import Any

from services.points_hukou.rules.exact import written
from services.points_hukou.rules.ranking import Outcome
from services.points_hukou.rules.replaying import canonical
from services.points_hukou.rules.round_replaying import FrozenRanking, RankedAgain

_DIFFERENCES_SHOWN = 20


def told_of_ranking(frozen: FrozenRanking, again: RankedAgain) -> dict[str, Any]:
    """What ranking a round again came to."""
    return {
        "same": again.is_same,
        "complete": again.is_complete,
        "round_id": frozen.round_id,
        "ranking": frozen.ranking,
        "rule_set": frozen.rule_set,
        "digest": frozen.digest,
        "text_intact": again.is_text_intact,
        "standing": len(frozen.standing),
        "erased": frozen.erased,
        "quota": frozen.quota,
        "admitted": sum(place.outcome is Outcome.ADMITTED for place in again.placing.places),
        "cut_off": None if again.placing.cut_off is None else written(again.placing.cut_off),
        "document_sha256": sha256(canonical(frozen.model_dump(mode="json"))).hexdigest(),
        "differences": [
            {"pseudonym": each.pseudonym, "figure": each.figure, "frozen": each.frozen, "recomputed": each.recomputed}
            for each in again.differences
        ],
    }


def lines_of_ranking(told: dict[str, Any]) -> list[str]:
    """The same for a reader."""
    verdict = "排名一致 · the same ranking" if told["same"] else "排名不一致 · NOT the same ranking"
    lines = [
        f"{verdict}: {told['rule_set']}, SHA-256 {told['digest']}",
        f"  参加 standing {told['standing']}, 名额 quota {told['quota']}",
        f"  入围 admitted {told['admitted']}, 分数线 cut {told['cut_off']}",
        f"  文件 file SHA-256 {told['document_sha256']}",
    ]
    if not told["complete"]:
        lines.append(f"  已删除 erased {told['erased']}: 只核对先后 · only the order of the others was compared")
    if not told["text_intact"]:
        lines.append("  规则文本已被改动 · the text of the rules was altered")
    shown = told["differences"][:_DIFFERENCES_SHOWN]
    lines += [f"  {each['pseudonym']} {each['figure']}: {each['frozen']} → {each['recomputed']}" for each in shown]
    if len(told["differences"]) > len(shown):
        lines.append(f"  … {len(told['differences'])} 处不同 · differences in all")
    return lines
