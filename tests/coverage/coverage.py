"""Reads docs/sqs-coverage.md and its like: which rule is shown by which test."""

import glob
import os
import re
import xml.etree.ElementTree as xml

# How many rules each letter of the semantics has. SQS, E: the edge cases of its section 13.
SQS = {"A": 23, "Q": 17, "T": 20, "S": 17, "M": 8, "R": 17, "V": 11, "F": 15, "D": 9, "L": 9,
         "X": 15, "B": 7, "P": 3, "G": 5, "K": 1, "H": 1, "I": 4, "E": 28}
# K: the edge cases of section 11. R04 to R09 do not exist.
SNS = {"A": 20, "T": 9, "P": 15, "S": 13, "U": 8, "M": 16, "E": 14, "H": 5, "G": 4, "R": 21, "D": 6,
       "F": 13, "X": 11, "K": 20}
# C: the edge cases of section 10.
KINESIS = {"A": 28, "S": 24, "W": 14, "R": 17, "E": 11, "P": 14, "L": 9, "K": 22, "X": 9, "C": 27}
# Rules of filter-policy.md; they stand in the document of SNS as "filter C01".
FILTERS = {"C": 17, "O": 17, "N": 11, "I": 4, "K": 7, "E": 20, "X": 4, "V": 24}


def _ids(rules, before=""):
    return [f"{before}{letter}{number:02}"
            for letter, count in rules.items() for number in range(1, count + 1)]


IDS = {"sqs": _ids(SQS),
       "sns": [each for each in _ids(SNS) if not "R04" <= each <= "R09"] +
              _ids(FILTERS, "filter "),
       "kinesis": _ids(KINESIS)}

_ROW = re.compile(r"^\| ((?:filter )?[A-Z]\d\d) \| (.*) \| (.*) \|$", re.M)
_TICK = re.compile(r"`(\w+\.\w+)`")
_STATES = re.compile(r"gateway|open|left out: \S.*")
_TEST = re.compile(r"^(?:TEST|TEST_F|TEST_P|TYPED_TEST)\((\w+),\s*(\w+)\)", re.M)


def rows(text):
    """[(id, what shows it)]"""
    return [(match.group(1), match.group(3)) for match in _ROW.finditer(text)]


def wrong_ids(text, ids):
    """What is to be said of ids that do not stand exactly once."""
    found = [row[0] for row in rows(text)]
    return ([f"{each} stands {found.count(each)} times, not once"
             for each in ids if found.count(each) != 1] +
            [f"{each} is no rule" for each in found if each not in ids])


def ticks(text):
    """{test: ids that it shows}"""
    shown = {}
    for rule, by in rows(text):
        if not _STATES.fullmatch(by):
            for test in _TICK.findall(by):
                shown.setdefault(test, []).append(rule)
    return shown


def wrong_states(text):
    """Rows that say neither of the words nor only names of tests."""
    return [f"{rule}: {by}" for rule, by in rows(text)
            if not _STATES.fullmatch(by) and _TICK.sub("", by).strip() or not by.strip()]


def tests_in_sources(folder):
    """Suite.Test of every gtest below the folder."""
    names = set()
    for path in glob.glob(f"{folder}/**/*.cpp", recursive=True):
        with open(path, encoding="utf-8") as file:
            names |= {f"{suite}.{test}" for suite, test in _TEST.findall(file.read())}
    return names


def results(folder):
    """{Suite.Test without parameters: whether each case that ran of it passed} of reports."""
    passed = {}
    for path in glob.glob(f"{folder}/*.xml"):
        try:
            cases = list(xml.parse(path).iter("testcase"))
        except xml.ParseError:
            continue  # of a program that crashed
        for case in cases:
            # Of/Suite.Test/Parameter, or Suite/0.Test for a type.
            suite = [each for each in case.get("classname").split("/") if not each.isdigit()][-1]
            name = f"{suite}.{case.get('name').split('/')[0]}"
            good = case.get("status") == "run" and not any(
                case.find(each) is not None for each in ("failure", "error", "skipped"))
            passed[name] = passed.get(name, True) and good
    return passed
