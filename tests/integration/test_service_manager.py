"""What the daemon tells systemd, on a real datagram socket."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gated.daemon.service_manager import ServiceManager, enough_watchdog_seconds
from tests.service_manager import Listener

PID = 4711
MONOTONIC = 12.345678


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    with Listener(tmp_path / "notify") as listening:
        yield listening


def manager(listener: Listener | None, **variables: str) -> ServiceManager:
    environment = {**({"NOTIFY_SOCKET": listener.name} if listener else {}), **variables}
    return ServiceManager(environment, pid=PID, monotonic=lambda: MONOTONIC)


def serving(listener: Listener, **variables: str) -> ServiceManager:
    """A daemon that has said READY=1, which was received."""
    told = manager(listener, **variables)
    told.serving("Serving; no look yet")
    assert listener.next() == {"READY": "1", "STATUS": "Serving; no look yet"}
    return told


def reload_well() -> tuple[str, ...]:
    return ()


def test_a_reload_is_told_from_its_beginning_to_its_end(listener: Listener) -> None:
    assert serving(listener).around_reload(reload_well) == ()
    assert listener.waiting() == [
        {"RELOADING": "1", "MONOTONIC_USEC": "12345678"},
        {"READY": "1", "STATUS": "Serving; no look yet"},
    ]


def test_a_failed_reload_stays_in_the_status_until_one_succeeds(listener: Listener) -> None:
    told = serving(listener)
    faults = ("rules/web.yaml:3:5: error: kind: no such kind", "rules/web.yaml:9:1: error: plans: missing")
    assert told.around_reload(lambda: faults) == faults
    told.looked("3 releases watched")
    told.around_reload(reload_well)
    failed = f"THE LAST RELOAD FAILED, the rules before it stay: {faults[0]} (and 1 more)"
    assert [message["STATUS"] for message in listener.waiting() if "STATUS" in message] == [
        f"Serving; no look yet; {failed}",
        f"3 releases watched; {failed}",
        "3 releases watched",
    ]


def test_a_reload_that_breaks_off_does_not_leave_the_manager_waiting(listener: Listener) -> None:
    def break_off() -> tuple[str, ...]:
        raise ZeroDivisionError

    told = serving(listener)
    with pytest.raises(ZeroDivisionError):
        told.around_reload(break_off)
    begun, ended = listener.waiting()
    assert begun["RELOADING"] == "1"
    assert ended["READY"] == "1"
    assert "BROKE OFF" in ended["STATUS"]


def test_a_reload_before_the_start_or_after_the_end_is_not_spoken_of(listener: Listener) -> None:
    """READY=1 from a reload would tell the manager that a daemon serves which does not, or no longer."""
    told = manager(listener)
    told.around_reload(reload_well)
    assert listener.waiting() == []
    told.serving("Serving")
    told.stopping()
    told.around_reload(reload_well)
    told.looked("1 release watched")
    told.stopping()
    assert [set(message) - {"STATUS"} for message in listener.waiting()] == [{"READY"}, {"STOPPING"}]


def test_a_reload_that_the_end_overtakes_is_not_ready_again(listener: Listener) -> None:
    told = serving(listener)

    def reload() -> tuple[str, ...]:
        told.stopping()
        return ()

    told.around_reload(reload)
    assert [set(message) - {"STATUS", "MONOTONIC_USEC"} for message in listener.waiting()] == [
        {"RELOADING"},
        {"STOPPING"},
    ]


def test_a_failed_start_leaves_its_reason(listener: Listener) -> None:
    manager(listener).failed("cannot listen on 127.0.0.1:9911: Address already in use")
    assert listener.next() == {"STATUS": "Failed: cannot listen on 127.0.0.1:9911: Address already in use"}


def test_a_status_is_one_short_line_whatever_a_fault_says(listener: Listener) -> None:
    """A fault quotes files; a line break in it would let a file speak to the service manager."""
    serving(listener).looked("a\nSTOPPING=1\r\x1b[31m\u2028b" + "x" * 9000)
    (message,) = listener.waiting()
    assert set(message) == {"STATUS"}
    assert message["STATUS"].startswith("a STOPPING=1 [31m bxxx")
    assert len(message["STATUS"]) == 500


def test_an_abstract_socket_is_understood() -> None:
    with Listener(f"@gated-{uuid.uuid4()}") as listening:
        serving(listening)


def test_without_a_manager_nothing_happens() -> None:
    told = manager(None, WATCHDOG_USEC="1000000")
    with capture_logs() as logs:
        told.serving("Serving")
        told.alive()
        assert told.around_reload(lambda: ("a fault",)) == ("a fault",)
        told.stopping()
    assert told.watchdog_seconds is None
    assert logs == []


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("/does/not/exist", id="nobody listens"),
        pytest.param("/" + "x" * 200, id="longer than an address can be"),
    ],
)
def test_a_manager_that_cannot_be_told_is_mentioned_once_and_disturbs_nothing(name: str) -> None:
    told = ServiceManager({"NOTIFY_SOCKET": name}, pid=PID, monotonic=lambda: MONOTONIC)
    with capture_logs() as logs:
        told.serving("Serving")
        assert told.around_reload(lambda: ("a fault",)) == ("a fault",)
        told.stopping()
    assert [line["event"] for line in logs] == ["service_manager_not_told"]


def test_a_manager_that_does_not_listen_any_more_delays_nobody_for_long(listener: Listener) -> None:
    """Its queue is full: a send waits half a second, is given up, and the next one succeeds when it listens again."""
    told = serving(listener)
    with capture_logs() as logs:
        for number in range(2000):
            told.looked(f"look {number}")
            if logs:
                break
    assert [line["event"] for line in logs] == ["service_manager_not_told"]
    assert len(listener.waiting()) > 1
    told.looked("again")
    assert listener.next() == {"STATUS": "again"}


@pytest.mark.parametrize("name", ["relative/path", "@", "vsock:2:1234"])
def test_an_address_of_another_kind_is_refused_in_the_log(name: str) -> None:
    with capture_logs() as logs:
        told = ServiceManager({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1000"}, pid=PID, monotonic=lambda: MONOTONIC)
        told.serving("Serving")
    assert [line["event"] for line in logs] == ["service_manager_not_told"]
    assert told.watchdog_seconds is None


@pytest.mark.parametrize(
    ("variables", "seconds"),
    [
        pytest.param({"WATCHDOG_USEC": "180000000"}, 180.0, id="for whom it may concern"),
        pytest.param({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": str(PID)}, 1.5, id="for us"),
        pytest.param({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": "1"}, None, id="for another process"),
        pytest.param({}, None, id="nobody watches"),
    ],
)
def test_the_watchdog_is_fed_by_the_process_it_watches(
    listener: Listener, variables: dict[str, str], seconds: float | None
) -> None:
    told = serving(listener, **variables)
    assert told.watchdog_seconds == seconds
    told.alive()
    assert listener.waiting() == ([{"WATCHDOG": "1"}] if seconds else [])


@pytest.mark.parametrize("given", ["", "0", "-1", "1e6", "soon", "٣"])
def test_a_watchdog_that_is_no_number_is_ignored_and_said(listener: Listener, given: str) -> None:
    with capture_logs() as logs:
        assert manager(listener, WATCHDOG_USEC=given).watchdog_seconds is None
    assert [line["event"] for line in logs] == ["watchdog_ignored"]


def test_a_watchdog_must_outlast_the_slowest_source_and_a_dead_store() -> None:
    assert enough_watchdog_seconds((5.0, 90.0)) == 120.0
    assert enough_watchdog_seconds(()) == 30.0
