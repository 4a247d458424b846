"""How gated.yaml is spelled. The docstrings are what `gated check config --explain` and the JSON Schema say."""

import enum
import re
from collections.abc import Iterator, Mapping
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from pydantic import Discriminator, Field, Tag

from gated.promql import syntax
from gated.rulebook.entry import Entry, Misuse
from gated.rulebook.spelling import (
    Flag,
    LabelName,
    Name,
    PositiveDuration,
    Spelling,
    Text,
    Url,
    choice,
    count,
    duration,
    spelled,
    url_fault,
)
from gated.sources.settings import SourceKind

_LISTEN = re.compile(r"(?:\[(?P<ipv6>[0-9a-fA-F:.]+)\]|(?P<host>[A-Za-z0-9.-]+)):(?P<port>[0-9]{1,5})")
_LAST_PORT = 65535
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_TEXT = re.compile(r"[\x20-\x7e]+")
_CREDENTIAL_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})
_SIZE = re.compile(r"(?P<count>[1-9][0-9]{0,9})(?P<unit>KiB|MiB|GiB)")
_UNITS = {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_LARGEST = 1024**3


class LogFormat(enum.Enum):
    """How the log is written."""

    AUTO = "auto"
    """For people on a terminal, JSON elsewhere."""
    CONSOLE = "console"
    """For people."""
    JSON = "json"
    """One JSON object a line."""


class LogLevel(enum.Enum):
    """The least important event that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _read_listen(text: str) -> tuple[str, int]:
    found = _LISTEN.fullmatch(text)
    if found is None or int(found["port"]) > _LAST_PORT:
        raise ValueError(f"{text!r} is not an address to listen on; write host:port, for example 127.0.0.1:9911")
    return found["ipv6"] or found["host"], int(found["port"])


def _read_size(text: str) -> int:
    found = _SIZE.fullmatch(text)
    size = int(found["count"]) * _UNITS[found["unit"]] if found else 0
    if not 0 < size <= _LARGEST:
        raise ValueError(f"{text!r} is not a size; write it as 512KiB or 32MiB, at most 1GiB")
    return size


def _read_server(text: str) -> str:
    fault = url_fault(text)
    if not fault and (urlsplit(text).query or urlsplit(text).fragment):
        fault = "the address of a server ends with its path; leave out ? and #"
    if fault:
        raise ValueError(f"{fault}; for a password use basic_auth" if "password" in fault else fault)
    return text


def _read_store(text: str) -> str:
    """A database's address. Its faults never quote it, as it may hold a password."""
    allowed = "write sqlite:///gated.db or postgresql+psycopg://user@host/database"
    try:
        parts = urlsplit(text)
        # A password with a slash in it shows up as a port that is no number, or as an @ in the path.
        _ = parts.port
        has_password = parts.password is not None or "@" in parts.path
    except ValueError:
        raise ValueError(f"not the address of a database; {allowed}") from None
    match parts.scheme:
        case "sqlite":
            if parts.netloc or not parts.path.strip("/") or parts.query or ":memory:" in parts.path:
                raise ValueError("not the address of an SQLite file; write sqlite:///gated.db")
        case "postgresql" | "postgresql+psycopg":
            if has_password or "password" in parse_qs(parts.query) or parts.netloc.count("@") > 1:
                raise ValueError("an address must not hold a password; write {url: …, password_file: …}")
            if not parts.path.strip("/"):
                raise ValueError(f"no database is named; {allowed}")
        case _:
            raise ValueError(f"not the address of a database that gated can use; {allowed}")
    return text


def _read_header_name(text: str) -> str:
    if not _HEADER_NAME.fullmatch(text):
        raise ValueError(f"{text!r} is not the name of an HTTP header")
    if text.lower() in _CREDENTIAL_HEADERS:
        raise ValueError("credentials do not belong here; use basic_auth or bearer_token_file")
    return text


def _read_header_text(text: str) -> str:
    if not _HEADER_TEXT.fullmatch(text):
        raise ValueError("a header holds printable ASCII characters only")
    return text


def _read_query(text: str) -> str:
    syntax.check_vector(text)
    return text


def _form(given: object) -> str:
    return "<mapping>" if isinstance(given, dict | Entry) else "<text>"


_STRING = {"type": "string", "minLength": 1}
_Size = Annotated[
    int,
    Spelling(
        "a size",
        _read_size,
        {"type": "string", "pattern": f"^{_SIZE.pattern}$".replace("?P<count>", "").replace("?P<unit>", "")},
    ),
]
_File = Annotated[str, Spelling("the path of a file", str, _STRING)]
_Database = Annotated[
    str, Spelling("the address of a database", _read_store, {**_STRING, "pattern": "^(sqlite:///|postgresql)"})
]


class HeaderEntry(Entry):
    """A header whose value is a secret."""

    value_file: _File
    """A file that holds the value. Read at each request."""


class BasicAuthEntry(Entry):
    """HTTP basic authentication."""

    username: Text
    """Who asks."""
    password_file: _File
    """A file that holds the password. Read at each request, so that it may be rotated without a restart."""


class TlsEntry(Entry):
    """How connections over https are secured. There is no way to trust every certificate."""

    ca_file: _File | None = None
    """Certificates (PEM) to trust instead of the system's."""
    cert_file: _File | None = None
    """gated's own certificate (PEM), for servers that ask for one."""
    key_file: _File | None = None
    """Its key (PEM), unless cert_file holds both."""

    @classmethod
    def misuses(cls, given: Mapping[str, object]) -> Iterator[Misuse]:
        """A key belongs to a certificate."""
        if "key_file" in given and "cert_file" not in given:
            yield ("key_file",), "a key without its certificate; write cert_file as well"


class IdentityEntry(Entry):
    """What proves that the address belongs to the server that was meant; checked at each evaluation."""

    labels: Annotated[dict[LabelName, Text], Field(min_length=1)] | None = None
    """External labels the server must have in its own configuration."""
    query: Annotated[str, Spelling("PromQL", _read_query, _STRING)] | None = None
    """PromQL that must have an answer, for servers without external labels (Mimir, VictoriaMetrics)."""


class SourceEntry(Entry):
    """A server that rules ask."""

    kind: Annotated[SourceKind, choice(SourceKind, "a kind of source")] = spelled("prometheus")
    """Which API it speaks: that of Prometheus, Thanos, Mimir and VictoriaMetrics, or Alertmanager's, which answers
    alerts rules only."""
    url: Annotated[str, Spelling("an address", _read_server, {"type": "string", "pattern": "^https?://[^@?#{}]+$"})]
    """Its address, with a path prefix if it has one."""
    external_url: Url | None = None
    """Where people reach it in a browser, for links on the status page; the same as url unless said."""
    timeout: PositiveDuration | None = None
    """How long one evaluation may take, all requests together; by default 5s, or an evaluation_interval where that
    is shorter. A dead source then delays one evaluation and not the next."""
    expect: IdentityEntry | None = None
    """What proves that it is the right server."""
    headers: dict[
        Annotated[
            str,
            Spelling(
                "the name of a header", _read_header_name, {"type": "string", "pattern": f"^{_HEADER_NAME.pattern}$"}
            ),
        ],
        Annotated[
            Annotated[str, Spelling("text", _read_header_text, _STRING), Tag("<text>")]
            | Annotated[HeaderEntry, Tag("<mapping>")],
            Discriminator(_form),
        ],
    ] = Field(default_factory=dict)
    """Headers sent with each request, such as X-Scope-OrgID: text, or {value_file: …} for a secret."""
    basic_auth: BasicAuthEntry | None = None
    """User and password; one of basic_auth and bearer_token_file."""
    bearer_token_file: _File | None = None
    """A file that holds a token. Read at each request."""
    tls: TlsEntry | None = None
    """How the connection is secured."""
    max_clock_skew: PositiveDuration = spelled("5s")
    """How far the server's clock may be from gated's; beyond that no answer counts."""
    settle: Annotated[float, duration(maximum_seconds=300)] = spelled("5s")
    """How long after its time stamp a sample may still arrive: events are counted up to so long ago, and one that
    arrives later is never counted. As long as the slowest scrape takes (max(scrape_duration_seconds)) and the delay of
    a remote write; longer only makes gated see everything so much later."""
    concurrency: Annotated[int, count(1, 256)] = spelled("8")
    """How many requests at once. Prometheus runs 20 queries at a time, for everybody."""
    max_response_size: _Size = spelled("32MiB")
    """How long one answer may be. 1,000 releases with 20 buckets each are about 3 MiB."""

    @classmethod
    def misuses(cls, given: Mapping[str, object]) -> Iterator[Misuse]:
        """One credential, and an identity only for servers that have one."""
        if "basic_auth" in given and "bearer_token_file" in given:
            yield ("bearer_token_file",), "cannot be used together with basic_auth; keep one of them"
        if given.get("kind") == SourceKind.ALERTMANAGER.value and "expect" in given:
            yield ("expect",), "an Alertmanager has nothing to be known by; leave expect out"


class ProbesEntry(Entry):
    """How HTTP probes are made."""

    concurrency: Annotated[int, count(1, 256)] = spelled("16")
    """How many probes at once."""
    max_response_size: _Size = spelled("1MiB")
    """How long an answer may be; a longer one counts as a failed probe."""
    ca_file: _File | None = None
    """Certificates (PEM) to trust instead of the system's."""


class StoreEntry(Entry):
    """A database with a password."""

    url: _Database
    """Its address, without the password."""
    password_file: _File | None = None
    """A file that holds the password."""

    @classmethod
    def misuses(cls, given: Mapping[str, object]) -> Iterator[Misuse]:
        """A password belongs to a user of a server."""
        url = given.get("url")
        if "password_file" in given and isinstance(url, str) and "@" not in url:
            yield ("password_file",), "a password without its user; write url: postgresql+psycopg://user@host/database"


class LogEntry(Entry):
    """The log, on standard error."""

    format: Annotated[LogFormat, choice(LogFormat, "a format of the log")] = spelled("auto")
    """How it is written: for people (console), as JSON lines (json), or whichever suits standard error (auto)."""
    level: Annotated[LogLevel, choice(LogLevel, "a level of the log")] = spelled("info")
    """The least important event that is written."""


class ConfigFile(Entry):
    """gated.yaml: where gated listens, what it asks, and where it keeps its state. Paths are relative to the file."""

    listen: Annotated[
        tuple[str, int],
        Spelling(
            "an address to listen on",
            _read_listen,
            {"type": "string", "pattern": r"^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$"},
        ),
    ] = spelled("127.0.0.1:9911")
    """Where the API and /metrics are served, as host:port. gated has no authentication of its own
    yet: listen on loopback, behind a proxy that authenticates."""
    external_url: Url | None = None
    """Where people reach gated: for links to it, and the name by which it may be called in a browser."""
    evaluation_interval: Annotated[float, duration(minimum_seconds=1)] = spelled("15s")
    """How often the rules are judged; at least 1s. As often as Prometheus scrapes is enough."""
    rules: Annotated[list[Text], Field(min_length=1)]
    """Rule files, and directories of them."""
    store: Annotated[
        Annotated[_Database, Tag("<text>")] | Annotated[StoreEntry, Tag("<mapping>")], Discriminator(_form)
    ] = spelled("sqlite:///gated.db")
    """Where state is kept: sqlite:///file (upgraded at start by itself), or postgresql+psycopg://user@host/database
    (upgraded by gated db upgrade), then with {url: …, password_file: …} for a password. One daemon to a store."""
    sources: dict[Name, SourceEntry] = Field(default_factory=dict)
    """The servers that rules ask, by name. A rule that names none asks the one called default."""
    probes: ProbesEntry = Field(default_factory=ProbesEntry)
    """How HTTP probes are made."""
    retention: Annotated[float, duration(minimum_seconds=86400)] = spelled("90d")
    """How long ended releases are kept, with their decisions; at least 1d."""
    reload_endpoint: Flag = spelled("false")
    """Whether POST /-/reload loads the rule files anew, as SIGHUP does."""
    log: LogEntry = Field(default_factory=LogEntry)
    """The log."""
