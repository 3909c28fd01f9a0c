"""tools/check counts what really happened, whatever way a test program ends."""

import contextlib
import io
import os
import shutil
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../tools/lib"))
import gtest_report  # noqa: E402
import gtests  # noqa: E402

PASSED = '<testcase classname="A" name="b" status="run"/>'
FAILED = '<testcase classname="A" name="c" status="run"><failure message="no"/></testcase>'
SKIPPED = ('<testcase classname="A" name="d" status="run">'
           '<skipped message="a.cpp:1&#10;no ptrace here"/></testcase>')
DISABLED = '<testcase classname="A" name="DISABLED_e" status="notrun"/>'


def program(*cases, then="exit 0"):
    """A shell program that reports the cases where the last argument says, then ends as told."""
    report = f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>"
    write = f"printf '%s' '{report}' >\"${{1#--gtest_output=xml:}}\";" if cases else ""
    return ["sh", "-c", f"{write} {then}", "sh"]


def alive(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return "State:\tZ" not in status.read()
    except (FileNotFoundError, ProcessLookupError):
        return False


class Check(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ringpost-check-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def counted(self, command, depth="fast", env=None, timeout_s=60):
        test = gtests.Test("sample", command, {"fast"}, env or {}, timeout_s, self.folder)
        tally = gtests.Tally()
        self.output = io.StringIO()
        with contextlib.redirect_stdout(self.output):
            gtests.run(test, "release", depth, 7, self.folder, tally)
        return tally.line()

    def test_counts_passed_failed_skipped_and_disabled(self):
        self.assertEqual(self.counted(program(PASSED, FAILED, SKIPPED, DISABLED, then="exit 1")),
                         "1 passed, 1 failed, 2 skipped")
        self.assertIn("skipped A.d: no ptrace here", self.output.getvalue())

    def test_counts_crash_after_passing_as_failed(self):
        self.assertEqual(self.counted(program(PASSED, then="kill -SEGV $$")),
                         "1 passed, 1 failed, 0 skipped")
        self.assertIn("1 passed, 1 failed", self.output.getvalue())

    def test_counts_crash_before_any_report_as_failed(self):
        self.assertEqual(self.counted(program(then="echo last words; kill -ABRT $$")),
                         "0 passed, 1 failed, 0 skipped")
        self.assertIn("last words", self.output.getvalue())

    def test_counts_exit_status_of_a_sanitizer_as_failed(self):
        self.assertEqual(self.counted(program(PASSED, then="exit 66")),
                         "1 passed, 1 failed, 0 skipped")
        self.assertEqual(self.counted(program(FAILED, then="exit 66")),
                         "0 passed, 2 failed, 0 skipped")

    def test_counts_program_without_any_test_as_failed(self):
        self.assertEqual(self.counted(program(then="exit 0")), "0 passed, 1 failed, 0 skipped")

    def test_counts_hanging_program_as_failed_and_ends_its_children(self):
        hang = "sleep 1000 & echo $! >child; wait"
        self.assertEqual(self.counted(program(then=hang), timeout_s=0.5),
                         "0 passed, 1 failed, 0 skipped")
        with open(os.path.join(self.folder, "child"), encoding="ascii") as file:
            child = file.read().strip()
        while alive(child):  # the watchdog of this test tells if that never ends
            time.sleep(0.01)

    def test_counts_program_that_was_not_built_as_failed(self):
        self.assertEqual(self.counted([]), "0 passed, 1 failed, 0 skipped")

    def test_gives_depth_seed_and_folders_of_its_own(self):
        told = ('test "$RINGPOST_DEPTH $RINGPOST_SEED" = "fast 7" && '
                'test -d "$RINGPOST_SHM_DIR" && test -d "$RINGPOST_STATE_DIR"')
        self.assertEqual(self.counted(program(PASSED, then=told)), "1 passed, 0 failed, 0 skipped")

    def test_gives_arguments_of_ci_only_at_its_depth(self):
        env = {"RINGPOST_CI_ARGS": "--more"}
        expect = ["sh", "-c", 'echo "$@"; exit 3', "sh"]
        self.counted(expect, "fast", env)
        self.assertNotIn("--more", self.output.getvalue())
        self.counted(expect, "ci", env)
        self.assertIn("--more", self.output.getvalue())


if __name__ == "__main__":
    gtest_report.main(Check)
