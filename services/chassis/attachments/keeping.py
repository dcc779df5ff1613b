"""What a service that keeps files holds: its store, its spool, and who decides which persons a caller sees."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from services.chassis.attachments.cipher import DamagedFileError, FileOpener
from services.chassis.attachments.folder import FolderStore
from services.chassis.attachments.intake import Spool
from services.chassis.attachments.s3 import S3Store
from services.chassis.attachments.signature import Credentials
from services.chassis.attachments.store import MissingFileError, Store, StoreError, StoreFullError, in_thread
from services.chassis.errors import DomainError
from services.chassis.metrics import DAMAGED_ATTACHMENTS
from services.chassis.settings import ServiceSettings

if TYPE_CHECKING:
    from services.chassis.work import Work

logger = logging.getLogger(__name__)

SeesAnyOf = Callable[["Work", Sequence[UUID]], Awaitable[bool]]
"""Whether the caller may see one of these persons at least; each service knows for itself."""

_RETRY_AFTER_S = 5
_RETRY_AFTER_FULL_S = 300


@dataclass(frozen=True, slots=True)
class Attachments:
    """The files of one service. `grace_s`: how old a file that nobody owns must be before it is removed."""

    store: Store
    spool: Spool
    sees_any_of: SeesAnyOf
    grace_s: float

    @classmethod
    def open(cls, settings: ServiceSettings, sees_any_of: SeesAnyOf) -> "Attachments":
        """As the settings say. Raises `ValueError` when they do not say enough."""
        folder = settings.attachments_folder
        if folder is None:
            raise ValueError("attachments_folder is not set, and this service takes files")
        spool = Spool(folder / "incoming")
        spool.prepare()
        return cls(_store(settings, folder), spool, sees_any_of, settings.attachments_grace_s)

    async def plaintext(
        self, opener: FileOpener, attachment_id: UUID, address: bytes, length: int
    ) -> AsyncGenerator[bytes, None]:
        """A file in pieces, each authenticated before it is given; the end comes only when all of it was there.

        Raises `DomainError` `attachment-damaged` and `attachment-store-unavailable`, also in the middle.
        """
        try:
            async with aclosing(_opened(self.store, opener, address, length)) as parts:
                async for part in parts:
                    yield part
        except (DamagedFileError, MissingFileError) as error:
            DAMAGED_ATTACHMENTS.inc()
            fields = {"attachment_id": str(attachment_id), "reason": str(error)}
            logger.error("an attachment is damaged or missing", extra={"fields": fields})  # noqa: TRY400 - no trace is of use
            raise DomainError("attachment-damaged") from None
        except StoreError as error:
            raise refusal_of(error) from None


async def _opened(store: Store, opener: FileOpener, address: bytes, length: int) -> AsyncGenerator[bytes, None]:
    given = 0
    async with aclosing(store.get(address)) as pieces:
        async for sealed in pieces:
            if plain := await in_thread(opener.update, sealed):
                given += len(plain)
                yield plain
    last = opener.finish()
    if given + len(last) != length:
        raise DamagedFileError("not of the length it had")
    yield last


def refusal_of(error: StoreError) -> DomainError:
    """What the caller is told of a store that does not do its work."""
    logger.error("the store of attachments failed", extra={"fields": {"reason": str(error)}})
    if isinstance(error, StoreFullError):
        return DomainError("attachment-store-full", retry_after=_RETRY_AFTER_FULL_S)
    return DomainError("attachment-store-unavailable", retry_after=_RETRY_AFTER_S)


def _store(settings: ServiceSettings, folder: Path) -> Store:
    if settings.attachments_s3_url is None:
        return FolderStore(folder)
    access, secret = settings.attachments_s3_access_key, settings.attachments_s3_secret_key
    if access is None or secret is None:
        raise ValueError("attachments_s3_url is set without access and secret key")
    credentials = Credentials(access.get_secret_value(), secret.get_secret_value(), settings.attachments_s3_region)
    return S3Store(settings.attachments_s3_url, credentials)
