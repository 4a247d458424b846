"""gated.yaml: what it says, what it cannot say, and that no secret in it or near it is ever shown."""

import dataclasses
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from gated.daemon import settings
from gated.daemon.settings import Settings
from gated.daemon.settings_schema import ConfigFile
from gated.model.errors import Unavailable
from gated.model.ids import SourceName
from gated.rulebook.schema import json_schema
from gated.sources.settings import Access, Identity, ProbeSettings, SourceKind, SourceSettings

PASSWORD = "hunter2/@:é"  # noqa: S105 - planted, to look for it in everything that is shown
RULES = "rules: [rules.yaml]\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a rule file and a password."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.yaml").write_text("version: 1\nrules:\n  up: {kind: value, query: up, below: 1, for: 1m}\n")
    secret = tmp_path / "password"
    secret.write_text(f"{PASSWORD}\n")
    secret.chmod(0o600)
    return tmp_path


def load(text: str) -> settings.Loaded:
    Path("gated.yaml").write_text(text)
    return settings.load(Path("gated.yaml"))


def loaded(text: str) -> Settings:
    result = load(text)
    assert result.settings is not None, [str(fault) for fault in result.faults]
    return result.settings


def faults_of(text: str) -> list[str]:
    return [str(fault).removeprefix("gated.yaml:") for fault in load(text).faults]


def test_everything_but_the_rules_has_a_default() -> None:
    assert loaded(RULES) == Settings(
        listen_host="127.0.0.1",
        listen_port=9911,
        external_url="",
        evaluation_interval_seconds=15.0,
        rules=(Path("rules.yaml"),),
        store=settings.StoreAddress("sqlite:///gated.db"),
        sources=(),
        probes=ProbeSettings(),
        retention_seconds=90 * 86400.0,
        has_reload_endpoint=False,
        log_format="auto",
        log_level="info",
    )


def test_a_source_has_the_defaults_of_the_sources() -> None:
    (source,) = loaded(f"{RULES}sources: {{default: {{url: http://127.0.0.1:9090}}}}\n").sources
    assert source == SourceSettings(SourceName("default"), "http://127.0.0.1:9090")


def test_every_key_is_read() -> None:
    for name in ("ca.pem", "cert.pem", "key.pem"):
        Path(name).write_text("-----BEGIN-----")
        Path(name).chmod(0o600)
    text = """\
listen: "[::1]:0"
external_url: https://gated.example/
evaluation_interval: 5s
rules: [rules.yaml, .]
store: sqlite:////var/lib/gated/gated.db
sources:
  default:
    kind: prometheus
    url: https://prometheus.example/tenant
    timeout: 4s
    expect: {labels: {cluster: prod-eu}, query: up}
    headers: {X-Scope-OrgID: team-a, X-Key: {value_file: password}}
    basic_auth: {username: gated, password_file: password}
    tls: {ca_file: ca.pem, cert_file: cert.pem, key_file: key.pem}
    max_clock_skew: 10s
    settle: 12s
    concurrency: 4
    max_response_size: 64MiB
  alerts: {kind: alertmanager, url: "http://127.0.0.1:9093", bearer_token_file: password}
probes: {concurrency: 2, max_response_size: 512KiB, ca_file: ca.pem}
retention: 30d
reload_endpoint: true
log: {format: json, level: warning}
"""
    config = loaded(text)
    default, alerts = config.sources
    assert default.access.basic_auth is not None
    assert default.access.basic_auth.username == "gated"
    assert default.access.basic_auth.password.reveal() == PASSWORD
    assert {key: value.reveal() for key, value in default.access.headers.items()} == {
        "X-Scope-OrgID": "team-a",
        "X-Key": PASSWORD,
    }
    assert dataclasses.replace(default, access=Access()) == SourceSettings(
        name=SourceName("default"),
        url="https://prometheus.example/tenant",
        timeout_seconds=4.0,
        max_bytes=64 * 1024 * 1024,
        concurrency=4,
        expect=Identity({"cluster": "prod-eu"}, "up"),
        max_clock_skew_seconds=10.0,
        settle_seconds=12.0,
    )
    access = default.access
    assert (access.ca_file, access.cert_file, access.key_file) == ("ca.pem", "cert.pem", "key.pem")
    assert alerts.kind is SourceKind.ALERTMANAGER
    assert alerts.access.bearer_token is not None
    assert alerts.access.bearer_token.reveal() == PASSWORD
    assert dataclasses.replace(config, sources=()) == Settings(
        listen_host="::1",
        listen_port=0,
        external_url="https://gated.example/",
        evaluation_interval_seconds=5.0,
        rules=(Path("rules.yaml"), Path()),
        store=settings.StoreAddress("sqlite:////var/lib/gated/gated.db"),
        sources=(),
        probes=ProbeSettings(concurrency=2, max_bytes=512 * 1024, ca_file="ca.pem"),
        retention_seconds=30 * 86400.0,
        has_reload_endpoint=True,
        log_format="json",
        log_level="warning",
    )
    jsonschema.validate(yaml.safe_load(text), json_schema(ConfigFile), cls=jsonschema.Draft202012Validator)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "gated.yaml").write_text("rules: [../rules.yaml]\nstore: sqlite:///state/gated.db\n")
    config = settings.load(Path("etc/gated.yaml")).settings
    assert config is not None
    assert config.rules == (Path("etc/../rules.yaml"),)
    assert config.store_url == "sqlite:///etc/state/gated.db"
    assert config.upgrades_store


