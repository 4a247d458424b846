"""Bodies of remote write, taken apart by hand; that a server takes them is shown in tests/integration."""

import struct
from collections.abc import Iterator

import pytest

from gated.promql.notation import Gap
from gated.sources import remote_write


def varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at


def unframed(body: bytes) -> bytes:
    """What a frame of snappy holds, as its description says; only literals of two bytes' length occur."""
    length, at = varint(body, 0)
    content = b""
    while at < len(body):
        assert body[at] == 61 << 2
        size = struct.unpack("<H", body[at + 1 : at + 3])[0] + 1
        content += body[at + 3 : at + 3 + size]
        at += 3 + size
    assert len(content) == length
    return content


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message of protobuf: number and value."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 2:
            length, at = varint(data, at)
            yield key >> 3, data[at : at + length]
            at += length
        elif key & 7 == 1:
            yield key >> 3, data[at : at + 8]
            at += 8
        else:
            number, at = varint(data, at)
            yield key >> 3, number


def parsed(body: bytes) -> list[tuple[dict[str, str], list[tuple[int, bytes]]]]:
    series = []
    for _, message in fields(unframed(body)):
        assert isinstance(message, bytes)
        labels: dict[str, str] = {}
        samples = []
        for number, part in fields(message):
            assert isinstance(part, bytes)
            first, second = (value for _, value in fields(part))
            if number == 1:
                assert isinstance(first, bytes)
                assert isinstance(second, bytes)
                labels[first.decode()] = second.decode()
            else:
                assert isinstance(first, bytes)
                assert isinstance(second, int)
                samples.append((second, first))
        series.append((labels, samples))
    return series


def test_series_arrive_with_labels_in_order_and_times_in_milliseconds() -> None:
    body = remote_write.body([({"zone": "ä", "__name__": "up"}, [(1_700_000_000.1234, 1.5), (1_700_000_015.0, -3.0)])])
    ((labels, samples),) = parsed(body)
    assert list(labels.items()) == [("__name__", "up"), ("zone", "ä")]
    assert samples == [(1_700_000_000_123, struct.pack("<d", 1.5)), (1_700_000_015_000, struct.pack("<d", -3.0))]


def test_the_end_of_a_series_is_the_one_nan_that_prometheus_knows() -> None:
    ((_, ((_, number),)),) = parsed(remote_write.body([({"__name__": "up"}, [(1.0, Gap.STALE)])]))
    assert number.hex() == "020000000000f07f"


@pytest.mark.parametrize("count", [0, 1, 3_000, 30_000])
def test_a_body_of_any_length_is_framed(count: int) -> None:
    body = remote_write.body([({"__name__": "up"}, [(float(at), 1.0) for at in range(count)])])
    ((_, samples),) = parsed(body)
    assert len(samples) == count
