"""The Helm chart, rendered by helm itself."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests
import yaml
from click.testing import CliRunner

import gated
from deploy import kubernetes
from deploy.kubernetes import CHART, KUSTOMIZE
from deploy.local import binaries, process
from deploy.local.gated import COMMAND
from deploy.local.process import HttpServer
from deploy.local.servers import PostgreSQL
from gated.cli.main import main
from gated.daemon import run as daemon
from gated.rulebook import load
from tests.kubernetes import (
    CASES,
    NEWEST,
    OLDEST,
    Object,
    assert_valid,
    changed,
    containers,
    files_of,
    helm,
    kinds,
    laid_out,
    objects,
    one,
    pods,
    refusal,
    render,
    told_by_check,
    values_of,
)

SECRETS = {
    "default": {},
    "postgresql": {"/etc/gated/secrets/gated-postgresql/password": "correct horse"},
    "everything": {
        "/etc/gated/secrets/prometheus/token": "planted-token",
        "/etc/gated/secrets/prometheus/password": "planted-password",
        "/etc/gated/ca/ca.crt": "a certificate",
    },
}
"""The files that the Secrets and extra volumes of each case would hold."""

pytestmark = pytest.mark.filterwarnings("ignore:.*jsonschema.RefResolver.*:DeprecationWarning")


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def rendered(case: str) -> list[Object]:
    return render(values_of(case))


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_object_is_one_that_kubernetes_takes(rendered: list[Object], version: str) -> None:
    for each in rendered:
        assert_valid(each, version)


def test_helm_finds_nothing_to_say_about_the_chart(case: str) -> None:
    ran = helm("lint", "--strict", str(CHART), values=values_of(case))
    assert ran.code == 0, ran.out
    assert "[WARNING]" not in ran.out


def test_gated_takes_its_configuration_and_rules(case: str, rendered: list[Object], tmp_path: Path) -> None:
    config = laid_out(rendered, tmp_path, SECRETS[case])
    (only,) = told_by_check(config)
    assert "warning: listen: gated has no authentication yet" in only
    assert load.load([tmp_path / "etc/gated/rules"]).faults == ()


def test_what_is_on_by_default() -> None:
    assert kinds(render(values_of("default"))) == [
        *("ConfigMap", "ConfigMap", "Deployment", "PersistentVolumeClaim", "Pod", "PodDisruptionBudget"),
        *("Service", "ServiceAccount"),
    ]


def test_what_can_be_switched_on() -> None:
    extra = {"Ingress", "NetworkPolicy", "ServiceMonitor", "PrometheusRule"}
    made = kinds(render(values_of("everything")))
    assert extra - ({"PrometheusRule"} if not kubernetes.alerts() else set()) <= set(made)
    assert made.count("ConfigMap") == 2 + len(kubernetes.dashboards())
    assert made.count("PrometheusRule") == len(kubernetes.alerts())


def test_what_can_be_switched_off() -> None:
    values = changed(
        "default",
        serviceAccount__create=False,
        podDisruptionBudget__enabled=False,
        store__sqlite__persistence=False,
        rules__existingConfigMap="my-rules",
        existingConfigMap="my-config",
        config={},
    )
    made = render(values)
    assert kinds(made) == ["Deployment", "Pod", "Service"]
    (pod, _) = pods(made)
    assert pod["serviceAccountName"] == "default"
    assert [volume.get("configMap", volume.get("emptyDir")) for volume in pod["volumes"]] == [
        {"name": "my-config"},
        {"name": "my-rules"},
        {},
        {"sizeLimit": "64Mi"},
    ]


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({}, None),
        ({"ingress__enabled": True, "ingress__host": "gate.example"}, "http://gate.example"),
        (
            {"ingress__enabled": True, "ingress__host": "gate.example", "ingress__tlsSecret": "certificate"},
            "https://gate.example",
        ),
        (
            {
                "ingress__enabled": True,
                "ingress__host": "gate.example",
                "config__external_url": "https://other.example",
            },
            "https://other.example",
        ),
    ],
    ids=["without an ingress", "plain", "with a certificate", "said otherwise"],
)
def test_gated_knows_under_which_name_the_ingress_serves_it(changes: Object, url: str | None) -> None:
    """The status page refuses what a browser sends to a name it does not know."""
    config = yaml.safe_load(files_of(render(changed("default", **changes)), "config")["gated.yaml"])
    assert config.get("external_url") == url
    assert config["sources"] == values_of("default")["config"]["sources"]


def test_every_pod_satisfies_the_restricted_pod_security_standard(rendered: list[Object]) -> None:
    for pod in pods(rendered):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert all("hostPath" not in volume for volume in pod.get("volumes", ()))
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["requests"]
            assert container["resources"]["limits"]["memory"]


def test_the_gate_is_replaced_and_never_doubled(rendered: list[Object]) -> None:
    spec = one(rendered, "Deployment")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_a_drain_is_never_held_up(rendered: list[Object]) -> None:
    assert one(rendered, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


def test_a_stop_is_given_the_time_the_daemon_takes(rendered: list[Object]) -> None:
    """Requests under way, then an evaluation in which a source has its whole timeout, and as long again to be sure."""
    (pod, _) = pods(rendered)
    needed = daemon._GRACE_SECONDS + 5  # the default timeout of a source
    assert pod["terminationGracePeriodSeconds"] >= 2 * needed


def test_selectors_find_the_gate_and_nothing_else(rendered: list[Object]) -> None:
    labels = one(rendered, "Deployment")["spec"]["template"]["metadata"]["labels"]
    test_labels = one(rendered, "Pod")["metadata"]["labels"]
    service = one(rendered, "Service")
    selectors = [
        one(rendered, "Deployment")["spec"]["selector"]["matchLabels"],
        one(rendered, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        service["spec"]["selector"],
        *(each["spec"]["podSelector"]["matchLabels"] for each in rendered if each["kind"] == "NetworkPolicy"),
    ]
    for selector in selectors:
        assert selector.items() <= labels.items()
        assert not selector.items() <= test_labels.items()
    for monitor in (each for each in rendered if each["kind"] == "ServiceMonitor"):
        assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()


def test_the_labels_of_a_release_survive_the_scrape() -> None:
    """The operator adds a label `service` of its own to every series; gated's says which service is rolled out."""
    (endpoint,) = one(render(values_of("everything")), "ServiceMonitor")["spec"]["endpoints"]
    assert endpoint["honorLabels"] is True