def test_a_timeout_that_nobody_wrote_is_no_longer_than_an_evaluation() -> None:
    (source,) = loaded(f"{RULES}evaluation_interval: 1s\nsources: {{default: {{url: http://x}}}}\n").sources
    assert source.timeout_seconds == 1.0


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        pytest.param("listen: 127.0.0.1", "1:9: listen", "write host:port", id="no port"),
        pytest.param("listen: 127.0.0.1:99110", "1:9: listen", "is not an address to listen on", id="no such port"),
        pytest.param("listn: x", "1:1: listn", "unknown key (did you mean listen?); allowed: ", id="unknown key"),
        pytest.param("evaluation_interval: 500ms", "1:22: evaluation_interval", "at least 1s", id="too often"),
        pytest.param("retention: 1h", "1:12: retention", "1h is too short; at least 1d", id="no retention"),
        pytest.param("reload_endpoint: on", "1:18: reload_endpoint", "'on' is neither true nor false", id="on"),
        pytest.param("log: {level: trace}", "1:14: log.level", "allowed: debug, info, warning, error", id="no level"),
        pytest.param("log: json", "1:6: log", "text where a mapping is due; its keys: format, level", id="text"),
        pytest.param("store: mysql://h/d", "1:8: store", "not the address of a database that gated can", id="mysql"),
        pytest.param("store: sqlite://", "1:8: store", "not the address of an SQLite file", id="in memory"),
        pytest.param("store: postgresql://h", "1:8: store", "no database is named", id="no database"),
        pytest.param(
            "store: {url: postgresql://h/d, password_file: password}",
            "1:47: store.password_file",
            "a password without its user",
            id="a password of nobody",
        ),
        pytest.param(
            "store: {url: postgresql://u@h/d, password_file: gone}",
            "1:49: store.password_file",
            "gone cannot be read: No such file or directory",
            id="no password file",
        ),
        pytest.param("sources: {Main: {url: http://x}}", "1:11: sources.Main", "'Main' is not a name", id="no name"),
        pytest.param("sources: {a: {}}", "1:11: sources.a", "url is missing: Its address", id="no address"),
        pytest.param("sources: {a: {url: x}}", "1:20: sources.a.url", "write it as https://host/path", id="text"),
        pytest.param("sources: {a: {url: 'http://x/?y'}}", "1:20: sources.a.url", "leave out ? and #", id="a query"),
        pytest.param("probes: {ca_file: gone}", "1:19: probes.ca_file", "gone cannot be read", id="no certificates"),
    ],
)
def test_what_it_cannot_say_is_told_at_its_place(text: str, place: str, message: str) -> None:
    (fault,) = faults_of(f"{text}\n{RULES}")
    assert fault.startswith(f"{place}: ")
    assert message in fault


