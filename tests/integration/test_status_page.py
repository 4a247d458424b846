"""The status page over real HTTP: what it shows, what can be done there, and who may not."""

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from gated.model.ids import Actor, ReleaseId
from gated.operations import releases
from tests.serving import ServedGate

BECAUSE = {"name": "ada", "reason": "waiting for the database"}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedGate]:
    with ServedGate(tmp_path, external_url="https://gated.example") as gate:
        yield gate


def baking(served: ServedGate, looks: int = 5, **changes: str) -> str:
    """A release whose first stage has been looked at."""
    release = served.open(**changes)
    served.start(release)
    served.tick(looks)
    return release


def page(served: ServedGate, path: str, status: int = 200) -> str:
    answer = requests.get(served.url + path, timeout=10)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return answer.text


def act(served: ServedGate, release: str, deed: str, form: dict[str, str], **headers: str) -> requests.Response:
    """What a browser sends when a person presses the button."""
    sent = {"Sec-Fetch-Site": "same-origin", "Origin": served.url, **headers}
    address = f"{served.url}/releases/{release}/{deed}"
    return requests.post(address, data=form, headers=sent, timeout=10, allow_redirects=False)


def services(text: str) -> list[str]:
    """The services of the releases listed as under way, in order."""
    return re.findall(r">(\w[\w-]*) <span class=\"version\">", text.split('id="ended"', maxsplit=1)[0])


# --- the board --------------------------------------------------------------------------------------------------


def test_an_empty_board_says_how_to_begin(served: ServedGate) -> None:
    assert "gated release start" in page(served, "/")


def test_the_worst_releases_stand_first(served: ServedGate) -> None:
    served.open(service="asleep")
    served.world.error_share = 0.5
    baking(served, 40, service="broken")
    served.world.error_share = 0.0
    baking(served, service="all-fine")
    text = page(served, "/")
    assert services(text) == ["broken", "all-fine", "asleep"]
    assert "error-rate: 50 % of 6,000 were bad" in text


def test_a_blind_gate_is_called_blind(served: ServedGate) -> None:
    release = baking(served)
    served.world.is_dark = True
    served.tick(2)
    for path in ("/", f"/releases/{release}"):
        assert "</svg>blind</span>" in page(served, path)


def test_a_row_names_a_rule_by_what_it_says_not_by_how_near_its_limit_is(served: ServedGate) -> None:
    """Every target that is up is as near to the limit of 1 as can be."""
    served.world.error_share = 0.01
    baking(served, 1)
    assert '<span class="faint">error-rate 1 %, limit 2 %</span>' in page(served, "/")


def test_the_board_can_be_narrowed_down(served: ServedGate) -> None:
    baking(served, service="cart")
    baking(served, service="carts-legacy", environment="staging")
    served.open(service="search")
    assert services(page(served, "/?service=cart")) == ["cart", "carts-legacy"]
    assert services(page(served, "/?service=cart&environment=staging")) == ["carts-legacy"]
    assert services(page(served, "/?state=ended")) == ["search"]
    assert "None of the 3 releases under way is like that" in page(served, "/?service=nobody")


@pytest.mark.parametrize("query", ["page=0", "page=x", "page=99999999", "page=²", "state=nope", "environment=<b>"])
def test_an_address_somebody_made_up_shows_a_board(served: ServedGate, query: str) -> None:
    served.open()
    assert "<b>" not in page(served, f"/?{query}").split("environment")[-1].split("</select>")[0]


def test_many_releases_are_shown_in_pages(served: ServedGate) -> None:
    for number in range(101):
        served.open(service=f"service-{number:03}")
    first, second = page(served, "/"), page(served, "/?page=2")
    assert len(services(first)) == 100
    assert services(second) == ["service-100"]
    assert 'href="?page=2"' in first


def test_beyond_the_last_page_is_the_last_page(served: ServedGate) -> None:
    """A watched page outlives the releases that filled it, and must not say that nothing is being rolled out."""
    served.open()
    text = page(served, "/?page=2")
    assert services(text) == ["checkout"]
    assert "Nothing is being rolled out" not in text


