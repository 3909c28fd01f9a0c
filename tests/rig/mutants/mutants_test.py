"""Each mutant of a table is noticed by the scenarios that the table names.

    mutants_test.py --config FILE --table FILE --folder DIR [--only NAME...] [--discover]

--discover runs every scenario against each mutant and prints who notices, for filling a table.
At RINGPOST_DEPTH=fast only the snippets are checked (each occurs exactly once).
"""

import argparse
import concurrent.futures
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "tools", "lib"))

import gtest_report  # noqa: E402
import mutants  # noqa: E402

WORKERS = 2


def make_class(builder, table, fast):
    class Mutants(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            cls.pool = concurrent.futures.ThreadPoolExecutor(WORKERS)
            cls.begun = {}
            if not fast:
                cls.unchanged = builder.build_unchanged()
                builder.group(table)
                cls.begun = {mutant.name: cls.pool.submit(mutants.verdict, builder, mutant)
                             for mutant in table}

        @classmethod
        def tearDownClass(cls):
            cls.pool.shutdown(cancel_futures=True)

        def test_scenarios_hold_without_a_mutant(self):
            if fast:
                self.skipTest("compiles a program for each mutant: at RINGPOST_DEPTH=ci only")
            names = sorted({name for mutant in table for name in mutant.caught_by})
            status, output = mutants.run_scenarios(self.unchanged, names)
            self.assertEqual(status, 0, output)

    for mutant in table:
        name = "test_" + mutant.name.replace("-", "_")
        setattr(Mutants, name, make_test(builder, mutant, fast))
    return Mutants


def make_test(builder, mutant, fast):
    def test(self):
        if fast:
            with open(os.path.join(builder.root, mutant.file), encoding="utf-8") as file:
                current = mutants.apply(mutant, file.read()) is not None
            self.assertEqual(current, mutant.expect != "out-of-date",
                             f"mutant out of date: {mutant.name} ({mutant.file})")
            return
        found, why = self.begun[mutant.name].result()
        self.assertEqual(found, mutant.expect, f"mutant {mutant.name}: {found}: {why}")
    return test


def discover(builder, table):
    builder.build_unchanged()
    for mutant in table:
        with open(os.path.join(builder.root, mutant.file), encoding="utf-8") as file:
            text = mutants.apply(mutant, file.read())
        if text is None:
            print(f"{mutant.name}: out of date")
            continue
        _, output = mutants.run_scenarios(builder.build(mutant, text), [])
        print(f"{mutant.name}:")
        for line in output.splitlines():
            if line.startswith("BROKEN "):
                print(f"  caught by {line.removeprefix('BROKEN ')}")
        builder.discard(mutant)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", required=True)
    parser.add_argument("--table", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--discover", action="store_true")
    arguments, rest = parser.parse_known_args()
    table = [mutant for mutant in mutants.read_table(arguments.table)
             if not arguments.only or mutant.name in arguments.only]
    builder = mutants.Builder(arguments.config, arguments.folder)
    if arguments.discover:
        discover(builder, table)
        return
    fast = os.environ.get("RINGPOST_DEPTH", "fast") == "fast"
    sys.argv[1:] = rest
    gtest_report.main(make_class(builder, table, fast))


if __name__ == "__main__":
    main()