@pytest.mark.parametrize(
    ("keys", "place", "message"),
    [
        pytest.param(
            "kind: loki", "2:9 kind", "'loki' is not a kind of source; allowed: prometheus, alertm", id="kind"
        ),
        pytest.param("timeout: 0s", "2:12 timeout", "must be longer than 0", id="no time"),
        pytest.param("settle: 10m", "2:11 settle", "at most 5m", id="never settled"),
        pytest.param("max_response_size: 32MB", "2:22 max_response_size", "write it as 512KiB or 32MiB", id="unit"),
        pytest.param("max_response_size: 2GiB", "2:22 max_response_size", "at most 1GiB", id="too large"),
        pytest.param("concurrency: 0", "2:16 concurrency", "is not a whole number from 1 to 256", id="no requests"),
        pytest.param("expect: {query: 'up[5m]'}", "2:19 expect.query", "an instant vector is due here", id="no vector"),
        pytest.param("expect: {labels: {}}", "2:12 expect.labels", "at least one is needed", id="no labels"),
        pytest.param(
            "tls: {key_file: password}", "2:19 tls.key_file", "a key without its certificate", id="only a key"
        ),
        pytest.param("headers: {a b: x}", "2:13 headers.a b", "is not the name of an HTTP header", id="no header"),
        pytest.param('headers: {A: "x\\ny"}', "2:16 headers.A", "printable ASCII characters only", id="two headers"),
        pytest.param(
            "headers: {Authorization: x}",
            "2:13 headers.Authorization",
            "credentials do not belong here; use basic_auth or bearer_token_file",
            id="a credential in a header",
        ),
        pytest.param(
            "basic_auth: {username: u, password_file: password, password: p}",
            "2:54 basic_auth.password",
            "unknown key; allowed: username, password_file",
            id="a password in the file",
        ),
        pytest.param(
            "bearer_token_file: password, basic_auth: {username: u, password_file: password}",
            "2:22 bearer_token_file",
            "cannot be used together with basic_auth",
            id="two credentials",
        ),
        pytest.param(
            "kind: alertmanager, expect: {query: up}",
            "2:23 expect",
            "an Alertmanager has nothing to be known by",
            id="an identity of an Alertmanager",
        ),
    ],
)
def test_what_a_source_cannot_be_is_told_at_its_place(keys: str, place: str, message: str) -> None:
    position, _, key = place.partition(" ")
    (fault,) = faults_of(f"sources: {{a: {{url: http://x,\n  {keys}}}}}\n{RULES}")
    assert fault.startswith(f"{position}: sources.a.{key}: ")
    assert message in fault


def test_all_faults_come_at_once_and_in_reading_order() -> None:
    text = "listen: here\nrules: [nowhere, rules.yaml]\nstore: mysql://x\nlog: {level: loud}\nlisten: there\n"
    assert [fault.partition(" ")[0] for fault in faults_of(text)] == ["1:9:", "2:9:", "3:8:", "4:14:", "5:1:"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"store: 'postgresql://u:{PASSWORD}@h/d'\n", id="store"),
        pytest.param(f"store: 'postgresql://u@h/d?password={PASSWORD}'\n", id="store, as a parameter"),
        pytest.param(f"store: {{url: 'mysql://u:{PASSWORD}@h/d'}}\n", id="store of another kind"),
        pytest.param(f"store: ['postgresql://u:{PASSWORD}@h/d']\n", id="store in a list"),
        pytest.param(f"sources: {{a: {{url: 'http://u:{PASSWORD}@h/'}}}}\n", id="source"),
        pytest.param(f"sources: {{a: {{url: http://h, headers: {{A: '{PASSWORD}'}}}}}}\n", id="header"),
        pytest.param(f"sources: {{a: {{url: http://h, headers: {{Cookie: '{PASSWORD}'}}}}}}\n", id="cookie"),
        pytest.param(f"sources: {{a: {{url: http://h, bearer_token: '{PASSWORD}'}}}}\n", id="token in the file"),
        pytest.param(f"external_url: 'http://u:{PASSWORD}@h/'\n", id="external address"),
    ],
)
def test_a_secret_that_does_not_belong_here_is_refused_and_not_repeated(text: str) -> None:
    faults = faults_of(RULES + text)
    assert faults
    assert "hunter2" not in "".join(faults)


