"""Settings: command line, then environment, then `archiver.toml`, then defaults."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.core.errors import SettingsError
from archiver.core.intervals import parse_duration
from archiver.settings.checking import checked, refuse_secret, suggestion
from archiver.settings.registered import OURS, Registered, registered_sources
from archiver.settings.sections import WrongValueError, entries_of, from_text, is_section, keys_of
from archiver.settings.tables import (
    Archive,
    Audio,
    Audit,
    Derivatives,
    Engine,
    Licences,
    Log,
    Logging,
    Monitoring,
    MusicBrainz,
    Network,
    Review,
    Source,
    Store,
    Tables,
    Withdrawal,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archiver.core.reviews import ReviewRules

FILE = "archiver.toml"
PREFIX = "ARCHIVER_"
MOST_EXAMINERS = 256

_OWN = frozenset(
    ["ARCHIVER_HOME", "ARCHIVER_CONFIG", "ARCHIVER_TEST_DATA", "ARCHIVER_REQUIRE_SERVERS", "ARCHIVER_REQUIRE_BROWSER"]
)
"""Variables with our prefix that are no settings."""
_TESTING = ("ARCHIVER_FUZZ", "ARCHIVER_TEST")
_VARIABLE = r"[A-Z][A-Z0-9_]{0,100}"
_HOST = r"[A-Za-z0-9_.:-]{1,253}"
_NAME = r"[a-z0-9][a-z0-9-]{0,62}"


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for this run.

    Attributes:
        home: Where catalogue, store and staging are unless the settings say otherwise.
        file: The settings file that was read, or None.
        organisation: Source-Organization of every bag.
        contact: For the User-Agent, or empty.
        catalogue_url: For SQLAlchemy; may hold a password and is never shown.
        stores: By name, in the order of the file; paths are absolute.
        named_sources: Those that the settings name.
        jobs: Items walked at once.
        staging: Directory.
        selection_directories: Where a selection's name is looked up, in order.
        reviewing: ``[review]``.
        archive: ``[archive]`` as it stands, for the rule about copies.
        audio: ``[audio]``.
        audit: ``[audit]``.
        withdrawal: ``[withdrawal]``.
        derivatives: ``[derivatives]``; the directory is absolute.
        logging: Of the program's log.
        monitoring: Who is told how a run went.
        declarations: What only the operator knows, by criterion of the NDSA report.
        licences: ``[licences]``.
        log: The audit log; paths are absolute.
        network: Where sources may go.
        musicbrainz: Whom an enrichment asks.
        engine: What walks items and checks copies; paths are absolute.
    """

    home: Path
    file: Path | None
    organisation: str
    contact: str
    catalogue_url: str
    stores: Mapping[str, Store]
    named_sources: Mapping[str, Source]
    jobs: int
    staging: Path
    selection_directories: tuple[Path, ...]
    reviewing: Review
    archive: Archive = field(default_factory=Archive)
    audio: Audio = field(default_factory=Audio)
    audit: Audit = field(default_factory=Audit)
    withdrawal: Withdrawal = field(default_factory=Withdrawal)
    derivatives: Derivatives = field(default_factory=Derivatives)
    logging: Logging = field(default_factory=Logging)
    monitoring: Monitoring = field(default_factory=Monitoring)
    declarations: Mapping[str, str] = field(default_factory=dict)
    licences: Licences = field(default_factory=Licences)
    log: Log = field(default_factory=Log)
    network: Network = field(default_factory=Network)
    musicbrainz: MusicBrainz = field(default_factory=MusicBrainz)
    engine: Engine = field(default_factory=Engine)

    @property
    def min_copies(self) -> int:
        """Good copies that each version should have."""
        return self.archive.min_copies or min(2, len(self.stores))

    @property
    def sources(self) -> Mapping[str, Source]:
        """Every registered source by name, those that the settings do not name with their defaults."""
        return Registered(self.named_sources)

    @property
    def review(self) -> ReviewRules:
        """What is asked of reviews."""
        from archiver.core.reviews import ReviewRules  # noqa: PLC0415 - few commands review, and each reads settings

        return ReviewRules(frozenset(self.reviewing.two_people), self.reviewing.expire_days)


