"""Where the dashboards' links to the status page lead."""

import pytest

from grafana import files
from tests.conftest import StartPrometheus
from tests.fakes.grafana import Grafana

_AT = 1_700_000_000


@pytest.mark.parametrize(
    ("labels", "address"),
    [
        ('external_url="https://gated.example/gate/"', "https://gated.example/gate/?"),
        ('external_url="https://gated.example"', "https://gated.example/?"),
        ("", "http://10.0.0.1:9911/?"),
    ],
    ids=["a path and a slash", "no slash", "no address: where it is scraped"],
)
def test_the_status_page_is_where_the_settings_say(prometheus: StartPrometheus, labels: str, address: str) -> None:
    told = ",".join(filter(None, ('instance="10.0.0.1:9911",job="gated"', labels)))
    server = prometheus(history=f"# TYPE gated_config_info gauge\ngated_config_info{{{told}}} 1 {_AT}\n# EOF\n")
    chosen = {"service": "shop/checkout+eu", "environment": "production"}
    grafana = Grafana(server.url, files.dashboards()["release"], _AT - 600, _AT + 1, chosen)
    (page,) = (link["url"] for link in grafana.dashboard["links"] if link["title"] == "Status page")
    assert grafana.link(page) == f"{address}service=shop%2Fcheckout%2Beu&environment=production"
