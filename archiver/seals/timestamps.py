"""RFC 3161 time stamps: a stranger's word that a head existed at a time. The library is an extra."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING

import rfc3161_client
import urllib3
from cryptography import x509

from archiver.core.errors import CannotRunError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST = 1 << 20
_SECONDS = 30.0


class Authority:
    """Asks one time stamp authority.

    Args:
        url: Where it listens.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def stamp(self, statement: bytes) -> str:
        """Return the authority's answer over the bytes, in base64.

        Raises:
            CannotRunError: It gave none.
        """
        request = rfc3161_client.TimestampRequestBuilder().data(statement).build()
        try:
            answer = urllib3.PoolManager().request(
                "POST",
                self._url,
                body=request.as_bytes(),
                headers={"Content-Type": "application/timestamp-query"},
                timeout=_SECONDS,
                retries=2,
                preload_content=False,
            )
            content = answer.read(_LARGEST)
            answer.release_conn()
            rfc3161_client.decode_timestamp_response(content).tst_info  # noqa: B018 - a refusal has none and raises
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise CannotRunError(
                f"the time stamp authority {self._url} gave no time stamp: {' '.join(str(error).split())[:200]}",
                next_command="archiver log publish   # later, or without [log] timestamp_url",
            ) from error
        return b64encode(content).decode()


class Roots:
    """Judges time stamps by certificates that are trusted.

    Args:
        file: Certificates in PEM.
    """

    def __init__(self, file: Path) -> None:
        try:
            self._roots = x509.load_pem_x509_certificates(file.read_bytes())
        except (OSError, ValueError) as error:
            raise SettingsError(f"log.timestamp_roots: no certificates in {file}: {error}") from error

    def has_stamped(self, statement: bytes, stamp: str) -> bool:
        """Tell whether a trusted authority stamped these bytes."""
        verifier = rfc3161_client.VerifierBuilder()
        for root in self._roots:
            verifier = verifier.add_root_certificate(root)
        try:
            response = rfc3161_client.decode_timestamp_response(b64decode(stamp, validate=True))
            return bool(verifier.build().verify_message(response, statement))
        except (rfc3161_client.VerificationError, Base64Error, ValueError):
            return False