def read_settings(
    *, config: Path | None = None, home: Path | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Read what holds for this run.

    Args:
        config: ``--config``, or None.
        home: ``--home``, or None.
        environment: Instead of the process's own.

    Raises:
        SettingsError: A file cannot be read, or a key or value is wrong; names file, key and what is allowed.
    """
    environment = os.environ if environment is None else environment
    file = _found_file(config, environment)
    table = _parsed(file) if file else {}
    tables = checked(table, Tables, file=str(file or FILE), error=SettingsError)
    base = file.parent.resolve() if file else Path.cwd()
    given_home = home or (Path(environment["ARCHIVER_HOME"]) if environment.get("ARCHIVER_HOME") else None)
    directory = given_home.absolute() if given_home else (base if file else Path.cwd() / "archive")
    tables = _anchored(tables, base)
    tables = _anchored(_overridden(tables, environment), Path.cwd())
    _refuse_wrong_names(tables, str(file or FILE))
    stores = tables.stores or {"primary": Store(url=str(directory / "store"))}
    return Settings(
        home=directory,
        file=file,
        organisation=tables.archive.organisation,
        contact=_contact(tables.archive.contact, str(file or FILE)),
        catalogue_url=tables.catalogue.url or f"sqlite:///{directory / 'catalogue.sqlite'}",
        stores=stores,
        named_sources=tables.sources,
        jobs=_at_least_one("harvest.jobs", tables.harvest.jobs, str(file or FILE)),
        staging=Path(tables.harvest.staging) if tables.harvest.staging else directory / "staging",
        reviewing=_review(tables.review, str(file or FILE)),
        logging=tables.logging,
        monitoring=_monitoring(tables.monitoring, base, str(file or FILE)),
        declarations=_declarations(tables.declarations, str(file or FILE)),
        log=_log(tables.log, directory, stores, str(file or FILE)),
        selection_directories=tuple(dict.fromkeys((Path.cwd() / "manifests", base / "manifests"))),
        archive=tables.archive,
        audio=_audio(tables.audio, str(file or FILE)),
        audit=tables.audit,
        withdrawal=_durable(tables.withdrawal, str(file or FILE)),
        derivatives=_derivatives(tables.derivatives, stores, str(file or FILE)),
        licences=tables.licences,
        network=_network(tables.network, str(file or FILE)),
        musicbrainz=_musicbrainz(tables.musicbrainz, str(file or FILE)),
        engine=_engine(tables.engine, str(file or FILE)),
    )


def _musicbrainz(table: MusicBrainz, file: str) -> MusicBrainz:
    if table.endpoint != MusicBrainz().endpoint:
        _refuse_wrong_url("musicbrainz.endpoint", table.endpoint, file)
    for key, least in (("requests_per_second", 0), ("timeout", 0.001), ("backoff", 0), ("tries", 1)):
        if not getattr(table, key) >= least:
            raise SettingsError(f"{file}: musicbrainz.{key}: expected at least {least}, actual {getattr(table, key)}")
    return table


def _network(table: Network, file: str) -> Network:
    for name in table.allow_private:
        if "/" in name:
            import ipaddress  # noqa: PLC0415 - rarely needed

            try:
                ipaddress.ip_network(name, strict=False)
            except ValueError as error:
                raise SettingsError(f"{file}: network.allow_private: {name[:200]!r} is no network: {error}") from error
        elif not re.fullmatch(_HOST, name):
            raise SettingsError(
                f"{file}: network.allow_private: expected host names, addresses or networks, actual {name[:200]!r}"
            )
    if table.largest_file < 1:
        raise SettingsError(f"{file}: network.largest_file: expected at least 1, actual {table.largest_file}")
    return table.replace(allow_private=tuple(name.lower().rstrip(".") for name in table.allow_private))


def _audio(audio: Audio, file: str) -> Audio:
    if audio.examiners < 0 or audio.examiners > MOST_EXAMINERS:
        raise SettingsError(f"{file}: audio.examiners: expected 0 to {MOST_EXAMINERS}, actual {audio.examiners}")
    _at_least_one("audio.seconds", audio.seconds, file)
    return audio


def _engine(table: Engine, file: str) -> Engine:
    _refuse_no_duration("engine.patience", table.patience, file)
    if table.items_per_task < 0:
        raise SettingsError(f"{file}: engine.items_per_task: expected at least 0, actual {table.items_per_task}")
    if table.scheduler:
        scheme, _, rest = table.scheduler.partition("://")
        if scheme not in {"tcp", "tls"} or not rest:
            raise SettingsError(
                f"{file}: engine.scheduler: expected tcp://HOST:PORT or tls://HOST:PORT, actual {table.scheduler[:200]!r}"
            )
        keys = (table.tls_authority, table.tls_certificate, table.tls_key)
        if scheme == "tls" and not all(keys):
            raise SettingsError(
                f"{file}: engine.scheduler: tls:// needs engine.tls_authority, tls_certificate and tls_key"
            )
    return table


def _review(table: Review, file: str) -> Review:
    if table.expire_days < 0:
        raise SettingsError(f"{file}: review.expire_days: expected 0 or more, actual {table.expire_days}")
    return table


def _derivatives(table: Derivatives, stores: Mapping[str, Store], file: str) -> Derivatives:
    if table.store and table.directory:
        raise SettingsError(f"{file}: derivatives: expected store or directory, actual both")
    if table.store and table.store not in stores:
        near = suggestion(table.store, stores)
        raise SettingsError(
            f"{file}: derivatives.store: unknown store {table.store!r}{near}; allowed: {', '.join(stores)}"
        )
    if table.policy != Derivatives().policy:
        from archiver.core.licences.policies import PRESETS  # noqa: PLC0415 - rarely asked for

        if table.policy not in PRESETS:
            near = suggestion(table.policy, PRESETS)
            raise SettingsError(
                f"{file}: derivatives.policy: unknown policy {table.policy!r}{near}; allowed: {', '.join(PRESETS)}"
            )
    if table.jobs < 0:
        raise SettingsError(f"{file}: derivatives.jobs: expected 0 or more, actual {table.jobs}")
    return table


def _monitoring(table: Monitoring, base: Path, file: str) -> Monitoring:
    if table.textfile and not table.textfile.endswith(".prom"):
        raise SettingsError(
            f"{file}: monitoring.textfile: expected a file that ends in .prom, actual {table.textfile!r}"
        )
    if table.ping:
        _refuse_wrong_url("monitoring.ping", table.ping, file)
    for name in table.notify:
        if not re.fullmatch(_VARIABLE, name):
            raise SettingsError(
                f"{file}: monitoring.notify: expected names of environment variables that hold the addresses, "
                "because an address holds secrets"
            )
    wrong = [number for number in table.notify_on if number not in {0, 1, 2, 3, 4, 130}]
    if wrong:
        raise SettingsError(f"{file}: monitoring.notify_on: {wrong[0]} is no exit status; allowed: 0, 1, 2, 3, 4, 130")
    textfile = str((base / Path(table.textfile).expanduser()).absolute()) if table.textfile else ""
    return table.replace(textfile=textfile)


def _declarations(table: Mapping[str, str], file: str) -> Mapping[str, str]:
    if not table:
        return table
    from archiver.core.ndsa import DECLARABLE  # noqa: PLC0415 - one report asks for it, and imports much

    for key in table:
        if key not in DECLARABLE:
            raise SettingsError(
                f"{file}: declarations.{key}: unknown criterion{suggestion(key, DECLARABLE)}; "
                f"allowed: {', '.join(DECLARABLE)}"
            )
    return table


def _log(log: Log, home: Path, stores: Mapping[str, Store], file: str) -> Log:
    """Refuse a key that whoever can rewrite the archive can read."""
    inside = [home, *(Path(store.url) for store in stores.values() if "://" not in store.url)]
    for place in inside:
        if log.key and Path(log.key).resolve().is_relative_to(place.resolve()):
            raise SettingsError(
                f"{file}: log.key: expected a file outside the archive, actual {log.key} in {place}: "
                "who can rewrite the archive could sign it again"
            )
    if log.timestamp_url:
        _refuse_wrong_url("log.timestamp_url", log.timestamp_url, file)
    return log


def _found_file(config: Path | None, environment: Mapping[str, str]) -> Path | None:
    named = config or (Path(environment["ARCHIVER_CONFIG"]) if environment.get("ARCHIVER_CONFIG") else None)
    if named is not None:
        if not named.is_file():
            raise SettingsError(f"there is no settings file {named}", next_command="archiver init DIR")
        return named
    here = Path(FILE)
    if here.is_file():
        return here
    user = _user_directory() / FILE
    return user if user.is_file() else None


def _user_directory() -> Path:
    """Return where a user's settings are, as `platformdirs` has it; it is not imported where its rule is one line."""
    home, named = os.environ.get("HOME", ""), os.environ.get("XDG_CONFIG_HOME", "")
    if sys.platform == "linux" and (named or home).startswith("/"):
        return Path(named or f"{home}/.config") / "archiver"
    import platformdirs  # noqa: PLC0415 - it takes longer to import than the settings to read

    return Path(platformdirs.user_config_dir("archiver", appauthor=False))


def _parsed(file: Path) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - only where there is a file

    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: not TOML: {error}", next_command=f'"$EDITOR" {file}') from error
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from error


def _overridden(tables: Tables, environment: Mapping[str, str]) -> Tables:
    """Return the tables with every ``ARCHIVER_TABLE__KEY`` of the environment put in."""
    ours = sorted(
        (variable, value)
        for variable, value in environment.items()
        if variable.startswith(PREFIX) and variable not in _OWN and not variable.startswith(_TESTING)
    )
    if not ours:
        return tables
    builtins = tables.to_builtins()
    for variable, value in ours:
        parts = variable.removeprefix(PREFIX).lower().split("__")
        place, key, kind = _place(builtins, parts, variable)
        try:
            place[key] = from_text(value, kind)
        except WrongValueError as error:
            raise SettingsError(f"environment variable {variable}: {error.what}") from error
    return checked(builtins, Tables, file="environment", error=SettingsError)


def _place(tables: dict[str, Any], parts: list[str], variable: str) -> tuple[dict[str, Any], str, Any]:
    """Find where a variable's value belongs: its table, its key, and the type of the value."""
    sections = keys_of(Tables)
    section = parts[0]
    is_named = entries_of(sections.get(section)) is not None
    if section not in sections or len(parts) != (3 if is_named else 2):
        refuse_secret(parts[-1], file=f"environment variable {variable}", error=SettingsError)
        forms = [
            f"ARCHIVER_{name.upper()}__{'NAME__' if entries_of(kind) else ''}KEY" for name, kind in sections.items()
        ]
        raise SettingsError(
            f"unknown environment variable {variable}{suggestion(section, sections)}; allowed: {', '.join(forms)}"
        )
    kind = entries_of(sections[section]) if is_named else sections[section]
    keys = keys_of(kind) if is_section(kind) else {}
    key = parts[-1]
    if key not in keys:
        refuse_secret(key, file=f"environment variable {variable}", error=SettingsError)
        raise SettingsError(
            f"environment variable {variable}: unknown key {key!r}{suggestion(key, keys)}; allowed: {', '.join(keys)}"
        )
    place = tables[section]
    if is_named:
        place = place.setdefault(parts[1].replace("_", "-"), {})
    return place, key, keys[key]


def _anchored(tables: Tables, base: Path) -> Tables:
    """Return the tables with every relative path made absolute."""

    def path(text: str) -> str:
        return str((base / Path(text).expanduser()).absolute()) if text else ""

    stores = {
        name: store.replace(url=store.url if "://" in store.url else path(store.url), ca_bundle=path(store.ca_bundle))
        for name, store in tables.stores.items()
    }
    sources = {name: source.replace(config_file=path(source.config_file)) for name, source in tables.sources.items()}
    return tables.replace(
        stores=stores,
        sources=sources,
        catalogue=tables.catalogue.replace(url=_catalogue_url(tables.catalogue.url, base)),
        harvest=tables.harvest.replace(staging=path(tables.harvest.staging)),
        derivatives=tables.derivatives.replace(directory=path(tables.derivatives.directory)),
        engine=tables.engine.replace(
            staging=path(tables.engine.staging),
            tls_authority=path(tables.engine.tls_authority),
            tls_certificate=path(tables.engine.tls_certificate),
            tls_key=path(tables.engine.tls_key),
        ),
        log=tables.log.replace(key=path(tables.log.key), timestamp_roots=path(tables.log.timestamp_roots)),
    )


def _catalogue_url(url: str, base: Path) -> str:
    if not url or url.startswith("postgresql"):
        return url
    if not url.startswith("sqlite:///"):
        scheme = url.partition(":")[0][:40]
        raise SettingsError(f"catalogue.url: unknown kind {scheme!r}; allowed: sqlite:///FILE, postgresql+psycopg://…")
    return f"sqlite:///{(base / url.removeprefix('sqlite:///')).absolute()}"


def _refuse_wrong_names(tables: Tables, file: str) -> None:
    for section, names in (("stores", tables.stores), ("sources", tables.sources)):
        for name in names:
            if not re.fullmatch(_NAME, name):
                raise SettingsError(f"{file}: [{section}.{name}]: a name is made of a-z, 0-9 and '-'")
    for name, store in tables.stores.items():
        _refuse_wrong_store(name, store, file)
    for name, source in tables.sources.items():
        _refuse_wrong_source(name, source, file)
    for key in ("min_copies", "min_places", "min_providers", "min_media"):
        if getattr(tables.archive, key) < 0:
            raise SettingsError(f"{file}: archive.{key}: expected at least 0, actual {getattr(tables.archive, key)}")


def _durable(table: Withdrawal, file: str) -> Withdrawal:
    _refuse_no_duration("withdrawal.delete_after", table.delete_after, file)
    return table


def _refuse_no_duration(key: str, text: str, file: str) -> None:
    try:
        parse_duration(text)
    except ValueError as error:
        raise SettingsError(f"{file}: {key}: {error}") from error


def _refuse_wrong_source(name: str, source: Source, file: str) -> None:
    if name not in OURS and name not in registered_sources():
        raise SettingsError(
            f"{file}: [sources.{name}]: unknown source; allowed: {', '.join(registered_sources())}",
            next_command="archiver source list",
        )
    if source.endpoint:
        _refuse_wrong_url(f"sources.{name}.endpoint", source.endpoint, file)
    for key in ("requests_per_second", "downloads", "timeout", "backoff", "tries"):
        value = getattr(source, key)
        if value is not None and (value < 0 or (value < 1 and key in {"downloads", "tries"})):
            raise SettingsError(f"{file}: sources.{name}.{key}: expected at least 1 (0 for a rate), actual {value}")


def _refuse_wrong_store(name: str, store: Store, file: str) -> None:
    if not store.url:
        raise SettingsError(f"{file}: stores.{name}.url: is empty; allowed: a directory, s3://BUCKET/PREFIX")
    if "://" in store.url:
        from urllib.parse import urlsplit  # noqa: PLC0415 - most stores are directories

        parts = urlsplit(store.url)
        if parts.scheme != "s3" or not parts.netloc:
            raise SettingsError(
                f"{file}: stores.{name}.url: {parts.scheme}:// is no store; allowed: a directory, s3://BUCKET/PREFIX"
            )
        if "@" in parts.netloc:
            refuse_secret("credential", file=f"{file}: stores.{name}.url", error=SettingsError)
    _refuse_no_duration(f"stores.{name}.audit_every", store.audit_every, file)
    _refuse_wrong_lock(name, store, file)
    for key in ("price_request", "price_gigabyte"):
        if not getattr(store, key) >= 0:
            raise SettingsError(f"{file}: stores.{name}.{key}: expected at least 0, actual {getattr(store, key)}")
    if store.endpoint:
        _refuse_wrong_url(f"stores.{name}.endpoint", store.endpoint, file)


def _refuse_wrong_lock(name: str, store: Store, file: str) -> None:
    _refuse_no_duration(f"stores.{name}.retain", store.retain, file)
    if store.object_lock and not store.url.startswith("s3://"):
        raise SettingsError(f"{file}: stores.{name}.object_lock: a directory has no locks; allowed: an s3:// store")


def _refuse_wrong_url(key: str, url: str, file: str) -> None:
    from urllib.parse import urlsplit  # noqa: PLC0415 - many archives name no address

    try:
        parts = urlsplit(url)
        is_right = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_right = False
    if not is_right:
        raise SettingsError(f"{file}: {key}: expected http://HOST or https://HOST, actual {url[:200]!r}")
    if parts.username or parts.password:
        refuse_secret("credential", file=f"{file}: {key}", error=SettingsError)


def _contact(contact: str, file: str) -> str:
    if contact and (
        not contact.isascii() or not contact.isprintable() or not contact.startswith(("mailto:", "https://", "http://"))
    ):
        raise SettingsError(f"{file}: archive.contact: expected mailto:… or https://…, actual {contact[:200]!r}")
    return contact


def _at_least_one(key: str, number: int, file: str) -> int:
    if number < 1:
        raise SettingsError(f"{file}: {key}: expected at least 1, actual {number}")
    return number
