"""HTTP to the Internet Archive: the polite client, with the keys of the `internetarchive` package.

The package finds `ia.ini` and reads the keys in it. Its session is not used: its User-Agent holds the access key, its
`Connection: close` gives up every connection, its keys would go out over plain http and across redirects to any host whose
name ends in "archive.org", and creating it replaces `socket.socket.connect` in the whole process.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from archiver.core.errors import SettingsError
from archiver.core.patience import Patience
from archiver.sources.web.client import Client, Conduct, Secret
from archiver.sources.web.reach import Reach

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from archiver.ports.clock import Clock
    from archiver.ports.hosts import HostTimes, Slots
    from archiver.ports.sources import Delivery

PUBLIC = "https://archive.org"
HOSTS = ("archive.org", "*.archive.org")
"""The front end, and the data nodes that its downloads are redirected to."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How a source is spoken to.

    Attributes:
        endpoint: Scheme, host and port, without a final ``/``; for example ``https://archive.org``.
        program: Name and version, for the User-Agent.
        contact: How the service's operators reach ours, or empty.
        requests_per_second: For metadata and search, over all threads; zero for no limit.
        downloads: Bodies open at once, over all threads.
        timeout: Seconds without a byte.
        config_file: Another place of `ia.ini`, or empty.
        private: What may be asked although it is private; see `archiver.sources.web.reach.Reach`.
        largest_file: Bytes of a file whose size the item does not declare.
    """

    endpoint: str
    program: str
    contact: str
    requests_per_second: float = 1.0
    downloads: int = 2
    timeout: float = 60.0
    config_file: str = ""
    private: tuple[str, ...] = ()
    largest_file: int = 4 << 30

    def conduct(self) -> Conduct:
        """Return them as the client takes them: the source itself tries again, and files are limited by number alone."""
        is_public = self.endpoint == PUBLIC
        return Conduct(
            program=self.program,
            contact=self.contact,
            reach=Reach("" if is_public else self.endpoint, HOSTS if is_public else (), self.private),
            requests_per_second=self.requests_per_second,
            downloads=self.downloads,
            timeout=self.timeout,
            patience=Patience(tries=1),
            largest_file=self.largest_file,
            paces_files=False,
        )


class Wire:
    """Requests to one endpoint, each tried once; every fault is an error of ours.

    Args:
        manners: Where, as whom and how fast.
        clock: For waiting.
        times: When hosts may be asked next; None for this wire alone.
        slots: How many bodies are open at once; None for this wire alone.
    """

    def __init__(
        self, manners: Manners, *, clock: Clock, times: HostTimes | None = None, slots: Slots | None = None
    ) -> None:
        self.endpoint = manners.endpoint
        self._config_file = manners.config_file
        self._lock = threading.Lock()
        self._is_read = urlsplit(manners.endpoint).scheme != "https"
        self._keys: Secret | None = None
        self._client = Client(manners.conduct(), clock=clock, times=times, slots=slots)

    def listen(self, listener: Callable[[str, Mapping[str, str]], None]) -> None:
        """Tell somebody of each answer's header fields, with the address that was asked for."""
        self._client.listener = listener

    def fetch(self, path: str, *, params: dict[str, str] | None = None) -> bytes:
        """Return the body of an answer that is metadata.

        Raises:
            SourceUnavailableError: Try again later.
            FileRefusedError: 401, 403, 404, 410.
            SourceProtocolError: The answer is too large, or another status.
        """
        headers = {"Accept": "application/json"}
        return self._client.get(self.endpoint + path, params=params, headers=headers, secret=self._secret()).body

    def open(self, path: str, *, offset: int, validator: str, size: int | None) -> AbstractContextManager[Delivery]:
        """Open a file; see `archiver.sources.web.client.Client.open`. Holds one of the download slots while open."""
        url = self.endpoint + path
        return self._client.open(url, offset=offset, validator=validator, size=size, secret=self._secret())

    def close(self) -> None:
        """Close every idle connection."""
        self._client.close()

    def _secret(self) -> Secret | None:
        """Return the keys, for the endpoint alone and over https alone: elsewhere nobody looks for them."""
        with self._lock:
            if not self._is_read:
                self._keys = self._found()
                self._is_read = True
            return self._keys

    def _found(self) -> Secret | None:
        from internetarchive.config import get_config  # noqa: PLC0415 - slow, needed only when the source is asked

        try:
            keys = get_config(config_file=self._config_file or None).get("s3", {})
        except (ValueError, OSError) as error:
            raise SettingsError(
                f"the Internet Archive's keys cannot be read: {error}", next_command="ia configure"
            ) from error
        access, key = keys.get("access"), keys.get("secret")
        return Secret(self.endpoint, {"Authorization": f"LOW {access}:{key}"}) if access and key else None
