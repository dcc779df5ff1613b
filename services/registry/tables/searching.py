"""What persons are found by, beside their numbers and whole names."""

from uuid import UUID

from sqlalchemy import BigInteger, Column, ForeignKey, Index
from sqlmodel import Field

from services.chassis.columns import is_kept
from services.chassis.retention import Retention
from services.registry.tables.ground import Table


def _key() -> int | None:
    found: int | None = Field(sa_type=BigInteger)
    return found


class PersonSearchKey(Table, table=True):
    """Keyed digests of parts of name and contact (`rules/search_keys.py`), cut to eight bytes. Goes with the person.

    What is searched by is indexed with the id, in whose order a page is read: a frequent name is read no further than that.
    """

    __tablename__ = "person_search_key"
    __table_args__ = (
        Index("ix_person_search_key_name_prefix_2", "name_prefix_2", "person_id"),
        Index("ix_person_search_key_name_prefix_3", "name_prefix_3", "person_id"),
        Index("ix_person_search_key_pinyin", "pinyin", "person_id"),
        Index("ix_person_search_key_initials", "initials", "person_id"),
        Index("ix_person_search_key_phone", "phone"),
        Index("ix_person_search_key_initials_and_birth", "initials_and_birth"),
        Index("ix_person_search_key_name_and_home", "name_and_home"),
        is_kept(Retention.PERSON),
    )

    person_id: UUID = Field(sa_column=Column(ForeignKey("person.person_id", ondelete="CASCADE"), primary_key=True))
    name_prefix_2: int | None = _key()
    name_prefix_3: int | None = _key()
    pinyin: int | None = _key()
    initials: int | None = _key()
    phone: int | None = _key()
    initials_and_birth: int | None = _key()
    name_and_home: int | None = _key()
