"""Write the dashboards' JSON and the table of their questions; `make docs` does it too.

python -m grafana [--check]
"""

import argparse
import sys

from grafana import files


def main() -> int:
    """Write the files, or with --check only compare them."""
    parser = argparse.ArgumentParser(prog="python -m grafana", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is not current")
    if parser.parse_args().check:
        stale = files.stale()
        print("\n".join(f"{name} is not current; run `make docs`" for name in stale))
        return 1 if stale else 0
    files.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
