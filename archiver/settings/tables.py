"""What may stand in `archiver.toml`, and what holds when it does not."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the types of the keys are read at run time
from typing import Literal

from archiver.settings.sections import NOTHING, Section


class Archive(Section):
    """``[archive]``: who keeps it."""

    organisation: str = "Unnamed archive"
    """Source-Organization of every bag."""
    contact: str = ""
    """A ``mailto:`` or ``https:`` address for the User-Agent; public sources are not contacted without it."""
    min_copies: int = 0
    """Good copies that each version should have; 0 for two, or one where there is one store."""
    min_places: int = 1
    """Different ``location`` among the stores of these copies."""
    min_providers: int = 1
    min_media: int = 1


class Catalogue(Section):
    """``[catalogue]``: the index of the bags."""

    url: str = ""
    """``sqlite:///FILE`` or ``postgresql+psycopg://…``; empty for ``catalogue.sqlite`` in the home directory."""


class Store(Section):
    """``[stores.NAME]``: one place for copies."""

    url: str
    """A directory, or ``s3://BUCKET/PREFIX``."""
    location: str = ""
    provider: str = ""
    medium: str = ""
    threat: str = ""
    audit_every: str = "90 days"
    price_request: float = 0.0
    """For one request, in any one currency: what `audit --max-cost` counts with."""
    price_gigabyte: float = 0.0
    """For 10**9 bytes read."""
    endpoint: str = ""
    region: str = ""
    addressing: Literal["auto", "path", "virtual"] = "auto"
    ca_bundle: str = ""
    verify: bool = True
    checksums: Literal["auto", "sha256", "md5", "none"] = "auto"
    storage_class: str = ""
    profile: str = ""
    timeout: float = 60.0
    """Seconds without a byte."""
    attempts: int = 5
    """How often a request is tried, all told."""
    object_lock: Literal["", "governance"] = ""
    """Lock each new object in the bucket, once `store doctor` has proved that it locks."""
    retain: str = "10 years"
    """How long."""


class Source(Section):
    """``[sources.NAME]``: one place that publishes audio."""

    endpoint: str = ""
    """Where it is; for the Internet Archive ``https://archive.org``."""
    requests_per_second: float | None = None
    """For metadata and search; 1 for a public endpoint and no limit for one on this machine, unless set."""
    downloads: int | None = None
    """Bodies open at once; 2 for a public endpoint and as many as jobs for one on this machine, unless set."""
    timeout: float = 60.0
    """Seconds without a byte."""
    backoff: float | None = None
    """Seconds before the second try; 30 for a public endpoint and 1 for one on this machine, unless set."""
    tries: int = 5
    config_file: str = ""
    """Another place of `ia.ini`."""
    options: Mapping[str, str] = NOTHING
    """What only this source knows."""


class Network(Section):
    """``[network]``: where sources may go (docs/sources.md)."""

    allow_private: tuple[str, ...] = ()
    """Host names, addresses or networks (``10.0.0.0/8``) that may be asked although they are private."""
    largest_file: int = 4 << 30
    """Bytes of a file whose size its source does not declare."""


class MusicBrainz(Section):
    """``[musicbrainz]``: whom `archiver enrich` asks."""

    endpoint: str = "https://musicbrainz.org"
    requests_per_second: float = 1.0
    """Its own rule; another for a mirror of yours."""
    timeout: float = 30.0
    backoff: float = 5.0
    """Seconds before the second try."""
    tries: int = 4


class Harvest(Section):
    """``[harvest]``: how the work is done."""

    jobs: int = 4
    """Items walked at once."""
    staging: str = ""
    """A directory; empty for ``staging`` in the home directory. In the file system of a directory store it saves a copy."""


class Audio(Section):
    """``[audio]``: what is done with captured audio besides keeping it."""

    examine: bool = True
    """Whether every captured audio file is decoded before it is bagged."""
    examiners: int = 0
    """Processes that decode; 0 for one on each processor."""
    seconds: int = 900
    """Of computing for one file; one that wants more is a finding."""
    fingerprints: bool = False
    """Whether acoustic fingerprints are taken; needs the extra ``fingerprint``."""


class Engine(Section):
    """``[engine]``: what walks items and checks copies."""

    name: Literal["threads", "dask"] = "threads"
    """Threads of this process, or the workers of a Dask scheduler."""
    scheduler: str = ""
    """``tcp://HOST:PORT`` or ``tls://HOST:PORT``."""
    items_per_task: int = 0
    """Items, or copies, that go to a worker together; 0 for as many as jobs."""
    patience: str = "10 minutes"
    """How long a scheduler, or a first worker, is waited for, also when it dies on the way."""
    staging: str = ""
    """A directory on each worker's own disk; empty for that of ``[harvest]``."""
    tls_authority: str = ""
    """File of the certificates to trust between scheduler, workers and this program; empty for no TLS."""
    tls_certificate: str = ""
    tls_key: str = ""


