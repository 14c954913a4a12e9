"""What the listening room promises of tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from archiver.core.embedded import EmbeddedTags
    from archiver.core.objects import StagedFile


class TagReader(Protocol):
    """Reads what files say of themselves."""

    def read(self, file: StagedFile, *, name: str) -> EmbeddedTags:
        """Return the licence declarations and preference signals in a file's tags.

        Never raises because of what is in the file: a damaged tag is no tag and is noted; what was too much to be read
        is a declaration in the field `archiver.core.embedded.UNREAD`. Memory does not grow with the size of a tag.

        Args:
            file: Any file, audio or not.
            name: Its name at the source, the subject of the declarations.
        """
        ...