def test_ended_releases_are_listed_newest_first_and_go_on(served: ServedGate) -> None:
    for number in range(25):
        release = served.open(version=f"v{number + 2}")
        served.post(f"/api/v1/releases/{release}/abort", {"reason": "enough"})
        served.now += 60
    text = page(served, "/")
    assert re.findall(r"version\">v(\d+)<", text)[:2] == ["26", "25"]
    older = re.search(r'href="(\?before=[^"]+)">older', text)
    assert older is not None
    assert re.findall(r"version\">v(\d+)<", page(served, f"/{older[1]}")) == ["6", "5", "4", "3", "2"]


# --- a release --------------------------------------------------------------------------------------------------


def test_a_release_shows_its_verdict_its_rules_and_its_history(served: ServedGate) -> None:
    release = baking(served, 40)
    text = page(served, f"/releases/{release}")
    document = served.verdict(release)
    assert document["reason"] in text
    for rule in document["rules"]:
        assert f'id="rule-{rule["rule"]}"' in text
        assert rule["reason"] in text
    assert text.count("<svg viewBox") == 1 + len(document["rules"])
    assert "release opened" in text


def test_a_long_story_is_cut_on_the_page_and_whole_in_the_report(served: ServedGate) -> None:
    release = ReleaseId(baking(served))
    for _ in range(160):
        releases.pause(served.gate, release, Actor("ada"), "", served.now)
        releases.resume(served.gate, release, Actor("ada"), "", served.now)
    shown, report = page(served, f"/releases/{release}"), page(served, f"/releases/{release}/report")
    assert "release opened" not in shown
    assert "the full record" in shown
    assert "release opened" in report
    assert report.count("release paused") == 160
    assert "the full record" not in report


def test_a_query_is_linked_to_its_source_unchanged(served: ServedGate) -> None:
    release = baking(served)
    asked = {rule["query"] for rule in served.verdict(release)["rules"] if "increase" in rule["query"]}
    links = re.findall(r'href="(https://prometheus\.example/graph[^"]+)"', page(served, f"/releases/{release}"))
    shown = {parse_qs(urlsplit(link.replace("&amp;", "&")).query)["g0.expr"][0] for link in links}
    assert asked
    assert asked <= shown


def test_an_unknown_release_is_a_page_that_says_so(served: ServedGate) -> None:
    assert "there is no release" in page(served, "/releases/nope", 404)
    assert "there is no release" in page(served, "/releases/nope/report", 404)


def test_what_others_wrote_is_shown_as_text(served: ServedGate) -> None:
    release = baking(served)
    served.post(f"/api/v1/releases/{release}/pause", {"reason": "<script>alert(1)</script>"})
    for path in (f"/releases/{release}", f"/releases/{release}/report"):
        text = page(served, path)
        assert "&lt;script&gt;alert(1)" in text
        assert "<script>alert" not in text


def test_a_page_loads_nothing_from_elsewhere(served: ServedGate) -> None:
    release = baking(served)
    for path in ("/", f"/releases/{release}", f"/releases/{release}/report"):
        text = page(served, path)
        assert not re.findall(r'(?:src|action)="(?:https?:)?//', text)
        assert not re.findall(r"<link[^>]+//", text)
        policy = served.get(path).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "style=" not in text
        assert "onclick" not in text


def test_every_link_of_every_page_leads_somewhere(served: ServedGate) -> None:
    """They are relative: under whatever path a proxy serves the pages, they stay there."""
    release = baking(served)
    for path in ("/", f"/releases/{release}", f"/releases/{release}/report", f"/api/v1/releases/{release}/report.html"):
        for link in set(re.findall(r'(?:href|src)="([^"#]+)"', page(served, path))):
            if link.startswith("https://"):
                continue
            assert not link.startswith("/"), link
            address = requests.compat.urljoin(served.url + path, link)
            assert requests.get(address, timeout=10).status_code == 200, (path, link)


