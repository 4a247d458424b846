"""The demo: `make demo`, or `python -m deploy.demo [--keep]`.

Starts a service under traffic, a real Prometheus and Alertmanager, and gated, all on free ports of 127.0.0.1; promotes
a good version through three stages and rolls a bad one back. Exits 0 only if both ended as they should.
"""

import argparse
import contextlib
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path

from deploy.demo import story
from deploy.demo.pipeline import WentWrong
from deploy.demo.surroundings import Surroundings
from deploy.demo.timeline import Timeline
from deploy.local.binaries import BinaryMissing
from deploy.local.process import ServerFailed


def main() -> int:
    """Run the demo; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C (make demo KEEP=1)")
    keep = parser.parse_args().keep
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    timeline = Timeline()
    directory = Path(tempfile.mkdtemp(prefix="gated-demo-"))
    is_well = False
    try:
        timeline.say("starting a service under traffic, Prometheus, Alertmanager and gated")
        with Surroundings(directory) as around:
            story.tell(around, timeline)
            is_well = True
            print("\nEverything ended as it should.", flush=True)
            if keep:
                _linger(around, timeline)
    except (WentWrong, ServerFailed, BinaryMissing) as error:
        print(f"\nThe demo did not end as it should: {error}\nLogs are in {directory}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
    shutil.rmtree(directory, ignore_errors=True)
    return 0 if is_well else 130


def _linger(around: Surroundings, timeline: Timeline) -> None:
    """Leave everything running, and say where it is."""
    timeline.title("Everything keeps running; look around, then press Ctrl-C")
    timeline.facts(around.addresses())
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()


if __name__ == "__main__":
    sys.exit(main())
