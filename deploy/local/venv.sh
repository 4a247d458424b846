#!/bin/sh
# Makes a virtual environment, or keeps the one that is there:  sh venv.sh PYTHON FOLDER
# A bare Debian or Ubuntu has no interpreter, or one without the module that puts pip into an environment; both are
# installed by apt, as root or with a sudo that asks for no password. Anything else ends with what to do.
set -eu
python=$1
venv=$2

give_up() {
    printf '%s\n' "$@" >&2
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

install() {
    if [ "$(id -u)" = 0 ]; then as_root=env; else as_root="sudo -n"; fi
    command -v apt-get >/dev/null || return 1
    # One unreachable third-party list makes `update` fail though ours is there; `install` will tell.
    $as_root apt-get update -qq || true
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}

if is_new_enough "$venv/bin/python" && [ -x "$venv/bin/pip" ]; then
    exit 0
fi

if ! command -v "$python" >/dev/null; then
    install "$python" || give_up \
        "There is no $python, and it could not be installed." \
        "Install Python 3.11 or later, or name it: make PYTHON=/path/to/python3.12"
fi

is_new_enough "$python" || give_up \
    "gated needs Python 3.11 or later; $python is $("$python" --version 2>&1)." \
    "Name another: make PYTHON=/path/to/python3.12"

if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    install "$package" || give_up \
        "$python cannot make a virtual environment with pip in it, and $package could not be installed." \
        "Install it (apt-get install $package), or name another interpreter: make PYTHON=/path/to/python3.12"
fi

"$python" -m venv --clear "$venv"