def test_assets_may_be_kept_for_ever_under_an_address_of_their_content(served: ServedGate) -> None:
    address = re.findall(r'href="\./(static/gated\.css\?\w+)"', page(served, "/"))[0]
    answer = served.get(f"/{address}")
    assert "immutable" in answer.headers["Cache-Control"]
    assert served.get("/static/nope.css").status_code == 404
    assert served.get("/static/..%2Froutes.py").status_code == 404


# --- what people do ---------------------------------------------------------------------------------------------


def test_a_person_pauses_resumes_and_aborts_with_name_and_reason(served: ServedGate) -> None:
    release = baking(served)
    for deed, phase in (("pause", "baking"), ("resume", "baking"), ("abort", "aborted")):
        answer = act(served, release, deed, BECAUSE)
        assert answer.status_code == 303
        assert requests.compat.urljoin(answer.url, answer.headers["Location"]) == f"{served.url}/releases/{release}"
        document = served.get(f"/api/v1/releases/{release}").json()
        assert document["phase"] == phase
        assert (document["paused"] is not None) == (deed == "pause")
        entry = document["audit"][-1]
        assert entry["actor"] == "ada"
        assert BECAUSE["reason"] in entry["detail"]
    assert "Your name" not in page(served, f"/releases/{release}")


@pytest.mark.parametrize(
    ("form", "said"),
    [
        pytest.param({"name": "", "reason": "because"}, ["Your name is missing"], id="nobody"),
        pytest.param({"name": "ada", "reason": "  "}, ["The reason is missing"], id="no reason"),
        pytest.param({}, ["Your name is missing", "The reason is missing"], id="nothing at all"),
        pytest.param({"name": "a" * 129, "reason": "x"}, ["at most 128"], id="a name without end"),
        pytest.param({"name": "ada\nroot", "reason": "x"}, ["plain ASCII"], id="a name of two lines"),
        pytest.param({"name": "ada", "reason": "x" * 1001}, ["longer than 1000"], id="a reason without end"),
    ],
)
def test_a_deed_without_name_or_reason_is_refused_with_what_was_typed_kept(
    served: ServedGate, form: dict[str, str], said: list[str]
) -> None:
    release = baking(served)
    answer = act(served, release, "abort", form)
    assert answer.status_code == 422
    for each in said:
        assert each in answer.text
    assert f'value="{form.get("reason", "").strip()}"' in answer.text
    assert served.get(f"/api/v1/releases/{release}").json()["phase"] == "baking"


def test_who_a_proxy_says_it_is_cannot_be_overwritten_in_the_form(served: ServedGate) -> None:
    release = baking(served)
    text = requests.get(f"{served.url}/releases/{release}", headers={"X-Gated-Actor": "alice"}, timeout=10).text
    assert "<b>alice</b>" in text
    assert 'name="name"' not in text
    answer = act(served, release, "pause", {"name": "bob", "reason": "x"}, **{"X-Gated-Actor": "alice"})
    assert answer.status_code == 303
    assert served.get(f"/api/v1/releases/{release}").json()["paused"]["by"] == "alice"


def test_a_release_that_was_aborted_says_by_whom_and_why(served: ServedGate) -> None:
    release = baking(served)
    act(served, release, "abort", BECAUSE)
    text = page(served, f"/releases/{release}")
    assert "aborted by ada: waiting for the database" in text
    assert 'class="back' not in text


def test_a_resumed_release_does_not_say_that_it_is_paused(served: ServedGate) -> None:
    release = baking(served)
    act(served, release, "pause", BECAUSE)
    act(served, release, "resume", BECAUSE)
    assert "resumed by ada; the next look decides" in page(served, f"/releases/{release}")


def test_a_deed_that_is_not_possible_any_more_says_why(served: ServedGate) -> None:
    release = baking(served)
    assert act(served, release, "abort", BECAUSE).status_code == 303
    answer = act(served, release, "pause", BECAUSE)
    assert answer.status_code == 409
    assert "Nothing was done" in answer.text
    assert act(served, "nope", "pause", BECAUSE).status_code == 404
    assert act(served, release, "claim", BECAUSE).status_code == 404


