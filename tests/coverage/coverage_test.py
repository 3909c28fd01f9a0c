"""The documents of coverage are complete, and what they say is shown by tests that passed.

In tools/check this runs after all the others and finds their reports in $RINGPOST_REPORTS.
"""

import os
import sys
import tempfile
import unittest

import coverage

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools/lib"))
import gtest_report  # noqa: E402


class OfEveryRule:
    """The checks of one document; its class names the service."""

    @classmethod
    def setUpClass(cls):
        with open(f"{ROOT}/docs/{cls.service}-coverage.md", encoding="utf-8") as file:
            cls.text = file.read()

    def none(self, findings):
        if findings:
            self.fail("\n".join(findings))

    def test_names_every_rule_once(self):
        self.none(coverage.wrong_ids(self.text, coverage.IDS[self.service]))

    def test_says_what_shows_each_rule_or_why_nothing_does(self):
        self.none(coverage.wrong_states(self.text))

    def test_names_tests_that_exist(self):
        there = coverage.tests_in_sources(f"{ROOT}/tests")
        self.none([f"{test} does not exist ({' '.join(rules)})"
                   for test, rules in coverage.ticks(self.text).items() if test not in there])

    def test_names_tests_that_passed(self):
        reports = os.environ.get("RINGPOST_REPORTS")
        if not reports:
            self.skipTest("only tools/check has the reports of the other tests")
        passed = coverage.results(reports)
        self.none([f"{test} {'failed or was skipped' if test in passed else 'did not run'} "
                   f"({' '.join(rules)})"
                   for test, rules in coverage.ticks(self.text).items() if not passed.get(test)])


class SqsCoverage(OfEveryRule, unittest.TestCase):
    service = "sqs"


class SnsCoverage(OfEveryRule, unittest.TestCase):
    service = "sns"


class KinesisCoverage(OfEveryRule, unittest.TestCase):
    service = "kinesis"


class TableOfRules(unittest.TestCase):
    def test_with_a_missing_or_doubled_id_is_found(self):
        ids = coverage.IDS["sqs"]
        good = "".join(f"| {rule} | x | gateway |\n" for rule in ids)
        self.assertEqual(coverage.wrong_ids(good, ids), [])
        self.assertEqual(coverage.wrong_ids(good.replace("| D05 | x | gateway |\n", ""), ids),
                         ["D05 stands 0 times, not once"])
        self.assertEqual(coverage.wrong_ids(good + "| D05 | x | open |\n", ids),
                         ["D05 stands 2 times, not once"])
        self.assertEqual(coverage.wrong_ids(good + "| E29 | x | open |\n", ids),
                         ["E29 is no rule"])
        self.assertEqual(coverage.wrong_ids(good + "| filter E01 | x | open |\n", ids),
                         ["filter E01 is no rule"])

    def test_with_another_state_is_found(self):
        for by in ("gateway", "open", "left out: why", "`A.B`", "`A.B` `C.D`"):
            self.assertEqual(coverage.wrong_states(f"| A01 | x | {by} |\n"), [], by)
        for by in ("later", "left out", "`A.B` mostly", "A.B", ""):
            self.assertEqual(len(coverage.wrong_states(f"| A01 | x | {by} |\n")), 1, by)

    def test_ticks_are_names_of_tests_and_not_words_of_a_reason(self):
        text = "| A01 | x | `A.B` `C.D` |\n| A02 | x | `A.B` |\n| A03 | x | left out: see `E.F` |\n"
        self.assertEqual(coverage.ticks(text), {"A.B": ["A01", "A02"], "C.D": ["A01"]})


REPORT = """<testsuites><testsuite>
<testcase classname="A" name="Good" status="run"/>
<testcase classname="A" name="Skipped" status="run"><skipped/></testcase>
<testcase classname="A" name="Disabled" status="notrun"/>
<testcase classname="Of/B" name="OneFails/X" status="run"/>
<testcase classname="Of/B" name="OneFails/Y" status="run"><failure/></testcase>
<testcase classname="C/0" name="OfATypeIsGood" status="run"/>
</testsuite></testsuites>"""


class Reports(unittest.TestCase):
    def test_say_whether_every_case_of_a_test_passed(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{folder}/a.xml", "w", encoding="utf-8") as file:
                file.write(REPORT)
            self.assertEqual(coverage.results(folder),
                             {"A.Good": True, "A.Skipped": False, "A.Disabled": False,
                              "B.OneFails": False, "C.OfATypeIsGood": True})


if __name__ == "__main__":
    gtest_report.main(SqsCoverage, SnsCoverage, TableOfRules, Reports)
