"""What was entered about a person, checked as a whole: every error is told at once, doubts travel along as warnings."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from services.chassis.errors import FieldError
from services.chassis.ids import new_id
from services.chassis.refusals import invalid
from services.chassis.schemas import Notice
from services.registry.actions.law import LAW
from services.registry.actions.refusals import field_error, notice
from services.registry.rules.citizen_number import RefusedNumber, birth_date_warnings
from services.registry.rules.code_tables import CodeTable
from services.registry.rules.division import is_division_code
from services.registry.rules.identity_number import (
    DocumentNumber,
    DocumentType,
    PersonalFacts,
    cross_check,
    number_space,
    parse_document_number,
)
from services.registry.rules.person_name import RefusedName, parse_name
from services.registry.schemas.person_views import DocumentRecord
from services.registry.schemas.persons import IdentityDocumentEntry

_TABLES = {
    "sex_code": (CodeTable.SEX, "GB/T 2261.1"),
    "ethnicity_code": (CodeTable.ETHNICITY, "GB/T 3304"),
    "education_code": (CodeTable.EDUCATION, "GB/T 4658"),
}


@dataclass(slots=True)
class PersonCheck:
    """Collects errors and warnings while the parts of one entry are checked on the law's `today`."""

    today: date
    errors: list[FieldError] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)
    has_refused_number: bool = False

    def name(self, text: str) -> str:
        """The name as it is stored."""
        parsed = parse_name(text)
        if isinstance(parsed, RefusedName):
            self.errors += [field_error("/name", problem) for problem in parsed.problems]
            return text
        self.warnings += [notice(warning) for warning in parsed.warnings]
        return parsed.text

    def codes(self, given: dict[str, Any]) -> None:
        """Codes of national tables: an unknown one is an error that names the table, never a guess (C-29)."""
        for name, (table, standard) in _TABLES.items():
            code = given.get(name)
            if code is not None and not LAW.code_tables.is_known(table, code, self.today):
                zh, en = f"{standard} 代码表中没有此代码", f"there is no such code in {standard}"
                self.errors.append(FieldError(f"/{name}", "unknown_code", zh, en, "C-29"))

    def hukou_division(self, code: str | None) -> None:
        """A malformed code is an error, a doubtful one a warning (C-07)."""
        if code is None:
            return
        if not is_division_code(code):
            zh, en = "行政区划代码应为 2、4、6、9 或 12 位数字", "a division code has 2, 4, 6, 9 or 12 digits"
            self.errors.append(FieldError("/hukou_division_code", "division_code_malformed", zh, en, "C-20"))
            return
        self.warnings += [notice(warning) for warning in LAW.divisions.warnings(code, self.today)]

    def documents(self, entries: Sequence[IdentityDocumentEntry]) -> list[tuple[DocumentRecord, DocumentNumber]]:
        """The documents that stand, each with what its number says; two equal ones are an error."""
        checked: list[tuple[DocumentRecord, DocumentNumber]] = []
        for position, entry in enumerate(entries):
            pointer = f"/identity_documents/{position}/number"
            parsed = parse_document_number(entry.type, entry.number, today=self.today, divisions=LAW.divisions)
            if isinstance(parsed, RefusedNumber):
                self.errors += [field_error(pointer, problem) for problem in parsed.problems]
                self.has_refused_number = True
                continue
            if any(is_same_number(record, entry.type, parsed.number) for record, _ in checked):
                self.errors.append(FieldError(pointer, "repeated", "同一证件重复填写", "the same document is given twice"))
            self.warnings += [notice(warning) for warning in parsed.warnings]
            checked.append((_record(entry, parsed), parsed))
        return checked

    def doubts(self, numbers: Sequence[DocumentNumber]) -> None:
        """Doubts about numbers on file travel along again."""
        self.warnings += [notice(warning) for number in numbers for warning in number.warnings]

    def numbers_of(self, documents: Sequence[DocumentRecord]) -> list[DocumentNumber]:
        """What the numbers of documents on file say."""
        parsed = [
            parse_document_number(document.type, document.number, today=self.today, divisions=LAW.divisions)
            for document in documents
        ]
        return [number for number in parsed if not isinstance(number, RefusedNumber)]

    def one_citizen_number(self, documents: Sequence[DocumentRecord]) -> None:
        """A person has one citizen number; a wrong one is replaced, not joined by another."""
        if sum(document.type is DocumentType.CITIZEN_ID for document in documents) > 1:
            zh = "一人只有一个公民身份号码；更正时请用 replaces 指明被替换的证件"
            en = "a person has one citizen number; a correction names the document it replaces in `replaces`"
            self.errors.append(FieldError("/identity_documents", "second_citizen_number", zh, en, "C-15"))

    def facts(
        self, numbers: Sequence[DocumentNumber], *, birth_date: date | None, sex_code: str | None, entered: int
    ) -> PersonalFacts:
        """Birth date and sex, stated or from a number; the first `entered` numbers stand in the body, the others on file."""
        if birth_date is not None and birth_date > self.today:
            self.errors.append(
                FieldError("/birth_date", "in_future", "出生日期不得在将来", "a birth date is not in the future", "C-06")
            )
        if self.has_refused_number:
            return PersonalFacts(birth_date, sex_code, (), ())
        facts = cross_check(numbers, stated_birth_date=birth_date, stated_sex_code=sex_code)
        for one, other in facts.conflicts:
            self._conflict(one, other, entered)
        if facts.birth_date is not None:
            self.warnings += [notice(warning) for warning in birth_date_warnings(facts.birth_date)]
        for name, value in (("birth_date", facts.birth_date), ("sex_code", facts.sex_code)):
            if value is None:
                zh, en = "必填：证件号码不含此项", "required: no document number tells it"
                self.errors.append(FieldError(f"/{name}", "missing", zh, en))
        return facts

    def _conflict(self, one: str, other: str, entered: int) -> None:
        """One error at each of the two fields, naming the other."""
        first, second = _pointer(one, entered), _pointer(other, entered)
        for at, against in ((first, second), (second, first)):
            zh, en = f"与 {against} 不一致", f"does not agree with {against}"
            self.errors.append(FieldError(at, "conflict", zh, en, "C-01, C-02"))

    def done(self) -> None:
        """Raise `DomainError('invalid-request')` with all errors, if any."""
        if self.errors:
            raise invalid(self.errors)

    def notices(self) -> tuple[Notice, ...]:
        """The warnings, each once."""
        return tuple(dict.fromkeys(self.warnings))


def is_same_number(document: DocumentRecord, document_type: DocumentType, normalised_number: str) -> bool:
    """Whether a number, entered as a document of that type, is the document's own."""
    same_space = number_space(document.type) is number_space(document_type)
    return same_space and document.normalised_number == normalised_number


def _pointer(name: str, entered: int) -> str:
    """A JSON pointer; a document on file is not in the body, so the list stands for it."""
    parts = name.split("/")
    if parts[0] == "identity_documents" and int(parts[1]) >= entered:
        return "/identity_documents"
    return f"/{name}"


def _record(entry: IdentityDocumentEntry, parsed: DocumentNumber) -> DocumentRecord:
    return DocumentRecord(
        document_id=new_id(),
        type=entry.type,
        number=entry.number,
        normalised_number=parsed.number,
        issuer=entry.issuer,
        valid_from=entry.valid_from,
        valid_until=entry.valid_until,
    )
