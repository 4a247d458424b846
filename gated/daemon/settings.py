"""gated.yaml to settings, or to every fault in it."""

import contextlib
import fcntl
import ipaddress
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from gated.daemon.settings_schema import ConfigFile, HeaderEntry, SourceEntry, StoreEntry
from gated.model.errors import Unavailable
from gated.model.ids import SourceName
from gated.model.plan import Rulebook
from gated.model.secret import Secret
from gated.rulebook import load as rule_files
from gated.rulebook import strict_yaml
from gated.rulebook.document import Document
from gated.rulebook.entry import bind
from gated.rulebook.explain import explain as explain_entry
from gated.rulebook.fault import Fault, KeyPath, Severity
from gated.rulebook.rules import KINDS
from gated.sources.settings import Access, BasicAuth, Identity, ProbeSettings, SourceKind, SourceSettings, secret_file

_SECRET_FILES = frozenset({"password_file", "bearer_token_file", "value_file", "key_file"})
_PUBLIC_FILES = frozenset({"ca_file", "cert_file"})
_ENOUGH_BYTES = 4096
"""Read of a file to see that it is not empty."""
_DEFAULT_TIMEOUT_SECONDS = 5.0
_ANSWERS: Mapping[SourceKind, frozenset[str]] = {
    SourceKind.PROMETHEUS: frozenset(KINDS) - {"probe"},
    SourceKind.ALERTMANAGER: frozenset({"alerts"}),
}


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """Where the database is.

    Args:
        url: its address, without a password; an SQLite path is absolute or relative to the working directory.
        password: its password, if any.
    """

    url: str
    password: Secret | None = None

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this machine."""
        return self.url.startswith("sqlite:")

    @contextlib.contextmanager
    def sole_use(self) -> Iterator[None]:
        """Keep other daemons from a database file. The kernel lets go of it with the process, however that ends.

        A database server is not kept from anybody: there nothing but care prevents two daemons.

        Raises:
            Unavailable: another daemon works with the file.
        """
        if not self.is_sqlite:
            yield
            return
        with Path(f"{self.url.removeprefix('sqlite:///')}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Unavailable("another gated works with this database; one daemon to a store") from error
            yield

    def reveal(self) -> str:
        """The address with the password. Keep it no longer than the one use it is fetched for.

        Raises:
            Unavailable: the file with the password cannot be read.
        """
        if self.password is None:
            return self.url
        try:
            password = self.password.reveal()
        except (OSError, UnicodeError) as error:
            raise Unavailable("store: the file with the password cannot be read") from error
        parts = urlsplit(self.url)
        user, _, host = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}").geturl()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator decides about one gated.

    Args:
        listen_host: the address to listen on.
        listen_port: the port; 0 for any that is free.
        external_url: where people reach gated; empty when nobody said.
        evaluation_interval_seconds: how often rules are judged.
        rules: rule files, and directories of them.
        store: where state is kept.
        sources: the servers that rules ask.
        probes: how HTTP probes are made.
        retention_seconds: how long ended releases are kept.
        has_reload_endpoint: whether `POST /-/reload` exists.
        log_format: `auto`, `console` or `json`.
        log_level: `debug`, `info`, `warning` or `error`.
    """

    listen_host: str
    listen_port: int
    external_url: str
    evaluation_interval_seconds: float
    rules: tuple[Path, ...]
    store: StoreAddress
    sources: tuple[SourceSettings, ...]
    probes: ProbeSettings
    retention_seconds: float
    has_reload_endpoint: bool
    log_format: str
    log_level: str

    @property
    def store_url(self) -> str:
        """The address of the database with its password; raises as `StoreAddress.reveal`."""
        return self.store.reveal()

    @property
    def upgrades_store(self) -> bool:
        """Whether the daemon brings the database up to date by itself: a file of its own, not a shared server's."""
        return self.store.is_sqlite

    @property
    def answers(self) -> dict[SourceName, frozenset[str]]:
        """Each source with the kinds of rules it can answer."""
        return {source.name: _ANSWERS[source.kind] for source in self.sources}

    def load_rules(self) -> tuple[Rulebook | None, tuple[str, ...]]:
        """Read the rule files as they are now.

        Returns:
            The rulebook, or None and every error.
        """
        loaded = rule_files.load(self.rules, self.answers)
        return loaded.rulebook, tuple(map(str, loaded.errors))


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of the file.

    Args:
        settings: what it says; None when there is any error.
        faults: errors and warnings in reading order.
    """

    settings: Settings | None
    faults: tuple[Fault, ...]


def load(path: Path) -> Loaded:
    """Read gated.yaml. Never raises for what is in it. The rule files it names are not read.

    Args:
        path: the file; the paths in it are relative to its folder.
    """
    document = strict_yaml.read_file(path)
    folder = path.parent
    config, faults = bind(document, (), ConfigFile)
    faults += [*document.faults, *_file_faults(document, folder), *_rule_path_faults(document, folder)]
    if config is not None:
        faults += _dangers(document, config)
    in_order = tuple(sorted(dict.fromkeys(faults), key=lambda fault: fault.position))
    is_usable = config is not None and not any(fault.is_error for fault in faults)
    return Loaded(_settings(config, folder) if config is not None and is_usable else None, in_order)


def explain() -> str:
    """Every key of gated.yaml with its type, default and meaning."""
    return explain_entry(ConfigFile)


def _settings(config: ConfigFile, folder: Path) -> Settings:
    host, port = config.listen
    interval = config.evaluation_interval
    ca_file = config.probes.ca_file
    return Settings(
        listen_host=host,
        listen_port=port,
        external_url=config.external_url or "",
        evaluation_interval_seconds=interval,
        rules=tuple(folder / rule for rule in config.rules),
        store=_store(config.store, folder),
        sources=tuple(_source(SourceName(name), entry, folder, interval) for name, entry in config.sources.items()),
        probes=ProbeSettings(config.probes.concurrency, config.probes.max_response_size, _path(ca_file, folder)),
        retention_seconds=config.retention,
        has_reload_endpoint=config.reload_endpoint,
        log_format=config.log.format.value,
        log_level=config.log.level.value,
    )


def _store(given: str | StoreEntry, folder: Path) -> StoreAddress:
    url = given.url if isinstance(given, StoreEntry) else given
    password_file = given.password_file if isinstance(given, StoreEntry) else None
    if url.startswith("sqlite:///"):
        url = f"sqlite:///{folder / url.removeprefix('sqlite:///')}"
    return StoreAddress(url, _secret(password_file, folder))


def _source(name: SourceName, entry: SourceEntry, folder: Path, interval_seconds: float) -> SourceSettings:
    tls, expect, basic = entry.tls, entry.expect, entry.basic_auth
    access = Access(
        headers={key: _header(value, folder) for key, value in entry.headers.items()},
        basic_auth=BasicAuth(basic.username, secret_file(_path(basic.password_file, folder))) if basic else None,
        bearer_token=_secret(entry.bearer_token_file, folder),
        ca_file=_path(tls.ca_file, folder) if tls else "",
        cert_file=_path(tls.cert_file, folder) if tls else "",
        key_file=_path(tls.key_file, folder) if tls else "",
    )
    return SourceSettings(
        name=name,
        url=entry.url,
        external_url=entry.external_url or "",
        kind=entry.kind,
        timeout_seconds=entry.timeout or min(_DEFAULT_TIMEOUT_SECONDS, interval_seconds),
        max_bytes=entry.max_response_size,
        concurrency=entry.concurrency,
        access=access,
        expect=Identity(expect.labels or {}, expect.query or "") if expect else Identity(),
        max_clock_skew_seconds=entry.max_clock_skew,
        settle_seconds=entry.settle,
    )


def _header(given: str | HeaderEntry, folder: Path) -> Secret:
    if isinstance(given, HeaderEntry):
        return secret_file(_path(given.value_file, folder))
    return Secret.of(given)


def _secret(file: str | None, folder: Path) -> Secret | None:
    return secret_file(_path(file, folder)) if file else None


def _path(file: str | None, folder: Path) -> str:
    return str(folder / file) if file else ""


def _file_faults(document: Document, folder: Path) -> Iterator[Fault]:
    """Faults of the files that are named, whatever else is wrong with the mappings that name them."""
    for path in document.values:
        file = document.at(path)
        if path and isinstance(file, str) and file and path[-1] in _SECRET_FILES | _PUBLIC_FILES:
            yield from _faults_of_file(document, path, folder / file, is_secret=path[-1] in _SECRET_FILES)


def _faults_of_file(document: Document, path: KeyPath, file: Path, *, is_secret: bool) -> Iterator[Fault]:
    try:
        with file.open("rb") as opened:
            is_empty = not opened.read(_ENOUGH_BYTES).strip()
            mode = os.fstat(opened.fileno()).st_mode
    except OSError as error:
        yield document.fault(path, f"{file} cannot be read: {error.strerror}")
        return
    if is_empty:
        yield document.fault(path, f"{file} is empty")
    if is_secret and mode & stat.S_IROTH:
        message = f"{file} holds a secret and everybody on this machine may read it; take that right away (chmod o-r)"
        yield document.fault(path, message, severity=Severity.WARNING)


def _rule_path_faults(document: Document, folder: Path) -> Iterator[Fault]:
    for at, rule in enumerate(document.items("rules")):
        if isinstance(rule, str) and rule and not (folder / rule).exists():
            yield document.fault(("rules", at), f"there is no file or directory {folder / rule}")


def _dangers(document: Document, config: ConfigFile) -> Iterator[Fault]:
    """What is allowed and may be regretted."""
    if not is_loopback(config.listen[0]):
        yield document.fault(
            ("listen",),
            "gated has no authentication yet, so whoever reaches this address can decide about releases; listen on "
            "127.0.0.1 behind a proxy that authenticates",
            severity=Severity.WARNING,
        )
    for name, source in config.sources.items():
        if source.timeout is not None and source.timeout > config.evaluation_interval:
            yield document.fault(
                ("sources", name, "timeout"),
                "longer than evaluation_interval, so a dead source delays the evaluation after the next as well",
                severity=Severity.WARNING,
            )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
