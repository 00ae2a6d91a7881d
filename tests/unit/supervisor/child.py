"""A child for the monitor's tests: reports, and does what its arguments say.

child.py FOLDER [quiet | hang | fail | orphan | stubborn]
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from nf.process.notify import Notifier

folder, *how = Path(sys.argv[1]), *sys.argv[2:]
notifier = Notifier.from_environment()
folder.mkdir(exist_ok=True)
(folder / str(os.getpid())).touch()
signals = {signal.SIGTERM, signal.SIGHUP}
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
if "fail" in how:
    sys.exit(3)
if "orphan" in how:
    subprocess.run([sys.executable, "-c", "import os; os.fork() or os.getpid()"], check=True)
if "quiet" not in how:
    notifier.ready("here")
while True:
    got = signal.sigtimedwait(signals, 0.1)
    if got is None:
        if "hang" not in how:
            notifier.alive()
    elif got.si_signo == signal.SIGHUP:
        (folder / "hup").touch()
    elif "stubborn" not in how:
        (folder / "ended").touch()
        sys.exit(0)
