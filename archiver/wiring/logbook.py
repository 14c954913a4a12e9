"""The circuit of the signed audit log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archiver.core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from archiver.core.logbook import SignedHead
    from archiver.seals.ed25519 import KeyFile, TrustedKeys
    from archiver.settings.reading import Settings


def make_key(file: Path) -> str:
    """Make a key file and return the public key."""
    from archiver.seals.ed25519 import make_key as made

    return made(file)


def sealer(settings: Settings) -> KeyFile:
    """Return what signs.

    Raises:
        SettingsError: The settings name no key, or it cannot be used.
    """
    from archiver.seals.ed25519 import KeyFile

    if not settings.log.key:
        raise SettingsError(
            "the settings name no key for the log: [log] key = FILE, outside the archive",
            next_command="archiver log key FILE",
        )
    if settings.log.timestamp_url:
        stamp = _timestamps().Authority(settings.log.timestamp_url).stamp
        return KeyFile(Path(settings.log.key), stamp)
    return KeyFile(Path(settings.log.key))


def witness(settings: Settings, keys: Sequence[str] = ()) -> TrustedKeys:
    """Return who judges signatures: the keys given, else those of the settings, else the one of the key file.

    With none of these each head is held against the key that it names itself.
    """
    from archiver.seals.ed25519 import TrustedKeys

    trusted = list(keys) or [*settings.log.public_keys]
    if not keys and settings.log.key and Path(settings.log.key).is_file():
        trusted.append(sealer(settings).public_key)
    if settings.log.timestamp_roots:
        roots = _timestamps().Roots(Path(settings.log.timestamp_roots))
        return TrustedKeys(trusted, roots.has_stamped)
    return TrustedKeys(trusted)


def _timestamps() -> ModuleType:
    try:
        from archiver.seals import timestamps
    except ImportError as error:
        raise SettingsError(
            f"time stamps need a library that is not installed: {error.name}",
            next_command='pip install "archiver[timestamp]"',
        ) from error
    return timestamps


def remembered(settings: Settings) -> SignedHead | None:
    """Return the head that was signed last, where its key's file is on this machine."""
    from archiver.seals.ed25519 import remembered_head

    return remembered_head(Path(settings.log.key + ".head")) if settings.log.key else None


def is_trusting(settings: Settings, keys: Sequence[str]) -> bool:
    """Tell whether no key was given, so that a signature proves only that a head is whole."""
    return not (keys or settings.log.public_keys or (settings.log.key and Path(settings.log.key).is_file()))
