"""The file that lets an interrupted replay go on: JSON, one line per rollout that is over.

    {"gated_replay": 1, "identity": {"rules": "sha256:…", "rollouts": "sha256:…", …}}      the first line: of what it is
    {"key": "checkout/production/v2/standard/1761991200.000", …}                           a `Replayed` each

A process that is killed leaves at most half a line at the end, which is not read. One that lives keeps others out.
"""

import contextlib
import fcntl
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError

from gated.model.errors import Conflict, InvalidInput, Unavailable
from gated.operations.replay.results import Replayed

_FORMAT = 1


class State:
    """What was replayed already. Made by `opened`.

    Args:
        file: open for appending; None when nothing is kept.
        done: what it holds, by key.
    """

    def __init__(self, file: TextIO | None = None, done: Mapping[str, Replayed] | None = None) -> None:
        self._file = file
        self.done: dict[str, Replayed] = dict(done or {})

    def add(self, replayed: Replayed) -> None:
        """Remember one more; after this line a crash does not forget it.

        Raises:
            Unavailable: it cannot be written.
        """
        self.done[replayed.key] = replayed
        if self._file is None:
            return
        try:
            self._file.write(replayed.model_dump_json() + "\n")
            self._file.flush()
        except OSError as error:
            raise Unavailable(f"{self._file.name} cannot be written: {error.strerror}") from error


@contextlib.contextmanager
def opened(path: Path | None, identity: Mapping[str, str], *, anew: bool = False) -> Iterator[State]:
    """The state of a replay.

    Args:
        path: its file; created when missing. None to keep nothing.
        identity: what the replay is made of, each with a digest. Only the same may go on.
        anew: whether to forget what the file holds.

    Raises:
        Conflict: the file belongs to a replay of something else, or another process works with it.
        InvalidInput: it is not such a file.
        Unavailable: it cannot be read or written.
    """
    if path is None:
        yield State()
        return
    try:
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise Unavailable(f"{path} cannot be opened: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(f"another replay works with {path}") from error
        if anew:
            file.truncate(0)
        file.seek(0)
        done = _read(path, file, identity)
        if file.tell() == 0:
            file.write(json.dumps({"gated_replay": _FORMAT, "identity": dict(identity)}) + "\n")
            file.flush()
        yield State(file, done)


def _read(path: Path, file: TextIO, identity: Mapping[str, str]) -> dict[str, Replayed]:
    """What a file holds; what is behind its last whole line is cut off."""
    whole, newline, _ = file.read().rpartition("\n")
    file.truncate(len((whole + newline).encode()))
    file.seek(0, 2)
    first, *lines = whole.splitlines() or [""]
    if not first:
        return {}
    _same(path, first, identity)
    try:
        return {found.key: found for found in map(Replayed.model_validate_json, lines)}
    except ValidationError as error:
        raise InvalidInput(f"{path}: a line of it is not what gated writes; remove the file, or say --anew") from error


def _same(path: Path, first: str, identity: Mapping[str, str]) -> None:
    try:
        head = json.loads(first)
    except ValueError:
        head = None
    match head:
        case {"gated_replay": 1, "identity": dict(known)}:
            changed = [name for name, value in identity.items() if known.get(name) != value]
        case _:
            raise InvalidInput(f"{path}: this is not the state of a replay")
    if changed:
        what = " and ".join(changed)
        raise Conflict(f"{path} belongs to another replay: {what} changed since; say --anew to begin again")