# --- who may not ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, id="another site"),
        pytest.param({"Sec-Fetch-Site": "same-site", "Origin": "https://other.gated.example"}, id="a sibling"),
        pytest.param({"Sec-Fetch-Site": "cross-site", "Origin": "null"}, id="a sandboxed frame"),
        pytest.param({"Sec-Fetch-Site": "same-origin", "Host": "evil.example"}, id="a name of gated's address"),
    ],
)
def test_no_other_site_acts_through_a_browser(served: ServedGate, headers: dict[str, str]) -> None:
    release = baking(served)
    refused = [
        act(served, release, "abort", BECAUSE, **headers),
        requests.post(f"{served.url}/api/v1/releases/{release}/abort", headers=headers, timeout=10),
    ]
    assert [answer.status_code for answer in refused] == [403, 403]
    assert refused[1].json()["error"] == "forbidden"
    assert served.get(f"/api/v1/releases/{release}").json()["phase"] == "baking"


def test_an_old_browser_is_known_by_its_origin(served: ServedGate) -> None:
    """Over plain HTTP to another machine no browser sends Sec-Fetch-Site."""
    release = baking(served)
    address = f"{served.url}/releases/{release}/pause"
    foreign = requests.post(address, data=BECAUSE, headers={"Origin": "http://evil.example"}, timeout=10)
    assert foreign.status_code == 403
    garbled = requests.post(address, data=BECAUSE, headers={"Origin": "http://[evil"}, timeout=10)
    assert garbled.status_code == 403
    own = requests.post(address, data=BECAUSE, headers={"Origin": served.url}, timeout=10)
    assert own.status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("gated.example", 303),
        ("localhost:9911", 303),
        ("[::1]:9911", 303),
        ("10.0.0.1", 303),
        ("gated.example.evil.example", 403),
        ("[::1", 403),
        ("", 403),
    ],
)
def test_a_browser_must_call_gated_by_a_name_it_knows(served: ServedGate, host: str, status: int) -> None:
    release = baking(served)
    answer = act(served, release, "pause", BECAUSE, Host=host)
    assert answer.status_code == status
    if status == 403 and host:
        assert "external_url" in answer.json()["message"]


# --- live -------------------------------------------------------------------------------------------------------


class Watch:
    """A page that is watched: every event so far."""

    def __init__(self, address: str) -> None:
        self._answer = requests.get(address, stream=True, timeout=(5, 30))
        assert self._answer.headers["Content-Type"].startswith("text/event-stream")
        self._lines = self._answer.iter_lines(decode_unicode=True)

    def next(self) -> tuple[str, str]:
        """The next event: its name and what it carries."""
        name, data = "", []
        for line in self._lines:
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                data.append(line.removeprefix("data: "))
            elif not line and data:
                return name, "\n".join(data)
        raise EOFError

    def close(self) -> None:
        self._answer.close()


def test_whoever_watches_a_release_sees_its_verdict_change(served: ServedGate) -> None:
    release = baking(served)
    watch = Watch(f"{served.url}/releases/{release}/events")
    name, shown = watch.next()
    assert name == "page"
    assert "</svg>pending</span>" in shown
    served.world.error_share = 0.5
    served.tick(30)
    while "</svg>rollback</span>" not in shown:
        name, shown = watch.next()
    watch.close()


def test_whoever_watches_the_board_sees_a_release_begin(served: ServedGate) -> None:
    watch = Watch(f"{served.url}/events")
    assert "Nothing is being rolled out" in watch.next()[1]
    served.open()
    assert services(watch.next()[1]) == ["checkout"]
    watch.close()


def test_time_alone_turns_a_watched_verdict_into_a_hold(served: ServedGate) -> None:
    """The gate has stopped looking, so nothing wakes the page."""
    release = baking(served)
    watch = Watch(f"{served.url}/releases/{release}/events")
    watch.next()
    served.now += 3600
    assert "the gate has not looked for" in watch.next()[1]
    watch.close()


