"""What an operator configures about sources. The loader of gated.yaml fills these; nothing here reads YAML."""

import enum
import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from gated.model.errors import InvalidInput
from gated.model.ids import SourceName
from gated.model.secret import Secret


class SourceKind(enum.Enum):
    """Which API a source speaks."""

    PROMETHEUS = "prometheus"
    """Prometheus' HTTP API: Prometheus, Thanos, Mimir, VictoriaMetrics."""
    ALERTMANAGER = "alertmanager"
    """Alertmanager's API v2; answers alerts only."""


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """A user and a password.

    Args:
        username: sent as it is.
        password: revealed at each request.
    """

    username: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Access:
    """How to get in, and how to know that it is the right door.

    Credentials are revealed, and certificate files looked at, anew for each request: rotating a file needs no
    restart. There is no way to trust every certificate.

    Args:
        headers: sent with every request, such as `X-Scope-OrgID`. Secret, because keys travel in headers as well.
        basic_auth: for `Authorization`, if any.
        bearer_token: for `Authorization`, if any; instead of `basic_auth`.
        ca_file: certificates (PEM) to trust instead of the system's; empty for the system's.
        cert_file: our own certificate (PEM), for servers that ask for one; empty for none.
        key_file: its key; empty when `cert_file` holds both.
    """

    headers: Mapping[str, Secret] = field(default_factory=dict)
    basic_auth: BasicAuth | None = None
    bearer_token: Secret | None = None
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""

    def faults(self) -> Iterator[str]:
        """What is wrong with it, each fault starting with its key."""
        if self.basic_auth is not None and self.bearer_token is not None:
            yield "bearer_token: cannot be used together with basic_auth"
        if self.key_file and not self.cert_file:
            yield "key_file: needs cert_file"


@dataclass(frozen=True, slots=True)
class Identity:
    """What proves that the configured address belongs to the server that was meant. Both parts are optional.

    Args:
        labels: external labels the server must have in its own configuration (`/api/v1/status/config`).
        query: PromQL that must have a non-empty answer; for servers without external labels (Mimir,
            VictoriaMetrics). Empty for none.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    query: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is expected."""
        return not self.labels and not self.query


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """One source.

    Raises:
        InvalidInput: a value cannot be used; every fault at once, without showing the address.
    """

    name: SourceName
    """What rules and plans call it."""
    url: str
    """Its address, with a path prefix if it has one; never with a user or password."""
    kind: SourceKind = SourceKind.PROMETHEUS
    external_url: str = ""
    """Where people reach it, for links; empty when that is the same."""
    timeout_seconds: float = 5.0
    """How long one look may take: all of its requests, connections and bytes together. Well under an evaluation
    interval, so that a dead source delays one tick and not the next."""
    max_bytes: int = 32 * 1024 * 1024
    """How long one answer may be. 1,000 workloads with 20 buckets each are about 3 MB."""
    concurrency: int = 8
    """How many requests at once. Prometheus itself runs 20 queries at a time, for everybody."""
    access: Access = field(default_factory=Access)
    expect: Identity = field(default_factory=Identity)
    max_clock_skew_seconds: float = 5.0
    """How far the server's clock may be from ours: a third of the usual interval of evaluation."""
    settle_seconds: float = 5.0
    """How long after its time stamp a sample may still arrive: events are counted up to so long ago. Longer than most
    scrapes take, also those of a target in trouble, and no shorter than the clocks may differ."""

    def __post_init__(self) -> None:
        faults = [f"sources.{self.name}.{fault}" for fault in self._faults()]
        if faults:
            raise InvalidInput(*faults)

    def _faults(self) -> Iterator[str]:
        if fault := url_fault(self.url):
            yield f"url: {fault}"
        elif urlsplit(self.url).query or urlsplit(self.url).fragment:
            yield "url: must end with the path"
        for key in ("timeout_seconds", "max_bytes", "concurrency", "max_clock_skew_seconds"):
            if not getattr(self, key) > 0:
                yield f"{key}: must be more than 0"
        if not 0 <= self.settle_seconds < math.inf:
            yield "settle_seconds: must not be negative"
        yield from self.access.faults()
        if self.kind is SourceKind.ALERTMANAGER and not self.expect.is_empty:
            yield "expect: an Alertmanager has nothing to be known by"


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    """How HTTP probes are made.

    Raises:
        InvalidInput: a value cannot be used; every fault at once.
    """

    concurrency: int = 16
    """How many probes at once; each may hold its place for the time its rule allows."""
    max_bytes: int = 1024 * 1024
    """How long an answer may be; a longer one counts as a failed probe."""
    ca_file: str = ""
    """Certificates (PEM) to trust instead of the system's."""

    def __post_init__(self) -> None:
        keys = ("concurrency", "max_bytes")
        if faults := [f"probes.{key}: must be more than 0" for key in keys if not getattr(self, key) > 0]:
            raise InvalidInput(*faults)


def url_fault(url: str) -> str:
    """What is wrong with an address to ask, or an empty text. The fault never quotes the address."""
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return "is not an address"
    if parts.scheme not in {"http", "https"} or not has_host:
        return "must look like https://host/path"
    if "@" in parts.netloc:
        return "must not carry a user or password; use basic_auth"
    return ""


def without_userinfo(url: str) -> str:
    """An address as it may be shown: without a user and password, should it carry them."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that cannot be read"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def secret_file(path: str) -> Secret:
    """A secret that is read from a file at each use, without the white space around it.

    Args:
        path: UTF-8 text. That it cannot be read is an `OSError` or `UnicodeError` at each `reveal`.
    """
    return Secret(functools.partial(_read, path))


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8").strip()