def test_no_secret_shows_in_the_settings() -> None:
    config = loaded(
        f"{RULES}store: {{url: 'postgresql+psycopg://gated@db/gated?sslmode=require', password_file: password}}\n"
        "sources: {default: {url: http://x, bearer_token_file: password, headers: {X-Scope-OrgID: tenant-7}}}\n"
    )
    assert "hunter2" not in repr(config)
    assert "tenant-7" not in repr(config)
    assert config.store_url == "postgresql+psycopg://gated:hunter2%2F%40%3A%C3%A9@db/gated?sslmode=require"
    assert not config.upgrades_store


def test_a_password_that_went_away_is_a_neighbour_that_cannot_be_reached() -> None:
    config = loaded(f"{RULES}store: {{url: 'postgresql://gated@db/gated', password_file: password}}\n")
    Path("password").unlink()
    with pytest.raises(Unavailable, match="the file with the password cannot be read"):
        _ = config.store_url


def test_a_secret_that_is_empty_or_open_to_everybody_is_told() -> None:
    Path("empty").write_text(" \n")
    Path("empty").chmod(0o600)
    Path("open").write_text("x")
    Path("open").chmod(0o644)
    template = "sources: {{a: {{url: http://x, bearer_token_file: {file}}}}}\n"
    assert faults_of(template.format(file="empty") + RULES) == ["1:49: sources.a.bearer_token_file: empty is empty"]
    result = load(template.format(file="open") + RULES)
    (warning,) = result.faults
    assert result.settings is not None
    assert not warning.is_error
    assert "everybody on this machine may read it" in warning.message


@pytest.mark.parametrize(
    ("listen", "is_warned"),
    [
        pytest.param("127.0.0.1:1", False, id="loopback"),
        pytest.param("'[::1]:1'", False, id="loopback, IPv6"),
        pytest.param("localhost:1", False, id="loopback, by name"),
        pytest.param("0.0.0.0:1", True, id="everywhere"),
        pytest.param("gated.example:1", True, id="by another name"),
    ],
)
def test_listening_to_other_machines_is_a_warning(listen: str, is_warned: bool) -> None:
    result = load(f"{RULES}listen: {listen}\n")
    assert result.settings is not None
    assert [fault.key for fault in result.faults] == (["listen"] if is_warned else [])


def test_a_timeout_longer_than_an_evaluation_is_a_warning() -> None:
    result = load(f"{RULES}sources: {{default: {{url: http://x, timeout: 16s}}}}\n")
    assert result.settings is not None
    assert [fault.key for fault in result.faults] == ["sources.default.timeout"]


def test_rules_are_checked_against_the_sources() -> None:
    assert loaded(f"{RULES}sources: {{default: {{url: http://x}}}}\n").load_rules()[0] is not None
    rulebook, faults = loaded(f"{RULES}sources: {{thanos: {{url: http://x}}}}\n").load_rules()
    assert rulebook is None
    assert faults == ("rules.yaml:3:3: rules.up.source: there is no source 'default'; there is: thanos",)
    config = loaded(f"{RULES}sources: {{default: {{kind: alertmanager, url: http://x}}}}\n")
    assert "answers alerts rules only, not value rules" in config.load_rules()[1][0]


def test_every_key_is_explained() -> None:
    told = settings.explain()
    assert "listen (an address to listen on; default 127.0.0.1:9911)\n" in told
    assert "sources.<name>.tls.ca_file (the path of a file; optional)\n" in told
    assert "probes (a mapping; optional)\n    How HTTP probes are made.\n" in told
    for line, after in zip(told.splitlines(), told.splitlines()[1:], strict=False):
        if line.endswith(")") and not line.startswith(" "):
            assert after.startswith("    "), f"{line} says nothing"


def test_the_schema_of_the_file_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema(ConfigFile))


@given(
    st.text(max_size=80) | st.sampled_from(["store", "listen", "sources", "log"]).map(lambda key: f"{key}: {{a: [b]}}")
)
@examples(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_ever_raises_anything(text: str) -> None:
    Path("gated.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    result = settings.load(Path("gated.yaml"))
    assert result.settings is not None or result.faults


def test_a_file_that_is_not_there_is_a_fault() -> None:
    assert [str(fault) for fault in settings.load(Path("gone.yaml")).faults] == [
        "gone.yaml:1:1: cannot be read: No such file or directory"
    ]
