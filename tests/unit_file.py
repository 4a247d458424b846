"""Reading systemd units, as far as ours need it."""

import re
from collections import defaultdict
from pathlib import Path

_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}


class Unit:
    """A unit, or a drop-in.

    Args:
        text: its content.
    """

    def __init__(self, text: str) -> None:
        self._settings: defaultdict[str, list[str]] = defaultdict(list)
        for line in text.splitlines():
            if line and line[0] not in "#[":
                key, _, value = line.partition("=")
                self._settings[key].append(value)

    @classmethod
    def read(cls, path: Path) -> "Unit":
        """Read a file."""
        return cls(path.read_text())

    def all(self, key: str) -> list[str]:
        """Every value of a setting, in order."""
        return self._settings[key]

    def one(self, key: str) -> str:
        """The value of a setting that must be given once."""
        (value,) = self._settings[key]
        return value

    def seconds(self, key: str) -> float:
        """A time span of one number and one unit."""
        found = re.fullmatch(r"(\d+)([a-z]*)", self.one(key))
        assert found is not None, f"{key}={self.one(key)}"
        return int(found[1]) * _SECONDS[found[2]]