def test_alerts_find_the_gate_whatever_it_is_called() -> None:
    """They ask for the job `gated`; the operator would name it after the Service."""
    (endpoint,) = one(render(values_of("everything")), "ServiceMonitor")["spec"]["endpoints"]
    assert endpoint["relabelings"][0] == {"targetLabel": "job", "replacement": "gated"}
    for file in kubernetes.alerts():
        assert set(re.findall(r'job="([^"]*)"', file.read_text())) <= {"gated"}


def test_a_network_policy_without_peers_lets_in_the_namespace_and_no_more() -> None:
    """An empty list of peers would let in everybody."""
    spec = one(render(changed("default", networkPolicy__enabled=True)), "NetworkPolicy")["spec"]
    assert spec["policyTypes"] == ["Ingress"]
    assert spec["ingress"] == [{"ports": [{"port": "http", "protocol": "TCP"}], "from": [{"podSelector": {}}]}]


def test_a_network_policy_lets_in_its_peers_and_the_test_of_the_chart() -> None:
    made = render(values_of("everything"))
    (rule,) = one(made, "NetworkPolicy")["spec"]["ingress"]
    *peers, test = rule["from"]
    assert peers == values_of("everything")["networkPolicy"]["from"]
    assert test == {"podSelector": {"matchLabels": one(made, "Pod")["metadata"]["labels"]}}


def test_a_network_policy_that_limits_where_gated_goes_leaves_it_names() -> None:
    spec = one(render(values_of("everything")), "NetworkPolicy")["spec"]
    names, *others = spec["egress"]
    assert {(port["port"], port["protocol"]) for port in names["ports"]} == {(53, "UDP"), (53, "TCP")}
    assert (spec["policyTypes"], others) == (["Ingress", "Egress"], values_of("everything")["networkPolicy"]["egress"])


