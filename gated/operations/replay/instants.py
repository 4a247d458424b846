"""How people write instants. Imports nothing heavy: the command line needs it to read its options."""

from datetime import UTC, datetime


def parse_instant(text: str) -> float:
    """Read an instant as RFC 3339 writes it; seconds may be left out, the time zone may not.

    Returns:
        Unix seconds.

    Raises:
        ValueError: it is none; the message says what one looks like.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise ValueError(f"{text!r} is not an instant; write it with its time zone, as 2026-11-01T10:00Z")
    return at.astimezone(UTC).timestamp()
