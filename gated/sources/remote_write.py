"""Samples as Prometheus' remote write protocol wants them: protobuf in a frame of snappy.

It is the one way to hand a server samples of any time with stale markers among them. The protocol is three messages of
two fields each and the frame may hold its content as it is, so this costs less than a library would.

    https://prometheus.io/docs/specs/prw/remote_write_spec/
    https://github.com/google/snappy/blob/main/format_description.txt
"""

import struct
from collections.abc import Iterable, Mapping

from gated.promql.notation import Gap

HEADERS: Mapping[str, str] = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
"""What a request with such a body must say."""

_STALE = struct.pack("<Q", 0x7FF0000000000002)
"""The one NaN by which Prometheus marks the end of a series."""
_TEXT, _DOUBLE, _VARINT = 2, 1, 0
"""Wire types of protobuf."""
_MAX_LITERAL_BYTES = 65536
_LITERAL_OF_TWO_BYTES = 61 << 2
"""The tag of a piece of snappy that stands for itself, and whose length follows in two bytes."""


def body(series: Iterable[tuple[Mapping[str, str], Iterable[tuple[float, float | Gap]]]]) -> bytes:
    """The body of a request.

    Args:
        series: labels, `__name__` among them, and (Unix seconds, value or `Gap.STALE`) by ascending time.
    """
    return _framed(b"".join(_field(1, _series(labels, samples)) for labels, samples in series))


def _series(labels: Mapping[str, str], samples: Iterable[tuple[float, float | Gap]]) -> bytes:
    named = (_field(1, name.encode()) + _field(2, value.encode()) for name, value in sorted(labels.items()))
    return b"".join([*(_field(1, label) for label in named), *(_field(2, _sample(*sample)) for sample in samples)])


def _sample(at: float, value: float | Gap) -> bytes:
    number = _STALE if isinstance(value, Gap) else struct.pack("<d", value)
    return _key(1, _DOUBLE) + number + _key(2, _VARINT) + _varint(round(at * 1000))


def _field(number: int, content: bytes) -> bytes:
    return _key(number, _TEXT) + _varint(len(content)) + content


def _key(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that more follow."""
    encoded = bytearray()
    while number > 0x7F:  # noqa: PLR2004 -- the largest number of seven bits
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _framed(content: bytes) -> bytes:
    pieces = (content[at : at + _MAX_LITERAL_BYTES] for at in range(0, len(content), _MAX_LITERAL_BYTES))
    literals = (bytes([_LITERAL_OF_TWO_BYTES]) + struct.pack("<H", len(piece) - 1) + piece for piece in pieces)
    return _varint(len(content)) + b"".join(literals)
