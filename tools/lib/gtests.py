"""Lists the tests of a build, runs one program of gtests and counts what it reports."""

import dataclasses
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import threading
import xml.etree.ElementTree as xml

import step

NIGHTLY_TIMEOUT_S = 4 * 3600


@dataclasses.dataclass
class Test:
    name: str
    command: list
    labels: set
    env: dict
    timeout_s: float
    cwd: str


@dataclasses.dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list = dataclasses.field(default_factory=list)
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def fail(self, what, output=""):
        """What failed, and the part of its output that tells why."""
        self.failed += 1
        self.failures.append((what, output))

    def line(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def listed(build_dir):
    text = subprocess.run(["ctest", "--test-dir", build_dir, "--show-only=json-v1"],
                          check=True, capture_output=True, text=True).stdout
    return [_test(entry) for entry in json.loads(text)["tests"]]


def _test(entry):
    of = {p["name"]: p["value"] for p in entry.get("properties", [])}
    env = dict(pair.split("=", 1) for pair in of.get("ENVIRONMENT", []))
    return Test(entry["name"], entry.get("command", []), set(of.get("LABELS", [])), env,
                float(of.get("TIMEOUT", 1200)), of.get("WORKING_DIRECTORY", "."))


def run(test, preset, depth, seed, log_dir, tally):
    """Runs the test with shared-memory and state folders of its own, which go away afterwards."""
    title = f"{preset}/{test.name}"
    step.say(f"{title}" + (f"  depth {depth}, seed {seed}" if "rig" in test.labels else ""))
    if not test.command:
        tally.fail(f"{title}: not built")
        return
    report = os.path.join(log_dir, f"{test.name}.xml")
    if os.path.exists(report):
        os.remove(report)
    shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folders = [tempfile.mkdtemp(prefix="ringpost-check-", dir=shm),
               tempfile.mkdtemp(prefix="ringpost-check-")]
    try:
        outcome = step.run(_command(test, preset, depth, report),
                           os.path.join(log_dir, f"{test.name}.log"),
                           _environment(test, preset, depth, seed, folders, log_dir), test.cwd,
                           NIGHTLY_TIMEOUT_S if depth == "nightly" else test.timeout_s)
    finally:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    with tally.lock:  # and the lines of one test together
        _count(title, outcome, report, tally)


def _command(test, preset, depth, report):
    command = list(test.command)
    if depth != "fast":
        command += shlex.split(test.env.get("RINGPOST_CI_ARGS", ""))
    command.append(f"--gtest_output=xml:{report}")
    if preset == "tsan" and _address_space_is_shuffled_too_far():
        command = ["setarch", "-R"] + command
    return command


def _address_space_is_shuffled_too_far():
    """The thread sanitizer of g++ 12 does not start with more than 28 random bits."""
    try:
        with open("/proc/sys/vm/mmap_rnd_bits", encoding="ascii") as bits:
            return int(bits.read()) > 28 and subprocess.run(["setarch", "-R", "true"],
                                                            check=False).returncode == 0
    except (OSError, ValueError):
        return False


def _environment(test, preset, depth, seed, folders, log_dir):
    env = dict(os.environ)
    env.setdefault("ASAN_OPTIONS", "detect_stack_use_after_return=1")
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    env.setdefault("TSAN_OPTIONS", "second_deadlock_stack=1")
    env.update(RINGPOST_DEPTH=depth, RINGPOST_SEED=str(seed), RINGPOST_PRESET=preset,
               RINGPOST_SHM_DIR=folders[0], RINGPOST_STATE_DIR=folders[1],
               RINGPOST_REPORTS=log_dir)
    env.update(test.env)
    return env


def _count(title, outcome, report, tally):
    output = step.read(outcome.log)
    cases = _cases(report)
    passed = failed = skipped = 0
    for name, result in cases:
        if result == "passed":
            passed += 1
        elif result == "failed":
            failed += 1
            section = _section(output, name)
            tally.fail(f"{title}: {name}", section)
            step.show(section)
        else:
            skipped += 1
            print(f"    skipped {name}: {result}")
    if outcome.status != (1 if failed else 0) or not cases:  # a crash, a sanitizer's report
        failed += 1
        why = outcome.why() if not outcome.ok else "it ran no test"
        running = re.findall(r"^\[ RUN      \] (\S+)", output, re.M)
        if not cases and running:
            why += f", last test begun: {running[-1]}"
        shown = _from_first_report(output)
        tally.fail(f"{title}: {why}", shown)
        step.show(shown)
    tally.passed += passed
    tally.skipped += skipped
    step.say(f"  {title}: {passed} passed, {failed} failed, {skipped} skipped in {outcome.seconds:.1f} s")


def _cases(report):
    """(name, "passed" | "failed" | reason of the skip) for each test case of the report."""
    try:
        tree = xml.parse(report)
    except (OSError, xml.ParseError):
        return []
    return [(f"{case.get('classname')}.{case.get('name')}", _result(case))
            for case in tree.iter("testcase")]


def _result(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    skip = case.find("skipped")
    if skip is not None:
        lines = (skip.get("message") or "").splitlines()
        return " ".join(lines[1:]) or "no reason given"  # the first line is file:line
    if case.get("status") == "notrun":
        return "disabled"
    return "passed"


def _from_first_report(output):
    """From where a sanitizer, an assertion or a watchdog first speaks; else the end."""
    report = re.search(r"^.*(runtime error:|ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|"
                       r"terminate called|Assertion|never returned:)", output, re.M)
    return output[report.start():] if report else output[-4000:]


def _section(output, name):
    begin = output.find(f"[ RUN      ] {name}\n")
    end = output.find(f"[  FAILED  ] {name}", begin)
    return output[begin:end] if 0 <= begin < end else output
