"""Why there is no answer: the error tree of archiver.

A *finding* is an answer ("these bytes are not the promised ones"); an error is why there is none. Every room
translates what its libraries raise into one of these, at the call and between chunks.

    ArchiverError
    ├── UsageError                    the command line cannot be understood        exit 2
    ├── CannotRunError                nothing can be done until somebody acts      exit 4
    │   ├── SettingsError             a key or value in a settings file or the environment
    │   ├── SelectionError            a key or value in a selection
    │   ├── LockHeldError             another run works on this archive
    │   ├── StagingFullError          no space or no permission below the staging directory
    │   ├── CatalogueError            the catalogue cannot be opened, read or migrated
    │   │   └── CatalogueLockedError  another process keeps the catalogue locked   transient
    │   └── StoreRefusedError         the store refuses us: credentials, bucket, permission, no space
    ├── SourceError                   no answer about an item or a file            exit 3
    │   ├── SourceUnavailableError    the source did not answer, or asked us to wait   transient
    │   ├── SourceProtocolError       the answer breaks the source's own format
    │   ├── ItemNotFoundError         the source knows no such item
    │   ├── ItemDarkError             the source has withdrawn the item
    │   ├── FileRefusedError          401, 403, 404, 410 for a file that the item lists
    │   └── UnsafeNameError           a file name that would leave the bag or cannot be stored
    ├── CaptureError                  the bytes received are not those declared    exit 3
    │   ├── SizeMismatchError
    │   ├── DigestMismatchError
    │   └── ErrorPageError            an HTML page where a file was declared
    ├── StoreError                    an object could not be stored or read        exit 3
    │   ├── StoreUnavailableError     the store did not answer                     transient
    │   ├── ObjectNotFoundError       there is no such object
    │   ├── ObjectConflictError       other bytes are already under this key
    │   └── ObjectDamagedError        the object read back is not the object written
    ├── BagError                      a bag cannot be written as asked
    └── InterruptedRunError           a signal asked us to stop                    exit 130
"""

from __future__ import annotations


class ArchiverError(Exception):
    """The root of all errors that archiver raises on purpose.

    Attributes:
        transient: Whether the same call may succeed later without anybody's help.
        next_command: What the reader can type now; empty where nothing helps.
    """

    transient: bool = False

    def __init__(self, message: str, *, next_command: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_command = next_command

    def __str__(self) -> str:
        return f"{self.message}\n  next: {self.next_command}" if self.next_command else self.message


class UsageError(ArchiverError):
    """The command line cannot be understood."""


class CannotRunError(ArchiverError):
    """Nothing can be done until somebody acts."""


class SettingsError(CannotRunError):
    """A key or value in a settings file or in the environment is wrong; the message names file, key and what is allowed."""


class SelectionError(CannotRunError):
    """A key or value in a selection is wrong; the message names file, key and what is allowed."""


class LockHeldError(CannotRunError):
    """Another run works on this archive; nothing was changed."""


class StagingFullError(CannotRunError):
    """The staging directory cannot take another byte; what was captured stays there and is resumed."""


class CatalogueError(CannotRunError):
    """The catalogue cannot be opened, read, written or migrated; the last transaction was rolled back."""


class CatalogueLockedError(CatalogueError):
    """Another process kept the catalogue locked for longer than we wait; the last transaction was rolled back."""

    transient = True


class StoreRefusedError(CannotRunError):
    """The store refuses us (credentials, bucket, permission, no space left); nothing is visible under the key."""


class SourceError(ArchiverError):
    """There is no answer about an item or a file."""

    reason: str = "SOURCE_ERROR"


class SourceUnavailableError(SourceError):
    """The source did not answer, broke off, or asked us to wait.

    Attributes:
        retry_after: Seconds the source asked us to wait, or None when it did not say.
        whole_host: Whether the wait holds for every request to that host (429, connection refused).
    """

    reason = "SOURCE_UNAVAILABLE"
    transient = True

    def __init__(
        self, message: str, *, next_command: str = "", retry_after: float | None = None, whole_host: bool = False
    ) -> None:
        super().__init__(message, next_command=next_command)
        self.retry_after = retry_after
        self.whole_host = whole_host


class SourceProtocolError(SourceError):
    """The answer breaks the source's own format (not JSON, wrong types, a cursor that repeats)."""

    reason = "SOURCE_PROTOCOL"


class ItemNotFoundError(SourceError):
    """The source knows no item of this identifier."""

    reason = "ITEM_NOT_FOUND"


class ItemDarkError(SourceError):
    """The source has withdrawn the item from public view."""

    reason = "ITEM_DARK"


class FileRefusedError(SourceError):
    """The source lists the file and will not hand it out (401, 403, 404, 410); asking again does not help."""

    reason = "FILE_REFUSED"


class UnsafeNameError(SourceError):
    """The file's name would leave the bag, collides with another, or cannot be written portably."""

    reason = "UNSAFE_NAME"


class CaptureError(ArchiverError):
    """The bytes received are not the bytes declared; they were dropped.

    Attributes:
        where: The item and file, as ``source/item: name``.
        expected: What the source declared.
        actual: What arrived.
    """

    reason: str = "CAPTURE_ERROR"

    def __init__(self, message: str, *, where: str, expected: str, actual: str, next_command: str = "") -> None:
        super().__init__(f"{message}: {where}: expected {expected}, actual {actual}", next_command=next_command)
        self.where = where
        self.expected = expected
        self.actual = actual


class SizeMismatchError(CaptureError):
    """Fewer or more bytes arrived than the source declared."""

    reason = "SIZE_MISMATCH"


class DigestMismatchError(CaptureError):
    """As many bytes as declared arrived, and their digest is not the declared one."""

    reason = "DIGEST_MISMATCH"


class ErrorPageError(CaptureError):
    """An HTML page arrived where the source declared a file."""

    reason = "ERROR_PAGE"


class StoreError(ArchiverError):
    """An object could not be stored or read."""

    reason: str = "STORE_ERROR"


class StoreUnavailableError(StoreError):
    """The store did not answer in time; nothing is visible under the key, or the whole object is."""

    reason = "STORE_UNAVAILABLE"
    transient = True


class ObjectNotFoundError(StoreError):
    """There is no object under the key."""

    reason = "OBJECT_NOT_FOUND"


class ObjectConflictError(StoreError):
    """Other bytes are already under the key; they were left as they are."""

    reason = "OBJECT_CONFLICT"


class ObjectDamagedError(StoreError):
    """The object that was read back is not the object that was written."""

    reason = "OBJECT_DAMAGED"


class BagError(ArchiverError):
    """A bag cannot be written or read as asked."""

    reason: str = "BAG_ERROR"


class InterruptedRunError(ArchiverError):
    """A signal asked the run to stop; what was finished stays finished, the rest is resumed by the same command."""