def test_a_page_is_rendered_once_for_all_who_watch_it_and_not_without_them(served: ServedGate) -> None:
    release = baking(served)
    watches = [Watch(f"{served.url}/releases/{release}/events") for _ in range(5)]
    assert len({watch.next() for watch in watches}) == 1
    assert served.live.watchers() == 5
    served.tick()
    assert len({watch.next() for watch in watches}) == 1
    for watch in watches:
        watch.close()
    served.tick()
    for _ in range(100):
        if not served.live.watchers():
            break
        threading.Event().wait(0.2)
    assert served.live.watchers() == 0


def test_what_keeps_a_page_from_being_shown_is_told(served: ServedGate) -> None:
    watch = Watch(f"{served.url}/releases/nope/events")
    assert watch.next() == ("trouble", "there is no release 'nope'")
    watch.close()


def test_a_gate_that_stops_sends_watchers_home(tmp_path: Path) -> None:
    with ServedGate(tmp_path) as served:
        watch = Watch(f"{served.url}/events")
        watch.next()
    with pytest.raises((EOFError, requests.exceptions.ChunkedEncodingError)):
        watch.next()
    watch.close()


# --- for scripts and tickets ------------------------------------------------------------------------------------


def test_the_trace_of_a_release_is_to_be_had_as_numbers(served: ServedGate) -> None:
    release = served.open()
    assert served.get(f"/api/v1/releases/{release}/trace").json() is None
    served.start(release)
    served.tick(10)
    drawing = served.get(f"/api/v1/releases/{release}/trace").json()
    assert len(drawing["at"]) == 10
    curve = next(curve for curve in drawing["curves"] if curve["rule"] == "error-rate")
    assert curve["values"] == [0.0] * 10
    assert drawing["bands"][0]["stage"] == "canary-5"


def test_a_drawing_shows_that_the_gate_was_not_running(served: ServedGate) -> None:
    release = baking(served, 10)
    last_look_at = served.now
    served.now += 3600
    served.tick(3)
    drawing = served.get(f"/api/v1/releases/{release}/trace").json()
    told = [(band["verdict"], band["since"]) for band in drawing["bands"]]
    assert told[:2] == [("pending", drawing["at"][0]), ("hold", last_look_at + served.gate.validity_seconds)]
    assert drawing["curves"][0]["values"].count(None) == 1


def test_a_report_tells_the_story_as_markdown_json_and_page(served: ServedGate) -> None:
    release = baking(served)
    served.post(f"/api/v1/releases/{release}/pause", {"reason": "look | at `this`\n# now"})
    served.world.error_share = 0.5
    served.tick(30)
    told = served.get(f"/api/v1/releases/{release}/report.md")
    assert told.headers["Content-Type"] == "text/markdown; charset=utf-8"
    lines = told.text.splitlines()
    assert lines[0] == "# checkout v2 in production is going back"
    assert "## Rollback" in lines
    assert any("look \\| at \\`this\\` \\# now" in line for line in lines)
    assert not any(line.startswith("# now") for line in lines)
    record = json.loads(served.get(f"/api/v1/releases/{release}/report.json").text)
    assert record == served.get(f"/api/v1/releases/{release}/report").json()
    assert record["rollback"]["rule"] == "error-rate"
    shown = page(served, f"/api/v1/releases/{release}/report.html")
    assert "checkout v2 in production is going back" in shown
    assert "time to detect" in shown
    assert served.get("/api/v1/releases/nope/report.md").status_code == 404


def test_a_report_tells_the_day_of_what_happened_on_another(served: ServedGate) -> None:
    release = served.open()
    served.now += 7 * 86400
    served.start(release)
    report = served.get(f"/api/v1/releases/{release}/report.md").text
    assert "| canary-5 | 5 % | 2023-11-21 22:13:20 |" in report


def test_a_clock_that_was_set_back_makes_no_report_of_minus_a_day(served: ServedGate) -> None:
    release = served.open()
    served.now -= 3605
    served.post(f"/api/v1/releases/{release}/abort")
    report = served.get(f"/api/v1/releases/{release}/report.md").text
    assert "- took 0s" in report