class Review(Section):
    """``[review]``: how the quarantine is decided."""

    two_people: tuple[Literal["public-domain-mark", "conflicts"], ...] = ()
    """Cases that two different people must accept."""
    expire_days: int = 180
    """Days after which an undecided case expires; 0 for never."""


class Audit(Section):
    """``[audit]``: how damage is treated."""

    keep_damaged: bool = False
    """Keep the damaged bytes below ``archive/damaged/`` of their store when an object is repaired."""


class Withdrawal(Section):
    """``[withdrawal]``: what a takedown may do."""

    delete: bool = False
    """Whether the bytes of a withdrawn item may be deleted at all."""
    delete_after: str = "30 days"
    """How long they are kept at least."""


class Derivatives(Section):
    """``[derivatives]``: what is made out of kept recordings, beside the bags (docs/derivatives.md)."""

    store: str = ""
    """The store that keeps them; empty for the first one."""
    directory: str = ""
    """A directory of their own instead of a store."""
    policy: str = "all-cc"
    """Licences under which anything is derived."""
    no_derivatives: Literal["other-format", "nothing"] = "other-format"
    """What NoDerivatives licences let be made: the whole recording in another format, or nothing but the embedded cover."""
    jobs: int = 0
    """Files worked upon at once; 0 for one less than there are processors, two at most."""


class Logging(Section):
    """``[logging]``: the program's log on standard error."""

    format: Literal["text", "json"] = "text"


class Monitoring(Section):
    """``[monitoring]``: who is told how a run went."""

    textfile: str = ""
    """A file that ends in ``.prom``, written after each run for Prometheus' node exporter."""
    ping: str = ""
    """A URL that is asked for ``URL/start`` before a run, ``URL`` after one that went well, ``URL/fail`` after another."""
    notify: tuple[str, ...] = ()
    """Environment variables that hold an address for apprise each; an address holds secrets and stands in no file."""
    notify_on: tuple[int, ...] = (1, 3, 4)
    """Exit statuses after which they are told."""


class Licences(Section):
    """``[licences]``: what no selection may admit by itself."""

    denied_uploaders: tuple[str, ...] = ()
    """Addresses whose items are quarantined; only their digests are written anywhere."""
    denied_collections: tuple[str, ...] = ()
    """Collections whose items are quarantined."""


class Log(Section):
    """``[log]``: the signed audit log (docs/tamper-evidence.md)."""

    key: str = ""
    """The file of the private key, outside the archive; empty for no log."""
    public_keys: tuple[str, ...] = ()
    """Keys to trust, as ``ed25519:…``; empty for the one that belongs to ``key``."""
    publish: bool = True
    """Whether a harvest ends by publishing the log, where there is a key."""
    timestamp_url: str = ""
    """An RFC 3161 time stamp authority; empty for none."""
    timestamp_roots: str = ""
    """A file of certificates to trust for time stamps, PEM."""


class Tables(Section):
    """The whole file."""

    archive: Archive = Archive()
    catalogue: Catalogue = Catalogue()
    stores: Mapping[str, Store] = NOTHING
    sources: Mapping[str, Source] = NOTHING
    harvest: Harvest = Harvest()
    audio: Audio = Audio()
    engine: Engine = Engine()
    review: Review = Review()
    audit: Audit = Audit()
    withdrawal: Withdrawal = Withdrawal()
    derivatives: Derivatives = Derivatives()
    logging: Logging = Logging()
    monitoring: Monitoring = Monitoring()
    declarations: Mapping[str, str] = NOTHING
    """What only the operator knows, by criterion of the NDSA report."""
    licences: Licences = Licences()
    log: Log = Log()
    network: Network = Network()
    musicbrainz: MusicBrainz = MusicBrainz()


class SelectionTable(Section):
    """A selection file."""

    title: str
    source: str
    query: str | None = None
    items: tuple[str, ...] | None = None
    policy: str = "all-cc"
    public_domain_mark: Literal["quarantine", "accept"] = "quarantine"
    retired: Literal["accept", "quarantine", "refuse"] = "accept"
    versionless: Literal["quarantine", "refuse"] = "quarantine"
    extension_registry: Literal["off", "accept"] = "off"
    denied_uploaders: tuple[str, ...] = ()
    denied_collections: tuple[str, ...] = ()
    files: str | tuple[str, ...] = "originals"
    stores: tuple[str, ...] | None = None
    damaged: Literal["keep", "quarantine"] = "keep"
    """What becomes of an item with audio that does not play to its end; either way it is said."""
    derivatives: tuple[Literal["opus", "waveform", "spectrogram", "preview", "cover", "loudness"], ...] = ()
