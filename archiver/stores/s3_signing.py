"""Signature version 4, for requests whose payload's SHA-256 is known.

Amazon S3 API reference, "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk".
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EMPTY = hashlib.sha256().hexdigest()
"""Of a request without a body."""


class Keys(Protocol):
    """Whose request it is; the botocore library gives such values too."""

    @property
    def access_key(self) -> str: ...  # noqa: D102

    @property
    def secret_key(self) -> str: ...  # noqa: D102

    @property
    def token(self) -> str | None: ...  # noqa: D102


def quoted(text: str, *, safe: str = "") -> str:
    """Quote as the signature wants it: every byte but letters, digits, ``-._~``, and those that are ``safe``."""
    return quote(text, safe=f"-._~{safe}")


def query_of(parameters: Mapping[str, str]) -> str:
    """Return the query of a URL in the order of the signature."""
    return "&".join(f"{quoted(name)}={quoted(value)}" for name, value in sorted(parameters.items()))


class Signer:
    """Signs for one region.

    Args:
        region: Its name.
        keys: Asked before each request, for some expire.
    """

    def __init__(self, region: str, keys: Callable[[], Keys]) -> None:
        self._region = region
        self._keys = keys
        self._made: tuple[tuple[str, str], bytes] = (("", ""), b"")

    def signed(
        self, method: str, path: str, query: str, headers: Mapping[str, str], payload_sha256: str
    ) -> dict[str, str]:
        """Return the headers of a request with those that sign it.

        Args:
            method: In capitals.
            path: Quoted.
            query: As `query_of` made it.
            headers: By names in lower case, ``host`` among them; all are signed.
            payload_sha256: In lower-case hexadecimal.
        """
        keys = self._keys()
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        full = dict(headers)
        full["x-amz-content-sha256"] = payload_sha256
        full["x-amz-date"] = moment
        if keys.token:
            full["x-amz-security-token"] = keys.token
        names = sorted(full)
        listed = ";".join(names)
        lines = "".join(f"{name}:{' '.join(full[name].split())}\n" for name in names)
        request = f"{method}\n{path}\n{query}\n{lines}\n{listed}\n{payload_sha256}"
        scope = f"{moment[:8]}/{self._region}/s3/aws4_request"
        digest = hashlib.sha256(request.encode()).hexdigest()
        key = self._key(keys.secret_key, moment[:8])
        signature = hmac.digest(key, f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}".encode(), "sha256").hex()
        full["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope}, SignedHeaders={listed}, Signature={signature}"
        )
        return full

    def _key(self, secret: str, day: str) -> bytes:
        made_for, key = self._made
        if made_for != (secret, day):
            key = f"AWS4{secret}".encode()
            for part in (day, self._region, "s3", "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._made = (secret, day), key
        return key
