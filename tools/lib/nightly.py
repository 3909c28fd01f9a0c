"""Rigs with new random numbers, until the minutes are over; a whole night at their nightly depth."""

import datetime
import os
import secrets
import subprocess
import time

import gtests
import step

TABLE = "docs/nightly.md"
NIGHT_MINUTES = 120  # less is spent on more rigs at their CI depth
HEAD = """# Nightly runs

One row for each `tools/check --nightly MINUTES`. Each round runs the rigs with the next seed;
`RINGPOST_SEED=N tools/check --nightly 1` repeats the round of seed N.

| date (UTC) | commit | minutes | depth | seeds | passed | failed | skipped |
|---|---|---:|---|---|---:|---:|---:|
"""


def run(build_dir, minutes, log_dir, tally):
    rigs = [test for test in gtests.listed(build_dir) if "rig" in test.labels]
    first = int(os.environ.get("RINGPOST_SEED") or secrets.randbelow(2**31))
    depth = "nightly" if minutes >= NIGHT_MINUTES else "ci"
    begin = time.monotonic()
    seed = first
    try:
        while rigs:
            _round(rigs, depth, seed, begin + 60 * minutes, log_dir, tally)
            if time.monotonic() - begin >= 60 * minutes:
                break
            seed += 1
    except KeyboardInterrupt:
        step.say("interrupted; what was done counts")
    _append(depth, first, seed, (time.monotonic() - begin) / 60, tally)


def _round(rigs, depth, seed, deadline, log_dir, tally):
    """Each seed begins with another rig, so that short nights come to all of them."""
    first = seed % len(rigs)
    step.say(f"round with seed {seed}, {max(0, deadline - time.monotonic()) / 60:.0f} min left")
    for index, rig in enumerate(rigs[first:] + rigs[:first]):
        if index and time.monotonic() >= deadline:
            return
        gtests.run(rig, "release", depth, seed, log_dir, tally)


def _append(depth, first, last, minutes, tally):
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M")
    seeds = str(first) if first == last else f"{first} to {last}"
    os.makedirs(os.path.dirname(TABLE), exist_ok=True)
    new = not os.path.exists(TABLE)
    with open(TABLE, "a", encoding="utf-8") as table:
        if new:
            table.write(HEAD)
        table.write(f"| {date} | {_commit()} | {minutes:.1f} | {depth} | {seeds} | "
                    f"{tally.passed} | {tally.failed} | {tally.skipped} |\n")
    step.say(f"added a row to {TABLE}")


def _commit():
    def git(*arguments):
        # The folder may belong to another user than root.
        return subprocess.run(["git", "-c", f"safe.directory={os.getcwd()}", *arguments],
                              check=False, capture_output=True, text=True).stdout.strip()
    commit = git("rev-parse", "--short=12", "HEAD")
    changed = git("status", "--porcelain", "--", ".", f":!{TABLE}")
    return (commit or "unknown") + (" with changes" if commit and changed else "")
