"""A child as JSON: what is read, and what is refused by field and rule, in both languages."""

from datetime import date
from typing import Any

import pytest

from services.health.actions.schedules import programme
from services.health.rules.child import Barred, Child, Dose
from services.health.rules.child_files import ChildError, read_child

BORN = {"born_on": "2022-05-31"}


def test_everything_that_can_be_known_is_read() -> None:
    content = {
        **BORN,
        "doses": [{"vaccine": "HepB", "given_on": "2022-05-31", "id": "a", "paid": True, "campaign": True}, _dose("BCG")],
        "sex": "female",
        "birth_weight_g": 1999,
        "gestation_weeks": 31,
        "mother_hbsag": "positive",
        "immunoglobulins": ["2022-06-01"],
        "skin_tests": [{"on": "2022-09-01", "negative": True}],
        "contraindications": [{"since": "2022-09-01", "vaccines": ["DTaP"]}],
        "deferrals": [{"since": "2022-09-01", "until": "2022-09-08"}],
        "conditions": [{"condition": "hiv_unknown", "since": "2022-05-31", "until": "2023-11-30"}],
        "choices": ["JE-I"],
    }
    assert read_child(content, programme()) == Child(
        born_on=date(2022, 5, 31),
        doses=(Dose("a", "HepB", date(2022, 5, 31), campaign=True, paid=True), Dose("2", "BCG", date(2022, 6, 1))),
        sex="female",
        birth_weight_g=1999,
        gestation_weeks=31,
        mother_hbsag="positive",
        immunoglobulins=(date(2022, 6, 1),),
        skin_tests=((date(2022, 9, 1), True),),
        contraindications=(Barred(date(2022, 9, 1), None, frozenset({"DTaP"})),),
        deferrals=(Barred(date(2022, 9, 1), date(2022, 9, 8)),),
        conditions=(Barred(date(2022, 5, 31), date(2023, 11, 30), frozenset({"hiv_unknown"})),),
        choices=frozenset({"JE-I"}),
    )


def _dose(vaccine: str, day: str = "2022-06-01") -> dict[str, Any]:
    return {"vaccine": vaccine, "given_on": day}


@pytest.mark.parametrize(
    ("content", "field", "zh", "en", "rules"),
    [
        ({}, "/born_on", "缺少必填项", "Field required", ()),
        ([], "/", "格式不符", "Input should be an object", ()),
        ({**BORN, "doze": []}, "/doze", "未知字段", "Extra inputs are not permitted", ()),
        ({"born_on": "31.5.2022"}, "/born_on", "须为日期,如 2022-05-31", "Input should be a valid date", ()),
        ({**BORN, "birth_weight_g": 20}, "/birth_weight_g", "小于允许值", "greater than or equal to 200", ()),
        ({**BORN, "birth_weight_g": 20000}, "/birth_weight_g", "大于允许值", "less than or equal to 9000", ()),
        ({**BORN, "sex": "f"}, "/sex", "不在允许值之内", "'female' or 'male'", ()),
        ({**BORN, "doses": [_dose("BCG")] * 301}, "/doses", "项数过多", "at most 300 items", ()),
        ({**BORN, "doses": [_dose("XYZ")]}, "/doses/0/vaccine", "没有疫苗 XYZ", "there is no vaccine XYZ", ("P8",)),
        (
            {**BORN, "doses": [_dose("BCG", "2022-05-30")]},
            "/doses/0/given_on",
            "早于出生",
            "before the day of birth",
            ("IMM-01",),
        ),
        (
            {**BORN, "doses": [{**_dose("BCG"), "id": "a"}, {**_dose("HepB"), "id": "a"}]},
            "/doses/1/id",
            "编号重复",
            "id of another dose",
            ("X-35",),
        ),
        ({**BORN, "choices": ["JE-X"]}, "/choices/0", "没有程序 JE-X", "there is no series JE-X", ("P8",)),
        (
            {**BORN, "conditions": [{"condition": "flu", "since": "2022-06-01"}]},
            "/conditions/0/condition",
            "没有情况 flu",
            "there is no condition flu",
            ("P8",),
        ),
        (
            {**BORN, "deferrals": [{"since": "2022-06-01", "until": "2022-06-01"}]},
            "/deferrals/0/until",
            "须晚于",
            "later than since",
            ("K6",),
        ),
        (
            {**BORN, "contraindications": [{"since": "2022-06-01", "vaccines": ["X"]}]},
            "/contraindications/0/vaccines",
            "没有疫苗 X",
            "there is no vaccine X",
            ("P8",),
        ),
    ],
)
def test_what_cannot_be_used_is_told(content: Any, field: str, zh: str, en: str, rules: tuple[str, ...]) -> None:
    with pytest.raises(ChildError) as caught:
        read_child(content, programme())
    (problem,) = caught.value.problems
    assert problem.field == field
    assert zh in problem.message_zh
    assert en in problem.message_en
    assert problem.rules == rules
