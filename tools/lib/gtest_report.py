"""Runs unittest classes as a program of gtests would: same lines, same --gtest_output=xml:FILE."""

import argparse
import sys
import time
import unittest
import xml.etree.ElementTree as xml


def main(*classes):
    parser = argparse.ArgumentParser()
    parser.add_argument("--gtest_output", default="", metavar="xml:FILE")
    arguments = parser.parse_args()
    loader = unittest.TestLoader()
    suite = unittest.TestSuite(loader.loadTestsFromTestCase(each) for each in classes)
    result = _Result()
    suite.run(result)
    kind, _, path = arguments.gtest_output.partition(":")
    if kind == "xml":
        xml.ElementTree(result.report).write(path, encoding="utf-8", xml_declaration=True)
    sys.exit(0 if result.wasSuccessful() else 1)


def _name(test):
    words = test.id().split(".")[-1].removeprefix("test_").split("_")
    return type(test).__name__, "".join(word[:1].upper() + word[1:] for word in words)


class _Result(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.report = xml.Element("testsuites", name="AllTests")

    def startTest(self, test):
        super().startTest(test)
        self.begin = time.monotonic()
        print("[ RUN      ] {}.{}".format(*_name(test)), flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self._end(test, "      OK")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        print(reason)
        xml.SubElement(self._end(test, " SKIPPED"), "skipped", message=f"\n{reason}")

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self._failed(test, str(error[1]))

    def addError(self, test, error):
        super().addError(test, error)
        self._failed(test, self._exc_info_to_string(error, test))

    def _failed(self, test, message):
        print(message)
        xml.SubElement(self._end(test, " FAILED "), "failure", message=message)

    def _end(self, test, word):
        seconds = time.monotonic() - self.begin
        group, name = _name(test)
        print(f"[ {word} ] {group}.{name} ({1000 * seconds:.0f} ms)", flush=True)
        return xml.SubElement(self.report, "testcase", classname=group, name=name, status="run",
                              time=f"{seconds:.3f}")