def test_no_secret_is_ever_in_an_object(rendered: list[Object]) -> None:
    """Passwords are files. Nothing is a Secret, nothing comes into an environment, and gated.yaml names files only."""
    assert "Secret" not in kinds(rendered)
    for container in (each for pod in pods(rendered) for each in containers(pod)):
        assert container.get("env", []) in ([], [{"name": "TZ", "value": "Europe/Berlin"}])
    for line in files_of(rendered, "config")["gated.yaml"].splitlines():
        if re.search("password|token", line, re.IGNORECASE) and not line.rstrip().endswith("X-Token:"):
            assert re.fullmatch(r" +(password|value)_file: /etc/gated/secrets/\S+", line)


PLANTED = "planted-s3cret"
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no image": ({"image__repository": ""}, "image.repository is not set: name the image"),
    "no configuration": ({"config": None}, "config.sources is not set"),
    "no source": ({"config": {}}, "config.sources is not set: gated must know which Prometheus to ask"),
    "two replicas": ({"replicas": 2}, "replicas is 2: one gated process watches one store"),
    "a name that no Service may have": ({"fullnameOverride": "Gate"}, "fullnameOverride.*not match pattern"),
    "half a replica": ({"replicas": 0.5}, "replicas.*integer"),
    "an unknown key": ({"imagee": {}}, "imagee.* not allowed"),
    "an unknown key of gated.yaml": ({"config__evaluation": "1s"}, "config.*evaluation.* not allowed"),
    "a key the chart writes": ({"config__listen": "0.0.0.0:80"}, "config.*listen.* not allowed"),
    "a bad duration": ({"config__evaluation_interval": "15 s"}, "evaluation_interval.*not match pattern"),
    "an empty duration": ({"config__evaluation_interval": ""}, "evaluation_interval.*(minLength|String length)"),
    "a bad digest": ({"image__digest": "latest"}, r"digest.*not match pattern '\^\$\|\^sha256:"),
    "two configurations": ({"existingConfigMap": "mine"}, "existingConfigMap and config are both set"),
    "two sets of rules": (
        {"rules__existingConfigMap": "mine", "rules__files": {"a.yaml": "version: 1"}},
        "rules.existingConfigMap and rules.files are both set",
    ),
    "a rule file that gated would not read": (
        {"rules__files": {"web.txt": "version: 1"}},
        "rules.files.*web.txt.* not allowed",
    ),
    "rules that are no text": ({"rules__files": {"a.yaml": {"version": 1}}}, "rules.files.a.yaml.*string"),
    "PostgreSQL nowhere": ({"store__kind": "postgresql"}, "store.postgresql.host is not set"),
    "PostgreSQL without a password": (
        {"store__kind": "postgresql", "store__postgresql__host": "db"},
        "store.postgresql.existingSecret is not set",
    ),
    "a shared volume": ({"store__sqlite__accessModes": ["ReadWriteMany"]}, "store.sqlite.accessModes.*ReadWriteOnce"),
    "a password of PostgreSQL": ({"store__postgresql__password": PLANTED}, "store.postgresql.*password.* not allowed"),
    "a password among parameters": (
        {"store__postgresql__parameters": {"password": PLANTED}},
        "(?i)property ?name.*password",
    ),
    "a password of Prometheus": (
        {"config__sources__default__basic_auth": {"username": "gated", "password": PLANTED}},
        "basic_auth.*password.* not allowed",
    ),
    "a password in an address": (
        {"config__sources__default__url": "http://gated:secret@prometheus:9090"},
        "config.sources.default.url.*not match pattern",
    ),
    "an ingress without a host": ({"ingress__enabled": True}, "ingress.host is not set"),
    "a grace shorter than the daemon's": ({"terminationGracePeriodSeconds": 5}, "terminationGracePeriodSeconds.*10"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_values_are_refused_and_the_message_says_why(wrong: str) -> None:
    changes, message = WRONG[wrong]
    told = refusal(changed("default", **changes))
    assert re.search(message, told), told
    assert PLANTED not in told


def test_rule_files_are_no_templates() -> None:
    """Prometheus and gated have braces of their own."""
    given = values_of("everything")["rules"]["files"]
    assert files_of(render(values_of("everything")), "rules") == given


@pytest.mark.parametrize("text", ["  indented: first\nversion: 1\n", "version: 1", "tab:\t1\r\n\n\n", "ü: {{ x }}\n"])
def test_a_rule_file_arrives_letter_by_letter(text: str) -> None:
    assert files_of(render(changed("default", rules__files={"a.yaml": text})), "rules") == {"a.yaml": text}


def _annotations(**changes: Any) -> Object:
    found: Object = one(render(changed("default", **changes)), "Deployment")["spec"]["template"]["metadata"]
    return dict(found["annotations"])


def test_another_configuration_restarts_the_gate() -> None:
    assert _annotations()["checksum/config"] != _annotations(config__retention="30d")["checksum/config"]


def test_other_rules_restart_the_gate_unless_they_are_to_be_reloaded() -> None:
    files = {"a.yaml": "version: 1\n"}
    assert _annotations()["checksum/rules"] != _annotations(rules__files=files)["checksum/rules"]
    kept = {"rules__restartOnChange": False}
    assert _annotations(**kept) == _annotations(**kept, rules__files=files)


def test_a_secret_is_mounted_once_and_nobody_else_on_the_node_reads_it() -> None:
    values = changed("postgresql", secretMounts=["other", "gated-postgresql"])
    for pod in pods(render(values))[:1]:
        secrets = [volume["secret"] for volume in pod["volumes"] if "secret" in volume]
        assert [secret["secretName"] for secret in secrets] == ["other", "gated-postgresql"]
        assert {secret["defaultMode"] for secret in secrets} == {0o440}
        for container in containers(pod):
            paths = [mount["mountPath"] for mount in container["volumeMounts"]]
            assert len(set(paths)) == len(paths)
            assert {"/etc/gated/secrets/other", "/etc/gated/secrets/gated-postgresql"} <= set(paths)


@pytest.mark.parametrize("release", ["gated", "shop", "a-release-with-a-very-long-name-that-helm-still-takes"])
def test_names_of_releases_do_not_collide_and_are_short_enough(release: str) -> None:
    made = render(changed("everything", fullnameOverride=""), release=release)
    names = [(each["kind"], each["metadata"]["name"]) for each in made]
    assert len(set(names)) == len(names)
    for kind, name in names:
        assert "gated" in name or len(release) > 50 or kind == "ServiceAccount"
        assert len(name) <= (63 if kind in {"Service", "Pod"} else 253)


def test_chart_and_daemon_are_of_one_version() -> None:
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == gated.__version__


def test_a_digest_comes_before_the_tag() -> None:
    (pod, _) = pods(render(values_of("everything")))
    assert pod["containers"][0]["image"].startswith("registry.example/gated@sha256:")


def test_the_notes_say_what_to_do_next_and_what_to_beware_of(tmp_path: Path) -> None:
    """Helm shows them only to those who install into a cluster, so a template of a copy of the chart takes them in."""
    chart = shutil.copytree(CHART, tmp_path / "gated")
    taken = 'kind: Notes\ntext: {{ include (print .Template.BasePath "/NOTES.txt") . | quote }}\n'
    (chart / "templates/notes.yaml").write_text(taken)
    values = changed("default", store__sqlite__persistence=False, replicas=0)
    ran = helm("template", "gated", str(chart), "--namespace", "shop", values=values)
    assert ran.code == 0, ran.told
    (notes,) = (each["text"] for each in objects(ran.out) if each["kind"] == "Notes")
    for said in (
        "kubectl -n shop port-forward service/gated 9911:9911",
        "http://gated.shop.svc:9911",
        "gated release start",
        "starter rules",
        "replicas is 0",
        "forgets all releases",
        "gated has no authentication yet",
    ):
        assert said in notes


def test_copies_and_tables_are_current() -> None:
    """Run `make docs` after alerts, dashboards, gated.yaml's keys or the values changed."""
    assert kubernetes.stale() == []


def test_new_changed_and_removed_sources_make_the_copies_stale(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copies = [CHART / "files/alerts/extra.rules.yaml", KUSTOMIZE / "components/prometheus-operator/alerts/extra.yaml"]
    assert not any(copy in kubernetes.stale() for copy in copies)
    (tmp_path / "extra.rules.yaml").write_text("groups: []\n")
    monkeypatch.setattr(kubernetes, "alerts", lambda: [tmp_path / "extra.rules.yaml"])
    assert set(copies) <= set(kubernetes.stale())
    monkeypatch.setattr(kubernetes, "_copies", lambda: iter([CHART / "files/dashboards/gone.json"]))
    assert CHART / "files/dashboards/gone.json" in kubernetes.stale()


def test_every_value_is_described_and_nothing_else_is_allowed() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    jsonschema.validate(values, schema)

    def undescribed(properties: Object, values: Object, prefix: str) -> Iterator[str]:
        yield from (f"{prefix}{key}" for key in {*properties, *values} - {"global"} if key not in properties)
        for key, known in properties.items():
            if not known.get("description") or (key not in values and key != "global"):
                yield f"{prefix}{key}"
            if "properties" in known:
                assert known["additionalProperties"] is False
                yield from undescribed(known["properties"], values[key], f"{prefix}{key}.")

    assert list(undescribed(schema["properties"], values, "")) == []


ALERT = """\
# A comment.
groups:
  - name: sample
    rules:
      - alert: Sample
        expr: up{job="gated"} == 0
        for: 2m
        annotations:
          summary: "{{ $labels.instance }} has {{ .Values.nothing }}"
          description: |
            {{ range query "up" }}{{ .Labels.job }}{{ end }}
          runbook_url: https://gated.example/runbooks/Sample
"""


@pytest.mark.parametrize("url", ["", "https://wiki.example/run/", "https://wiki.example/run"])
def test_only_the_address_of_the_runbooks_is_put_into_an_alert(url: str, tmp_path: Path) -> None:
    chart = shutil.copytree(CHART, tmp_path / "gated")
    (chart / "files/alerts").mkdir(exist_ok=True)
    (chart / "files/alerts/sample.rules.yaml").write_text(ALERT)
    values = changed("everything", prometheusRule__runbooksUrl=url)
    ran = helm("template", "gated", str(chart), values=values)
    assert ran.code == 0, ran.told
    made = one(objects(ran.out), "PrometheusRule", "release-gate-sample")
    assert_valid(made, NEWEST)
    there = "https://wiki.example/run/Sample" if url else "https://gated.example/runbooks/Sample"
    assert made["spec"] == yaml.safe_load(ALERT.replace("https://gated.example/runbooks/Sample", there))


def test_a_dashboard_keeps_its_braces(tmp_path: Path) -> None:
    chart = shutil.copytree(CHART, tmp_path / "gated")
    (chart / "files/dashboards").mkdir(exist_ok=True)
    text = '{\n  "legendFormat": "{{service}} <&> {{ .Values.x }}",\n  "title": "$service \\n \\u00e9"\n}\n'
    (chart / "files/dashboards/sample.json").write_text(text)
    ran = helm("template", "gated", str(chart), values=values_of("everything"))
    assert ran.code == 0, ran.told
    made = one(objects(ran.out), "ConfigMap", "release-gate-dashboard-sample")
    assert made["data"] == {"sample.json": text}
    assert made["metadata"]["namespace"] == "monitoring"
    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_alerts_reach_the_operator_as_they_were_written(tmp_path: Path) -> None:
    """Their templates are Prometheus', so helm leaves every brace alone; promtool takes what it made."""
    made = [each for each in render(values_of("everything")) if each["kind"] == "PrometheusRule"]
    assert [each["spec"] for each in made] == [yaml.safe_load(file.read_text()) for file in kubernetes.alerts()]
    for each in made:
        file = tmp_path / f"{each['metadata']['name']}.yaml"
        file.write_text(yaml.safe_dump(each["spec"]))
        promtool = binaries.find("promtool")
        subprocess.run([str(promtool.path), "check", "rules", str(file)], check=True, capture_output=True)
        assert each["metadata"]["labels"]["release"] == "kube-prometheus-stack"


def test_dashboards_reach_the_sidecar_as_they_were_written() -> None:
    made = [
        each
        for each in render(values_of("everything"))
        if each["kind"] == "ConfigMap" and "grafana_dashboard" in each["metadata"]["labels"]
    ]
    texts = {name: text for each in made for name, text in each["data"].items()}
    assert texts == {file.name: file.read_text() for file in kubernetes.dashboards()}
    assert {each["metadata"]["namespace"] for each in made} <= {"monitoring"}


class Pod(HttpServer):
    """The gate as a pod would run it: the rendered command on the rendered files.

    Args:
        directory: stands for the root of the pod.
        made: the rendered objects.
        secrets: as for `laid_out`.
    """

    name = "gated"

    def __init__(self, directory: Path, made: list[Object], secrets: dict[str, str]) -> None:
        self._file = laid_out(made, directory, secrets)
        (pod, *_) = pods(made)
        self._container = pod["containers"][0]
        super().__init__(directory)

    def _command(self) -> list[str]:
        config = self._file.read_text()
        (declared,) = self._container["ports"]
        self._file.write_text(config.replace(f"0.0.0.0:{declared['containerPort']}", f"127.0.0.1:{self.port}"))
        return command(self._container, self._file)


def command(container: Object, config: Path) -> list[str]:
    """A container's command line on this machine."""
    assert container["command"] == ["gated"]
    return [COMMAND, *(str(config) if each == "/etc/gated/config/gated.yaml" else each for each in container["args"])]


def test_the_gate_of_the_chart_runs_and_answers_though_no_prometheus_is_there(tmp_path: Path) -> None:
    """A dead Prometheus restarts nobody and takes nobody off the Service: the gate must be there to say hold."""
    made = render(changed("default", config__sources__default__url=f"http://127.0.0.1:{process.free_port()}"))
    container = pods(made)[0]["containers"][0]
    (test,) = one(made, "Pod")["spec"]["containers"]
    service = one(made, "Service")
    assert test["args"][-1] == f"http://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}"
    with Pod(tmp_path, made, {}) as pod:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert requests.get(f"{pod.url}{container[probe]['httpGet']['path']}", timeout=5).status_code == 200
        asked = CliRunner().invoke(main, [*test["args"][:-1], pod.url])
        assert asked.exit_code == 0, asked.output


def test_on_postgresql_the_tables_are_made_before_the_gate_starts(postgres: PostgreSQL, tmp_path: Path) -> None:
    parts = re.fullmatch(r"postgresql\+psycopg://(.*?)(?::(.*))?@(.*):(\d+)/(.*)", postgres.create_database())
    assert parts is not None
    user, password, host, port, database = parts.groups()
    values = changed(
        "postgresql",
        store__postgresql__host=host,
        store__postgresql__port=int(port),
        store__postgresql__user=user,
        store__postgresql__database=database,
        store__postgresql__parameters={"application_name": "the gate & its tables", "sslmode": "prefer"},
    )
    made = render(values)
    secrets = {"/etc/gated/secrets/gated-postgresql/password": password or "unused"}
    (upgrade,) = pods(made)[0]["initContainers"]
    before = tmp_path / "before"
    before.mkdir()
    done = subprocess.run(
        command(upgrade, laid_out(made, before, secrets)), capture_output=True, text=True, check=False
    )
    assert "it was empty" in done.stdout, done.stderr
    after = tmp_path / "after"
    after.mkdir()
    with Pod(after, made, secrets) as pod:
        assert requests.get(f"{pod.url}/-/ready", timeout=5).json()["ready"] is True


def test_objects_reads_what_helm_writes() -> None:
    assert objects("---\n# nothing\n---\nkind: Pod\n") == [{"kind": "Pod"}]
