"""What S3 services and boto3 answer, in the words of `archiver.core.errors`."""

from __future__ import annotations

import shlex
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from archiver.core.errors import (
    ArchiverError,
    ObjectDamagedError,
    ObjectNotFoundError,
    StoreError,
    StoreRefusedError,
    StoreUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.stores.s3_client import S3Location


class KeyTakenError(StoreError):
    """A conditional request found an object under the key, or lost a race for it. Whose bytes it has is not said."""


class UnsupportedRequestError(StoreRefusedError):
    """The service refuses this kind of request (501, or 400 for a header it does not know)."""


class UploadGoneError(StoreError):
    """The multipart upload is not there any more: it was completed or aborted."""


# What a code means wherever it comes from; codes of AWS and of the services that imitate it. HEAD answers have no body:
# boto3 makes the status their code.
_BY_CODE: tuple[tuple[frozenset[str], type[ArchiverError]], ...] = (
    (frozenset({"PreconditionFailed", "ConditionalRequestConflict"}), KeyTakenError),
    (frozenset({"NoSuchKey", "NotFound", "404"}), ObjectNotFoundError),
    (frozenset({"NoSuchUpload"}), UploadGoneError),
    (
        frozenset({"BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "InvalidDigest"}),
        ObjectDamagedError,
    ),
    (
        frozenset({"SlowDown", "RequestTimeout", "RequestTimeoutException", "IncompleteBody", "Throttling"}),
        StoreUnavailableError,
    ),
    (
        frozenset({"KeyTooLongError", "KeyTooLong", "EntityTooLarge", "InvalidObjectState", "InvalidURI"}),
        StoreError,
    ),
    (
        frozenset(
            {
                *(
                    "ExpiredToken",
                    "InvalidToken",
                    "TokenRefreshRequired",
                    "InvalidAccessKeyId",
                    "SignatureDoesNotMatch",
                ),
                *("AuthorizationHeaderMalformed", "InvalidBucketName", "NoSuchBucket", "400"),
                *("QuotaExceeded", "XMinioStorageFull", "InsufficientStorage", "StorageFull"),
            }
        ),
        StoreRefusedError,
    ),
)


class AnswerError(Exception):
    """The service answered with a status of 300 or above; only `translating` sees it.

    Attributes:
        status: The answer's.
        code: The service's word for it.
        response: The answer in the form in which boto3 hands it over.
    """

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str]) -> None:
        super().__init__(f"{status} {code} {message}".strip())
        self.status = status
        self.code = code
        self.response: dict[str, Any] = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers},
        }


@contextmanager
def translating(store: str, location: S3Location, doing: str, key: str = "") -> Iterator[None]:
    """Raise what boto3 or `archiver.stores.s3_wire` raises as an error of the store.

    Args:
        store: The store's name in the settings.
        location: Where.
        doing: What was tried, in the infinitive.
        key: With which object.
    """
    try:
        yield
    except _foreign() as error:
        where = f"{location.url}/{key}" if key else location.url
        raise _Translation(f"store {store!r} cannot {doing} {where}", location).of(error) from error


def _foreign() -> tuple[type[Exception], ...]:
    return AnswerError, OSError, ValueError, *_of_boto3()


def _of_boto3() -> tuple[type[Exception], ...]:
    """Return what boto3 raises; where nobody has loaded it, which takes a fifth of a second, it has raised nothing."""
    if "botocore.exceptions" not in sys.modules:
        return ()
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    from botocore.parsers import ResponseParserError  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    return BotoCoreError, ClientError, HTTPError, ResponseParserError


class _Translation:
    def __init__(self, what: str, location: S3Location) -> None:
        self._what = what
        self._location = location

    def of(self, error: Exception) -> ArchiverError:
        answer = getattr(error, "response", None)
        if isinstance(answer, dict):
            return self._of_answer(answer)
        if isinstance(error, ValueError) and not isinstance(error, OSError):
            return self._refused(_brief(error))
        if getattr(error, "verify_code", None) is not None:  # of `ssl`, whose import plain http does not need
            return self._untrusted(error)
        return self._of_boto3(error) or StoreUnavailableError(
            f"{self._what}: no answer, or one that broke off: {_brief(error)}"
        )

    def _of_boto3(self, error: Exception) -> ArchiverError | None:
        if not isinstance(error, _of_boto3()):
            return None
        from botocore import exceptions as boto3s  # noqa: PLC0415 - it is loaded: it raised this

        credentials = (
            boto3s.NoCredentialsError,
            boto3s.PartialCredentialsError,
            boto3s.CredentialRetrievalError,
            boto3s.ProfileNotFound,
            boto3s.TokenRetrievalError,
            boto3s.UnauthorizedSSOTokenError,
        )
        if isinstance(error, credentials):
            return self._refused(f"no usable credentials: {_brief(error)}")
        if isinstance(error, boto3s.SSLError) and "CERTIFICATE" in str(error).upper():
            return self._untrusted(error)
        if isinstance(error, boto3s.ParamValidationError | boto3s.NoRegionError):
            return self._refused(_brief(error))
        return None

    def _untrusted(self, error: Exception) -> StoreRefusedError:
        return self._refused(f"its certificate is not trusted (a service of your own: set ca_bundle): {_brief(error)}")

    def _of_answer(self, answer: dict[str, Any]) -> ArchiverError:
        code = str(answer.get("Error", {}).get("Code", ""))
        status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        told = f"{status} {code} {answer.get('Error', {}).get('Message', '')}"[:300].strip()
        kind = next((kind for codes, kind in _BY_CODE if code in codes), None) or _by_status(status)
        if kind is StoreRefusedError:
            return self._refused(f"the service answered: {told}")
        return kind(f"{self._what}: the service answered: {told}")

    def _refused(self, why: str) -> StoreRefusedError:
        look = ["aws", "s3", "ls", f"{self._location.url}/"]
        if self._location.endpoint:
            look += ["--endpoint-url", self._location.endpoint]
        return StoreRefusedError(f"{self._what}: {why}", next_command=shlex.join(look))


def _by_status(status: int) -> type[ArchiverError]:
    if status == 412:
        return KeyTakenError
    if status in {400, 501}:
        return UnsupportedRequestError
    if status == 507 or (300 <= status < 500 and status not in {408, 409, 429}):
        return StoreRefusedError
    return StoreUnavailableError


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
