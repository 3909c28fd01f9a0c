"""What tools/check does once its packages are there. Runs in the project's top folder."""

import argparse
import concurrent.futures
import os
import re
import shutil
import signal
import sys
import traceback

import gtests
import nightly
import step

LOGS = os.path.abspath("build/check-logs")
PRESETS = {"fast": ["release"], "ci": ["release", "asan", "tsan"], "nightly": ["release"]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=PRESETS)
    parser.add_argument("--minutes", type=int, default=60)
    arguments = parser.parse_args()
    # Started in the background, SIGINT is ignored, and every test would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    tally = gtests.Tally()
    try:
        for preset in PRESETS[arguments.mode]:
            if not build(preset, tally):
                continue
            log_dir = os.path.join(LOGS, preset)
            if arguments.mode == "nightly":
                nightly.run("build/release", arguments.minutes, log_dir, tally)
            else:
                run_tests(preset, arguments.mode, log_dir, tally)
    except KeyboardInterrupt:
        tally.fail("interrupted")
    except Exception:  # the last line is printed and says so, whatever went wrong
        step.show(traceback.format_exc())
        tally.fail("tools/check itself")
    return finish(tally)


def build(preset, tally):
    """Configures and builds; a failure counts as one failed test."""
    folder = f"build/{preset}"
    forget_moved_build(folder)
    jobs = str(len(os.sched_getaffinity(0)))
    for what, command in (("configure", ["cmake", "--preset", preset]),
                          ("build", ["cmake", "--build", folder, "-j", jobs])):
        step.say(f"{preset}: {what}")
        outcome = step.run(command, os.path.join(LOGS, preset, f"{what}.log"))
        if not outcome.ok:
            tally.fail(f"{preset}: {what}: {outcome.why()}")
            log = step.read(outcome.log)
            first = re.search(r"^(FAILED:|CMake Error)", log, re.M)
            step.show(log[first.start():] if first else log)
            return False
    return True


def forget_moved_build(folder):
    """CMake refuses a build folder that was configured for sources in another place."""
    try:
        with open(f"{folder}/CMakeCache.txt", encoding="utf-8") as cache:
            home = re.search(r"^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$", cache.read(), re.M)
    except FileNotFoundError:
        return
    if not home or os.path.realpath(home.group(1)) != os.path.realpath("."):
        shutil.rmtree(folder)


def run_tests(preset, depth, log_dir, tally):
    seed = int(os.environ.get("RINGPOST_SEED") or 1)
    tests = [test for test in gtests.listed(f"build/{preset}")
             if preset == "release" or test.labels & {"fast", preset}]

    def run(test):
        gtests.run(test, preset, depth, seed, log_dir, tally)

    for test in tests:
        if not test.labels & {"single", "last"}:
            run(test)
    side_by_side([test for test in tests if "single" in test.labels], run)
    for test in tests:
        if "last" in test.labels:
            run(test)


def side_by_side(tests, run):
    """As many at a time as there are cores."""
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        running = [pool.submit(run, test) for test in tests]
        try:
            for each in running:
                each.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            step.end_all()  # else the pool waits for them
            raise


def finish(tally):
    if tally.failures:
        print("\nfailed:")
        for what, output in tally.failures:
            print(f"  {what}")
            step.show(output, 24)  # again, shorter: whoever sees only the end of this learns why
    print(f"logs: {os.path.relpath(LOGS)}\n")
    print(tally.line(), flush=True)
    return 0 if tally.passed and not tally.failed else 1


if __name__ == "__main__":
    sys.exit(main())
