"""Ed25519 keys in files: made, used, and the last signed head remembered beside them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from archiver.core.errors import SettingsError
from archiver.core.logbook import parse_head

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from archiver.core.logbook import SignedHead

_KIND = "ed25519:"


def make_key(file: Path) -> str:
    """Make a key in a new file that only its owner can read; return the public key.

    Raises:
        SettingsError: The file is there already, or cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise SettingsError(
            f"there is a file already: {file}; a key is never replaced", next_command="archiver log key OTHER-FILE"
        ) from error
    except OSError as error:
        raise SettingsError(f"the key cannot be written: {file}: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(pem)
        stream.flush()
        os.fsync(stream.fileno())
    return _public(key)


class KeyFile:
    """Implements `archiver.ports.logbook.Sealer`.

    Args:
        file: The private key, PEM.
        stamp: Returns a time stamp over bytes, in base64.

    Raises:
        SettingsError: There is no key, others may read it, or it is of another kind.
    """

    def __init__(self, file: Path, stamp: Callable[[bytes], str] = lambda _: "") -> None:
        self._key = _loaded(file)
        self._memory = file.with_name(file.name + ".head")
        self._stamp = stamp

    @property
    def public_key(self) -> str:
        """See the port."""
        return _public(self._key)

    def sign(self, statement: bytes) -> str:
        """See the port."""
        return self._key.sign(statement).hex()

    def stamp(self, statement: bytes) -> str:
        """See the port."""
        return self._stamp(statement)

    def remember(self, signed: SignedHead) -> None:
        """See the port."""
        beside = self._memory.with_name(self._memory.name + ".new")
        try:
            with beside.open("wb") as stream:
                stream.write(signed.record())
                stream.flush()
                os.fsync(stream.fileno())
            beside.replace(self._memory)
            directory = os.open(self._memory.parent, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            raise SettingsError(f"the signed head cannot be kept: {self._memory}: {error.strerror}") from error

    def remembered(self) -> SignedHead | None:
        """See the port."""
        return remembered_head(self._memory)


def remembered_head(memory: Path) -> SignedHead | None:
    """Return the head in a file, or None where there is none.

    Raises:
        SettingsError: The file holds something else.
    """
    try:
        return parse_head(memory.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise SettingsError(f"the head signed last cannot be read: {memory}: {error}") from error


class TrustedKeys:
    """Implements `archiver.ports.logbook.Witness`.

    Args:
        keys: As ``ed25519:hexadecimal``; with none, each head is held against the key it names itself.
        has_stamped: Judges a time stamp.

    Raises:
        SettingsError: A key is none.
    """

    def __init__(self, keys: Sequence[str], has_stamped: Callable[[bytes, str], bool] = lambda *_: True) -> None:
        self._keys = frozenset(keys)
        self._has_stamped = has_stamped
        for key in keys:
            if _parsed(key) is None:
                raise SettingsError(
                    f"not a public key: expected ed25519: and 64 hexadecimal digits, actual {key[:90]!r}"
                )

    def has_signed(self, signed: SignedHead) -> bool:
        """See the port."""
        key = _parsed(signed.head.public_key)
        if key is None or (self._keys and signed.head.public_key not in self._keys):
            return False
        try:
            key.verify(bytes.fromhex(signed.signature), signed.head.statement())
        except (InvalidSignature, ValueError):
            return False
        return True

    def has_stamped(self, signed: SignedHead) -> bool:
        """See the port."""
        return not signed.timestamp or self._has_stamped(signed.head.statement(), signed.timestamp)


def _loaded(file: Path) -> Ed25519PrivateKey:
    try:
        mode = file.stat().st_mode
        if mode & 0o077:
            raise SettingsError(f"others may read the key {file}", next_command=f"chmod 600 {file}")
        key = load_pem_private_key(file.read_bytes(), None)
    except FileNotFoundError as error:
        raise SettingsError(f"there is no key {file}", next_command="archiver log key") from error
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SettingsError(f"the key cannot be read: {file}: expected an Ed25519 key in PEM") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"the key is of another kind: {file}: expected an Ed25519 key in PEM")
    return key


def _public(key: Ed25519PrivateKey) -> str:
    return _KIND + key.public_key().public_bytes_raw().hex()


def _parsed(text: str) -> Ed25519PublicKey | None:
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text.removeprefix(_KIND)))
    except ValueError:
        return None
