"""Whoever looks for a person by a document's token computes it over the same text as the registry, which made the token."""

from hypothesis import example, given
from hypothesis import strategies as st

from services.contracts.document_numbers import normalised_number
from services.registry.rules import identity_number
from services.registry.rules.identity_number import DocumentType

_TYPED = (
    st.text(max_size=24)
    | st.text("0123456789xX ０１２\u200b-", max_size=20)
    | st.text("0123456789", min_size=15, max_size=15)
    | st.text("0123456789X", min_size=18, max_size=18)
)


@given(document_type=st.sampled_from(DocumentType), text=_TYPED)
@example(document_type=DocumentType.CITIZEN_ID, text="33028219 900501 001x")
@example(document_type=DocumentType.CITIZEN_ID, text="330222770707001")
@example(document_type=DocumentType.PASSPORT, text="330222770707001")
@example(document_type=DocumentType.CITIZEN_ID, text="e\u0301")
def test_it_is_the_registrys_text(document_type: DocumentType, text: str) -> None:
    assert normalised_number(document_type, text) == identity_number.normalised_number(document_type, text)
