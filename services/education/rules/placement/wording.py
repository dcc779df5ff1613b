"""A parent's answer to "why not that school?", with the figures it turned on, in Chinese and English."""

from collections.abc import Callable, Iterator, Mapping

from services.education.rules.placement.outcomes import CutOff, Deciding, Outcome, Placement, Standing
from services.education.rules.placement.problem import Offer, PriorityClass, TieBreak, written_points
from services.education.rules.reasons import Reason

_Told = tuple[str, str]
_ARTICLES: Mapping[str, str] = {
    "EDU-05": "浙江省义务教育条例第十一条",
    "EDU-07": "浙江省流动人口居住登记条例第二十八条",
}


class Explainer:
    """Puts the outcomes of one placement into words, of whomever is asked for."""

    def __init__(self, placement: Placement) -> None:
        self._placement, self._rules = placement, placement.problem.rules
        self._offers: dict[str, Offer] = {each.id: each for each in placement.problem.offers}
        self._cut_offs: dict[str, CutOff] = {each.offer: each for each in placement.cut_offs()}
        self._ties: dict[str, tuple[int, TieBreak]] = {each.id: (at, each) for at, each in enumerate(self._rules.tie_breaks)}

    def reasons_of(self, child: str) -> Iterator[tuple[str, Reason]]:
        """For every wish of a child the offer and what came of it, in the order of its list. Raises KeyError."""
        record = self._placement.record_of(child)
        for attempt, row in zip(record.attempts, self._placement.rows_of(child), strict=True):
            mine = self._placement.standing_at(row)
            yield attempt.offer, self._reason(attempt.offer, attempt.outcome, attempt.decided_by, mine)

    def _reason(self, offer: str, outcome: Outcome, decided_by: str | None, mine: Standing | None) -> Reason:
        if outcome is not Outcome.REFUSED:
            zh, en, rule = _PLAIN[outcome]
            return _reason(outcome, rule, zh, en)
        last = self._cut_offs[offer].last
        if decided_by in _WITHOUT_FIGURES or last is None or mine is None:
            zh, en, rule = _WITHOUT_FIGURES[Deciding(decided_by or "")]
            return _reason(str(decided_by), rule, zh, en)
        zh, en = self._compared(offer, str(decided_by), mine, last)
        return _reason(str(decided_by), "EDU-53" if decided_by in self._ties else _RULES[Deciding(str(decided_by))], zh, en)

    def _compared(self, offer: str, link: str, mine: Standing, last: Standing) -> _Told:
        if link in self._ties:
            return self._by_tie(link, mine, last)
        tell: Mapping[str, Callable[[], _Told]] = {
            Deciding.CLASS: lambda: self._by_class(offer, mine, last),
            Deciding.POINTS: lambda: _by_points(mine, last),
            Deciding.LOTTERY: lambda: _by_lottery(mine, last),
        }
        return tell[link]()

    def _by_class(self, offer: str, mine: Standing, last: Standing) -> _Told:
        own, other = (self._class(offer, each.priority_class) for each in (mine, last))
        zh = f"学位已满:最后录取者属“{other.name_zh}”,优先于“{own.name_zh}”"
        return zh, f"full: the last admitted is in the class “{other.name_en}”, which goes before “{own.name_en}”"

    def _class(self, offer: str, name: str) -> PriorityClass:
        return next(each for each in self._rules.priorities[self._offers[offer].priority] if each.id == name)

    def _by_tie(self, link: str, mine: Standing, last: Standing) -> _Told:
        at, tie = self._ties[link]
        own, other = mine.ties[at], last.ties[at]
        points = written_points(mine.points or 0)
        zh_own, en_own = ("未知", "not known") if own is None else (str(own), str(own))
        zh = f"学位已满:积分同为{points},比较“{tie.name_zh}”:最后录取者{other},本人{zh_own}"
        return zh, f"full: {points} points like the last admitted; by “{tie.name_en}”: theirs {other}, this child's {en_own}"


def _by_points(mine: Standing, last: Standing) -> _Told:
    own, other = (written_points(each.points or 0) for each in (mine, last))
    return f"学位已满:录取最低分{other},本人{own}", f"full: the lowest points admitted are {other}, this child has {own}"


def _by_lottery(mine: Standing, last: Standing) -> _Told:
    own, other = (each.lottery[:12] for each in (mine, last))
    zh = f"学位已满:其余条件相同,按抽签号:最后录取者{other}…,本人{own}…(小者在先)"
    return zh, f"full: equal in all else; by lottery number: the last admitted {other}…, this child {own}… (smaller first)"


def _reason(code: str, rule: str, zh: str, en: str) -> Reason:
    return Reason(str(code), _ARTICLES.get(rule, ""), rule, zh, en)


_PLAIN: Mapping[Outcome, tuple[str, str, str]] = {
    Outcome.PLACED: ("已安排", "placed", "EDU-51"),
    Outcome.NOT_NEEDED: ("更靠前的志愿已安排", "an earlier wish was granted", "EDU-51"),
    Outcome.NOT_ADMISSIBLE: ("不在该校招生范围内", "outside those the school may admit", "EDU-05"),
}
_WITHOUT_FIGURES: Mapping[str, tuple[str, str, str]] = {
    Deciding.NO_PLACES: ("该校没有可安排的学位", "there were no places", "EDU-05"),
    Deciding.RESERVED: ("学位均预留给特定群体", "all places are reserved for groups this child is not of", "education.md §4.5"),
    Deciding.EARLIER_BAND: ("前面志愿段录取时学位已满", "the places were given for good before this wish was read", "EDU-72"),
}
_RULES: Mapping[str, str] = {
    Deciding.CLASS: "education.md §5.3", Deciding.POINTS: "EDU-07", Deciding.LOTTERY: "education.md §4.5",
}  # fmt: skip
