"""Runs one command with a log, a line every so often, and a watchdog."""

import dataclasses
import os
import signal
import subprocess
import threading
import time

HEARTBEAT_S = 20
STARTED = time.monotonic()

_children = set()
_lock = threading.Lock()


def say(text):
    print(f"[{time.monotonic() - STARTED:5.0f} s] {text}", flush=True)


@dataclasses.dataclass
class Outcome:
    status: int | None  # None: the watchdog ended it
    log: str
    seconds: float

    @property
    def ok(self):
        return self.status == 0

    def why(self):
        if self.status is None:
            return f"no end within {self.seconds:.0f} s"
        if self.status < 0:
            return f"killed by {signal.Signals(-self.status).name}"
        return f"exit status {self.status}"


def run(command, log, env=None, cwd=None, timeout_s=3600):
    """Standard output and error go to the file `log`; the command's process group dies with it."""
    os.makedirs(os.path.dirname(log), exist_ok=True)
    begin = time.monotonic()
    with open(log, "wb") as out:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                 env=env, cwd=cwd, start_new_session=True)
        with _lock:
            _children.add(child)
        try:
            status = _wait(child, log, begin, timeout_s)
        finally:
            with _lock:
                _children.discard(child)
            _end_group(child)
    return Outcome(status, log, time.monotonic() - begin)


def _wait(child, log, begin, timeout_s):
    while True:
        left = begin + timeout_s - time.monotonic()
        if left <= 0:
            return None
        try:
            return child.wait(min(HEARTBEAT_S, left))
        except subprocess.TimeoutExpired:
            say(f"  ... {time.monotonic() - begin:.0f} s  {last_line(log)[:80]}")


def _end_group(child):
    _kill_group(child)
    child.wait()


def _kill_group(child):
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def end_all():
    """Ends what other threads run: their run() returns."""
    with _lock:
        for child in _children:
            _kill_group(child)


def read(log):
    with open(log, encoding="utf-8", errors="replace") as lines:
        return lines.read()


def last_line(log):
    lines = read(log).strip().splitlines()
    return lines[-1].strip() if lines else ""


def show(text, lines_max=120):
    """Prints the text indented, its middle left out if it is long."""
    lines = text.rstrip().splitlines()
    if len(lines) > lines_max:
        half = lines_max // 2
        cut = len(lines) - 2 * half
        lines = lines[:half] + [f"... {cut} lines left out ..."] + lines[-half:]
    for line in lines:
        print("    " + line)
