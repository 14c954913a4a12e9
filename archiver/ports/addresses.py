"""What a polite client promises to whoever follows an address that somebody else wrote down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from archiver.ports.sources import Delivery


class Addresses(Protocol):
    """Opens files by their address. No address inside is asked unless the settings name it, at no redirect."""

    def open(
        self, url: str, *, offset: int = 0, validator: str = "", size: int | None = None
    ) -> AbstractContextManager[Delivery]:
        """Open a file; one try, no waiting in here but for the host's own pace.

        Args:
            url: Absolute.
            offset: Bytes that are here already.
            validator: The state those bytes belong to. Without one the whole file is asked for.
            size: Bytes of the file as declared, or None.

        Raises:
            FileRefusedError: The host will not give it.
            SourceUnavailableError: Try again later.
            SourceProtocolError: The address, or a redirect, may not be followed.
        """
        ...
