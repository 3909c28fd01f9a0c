"""Reads docs/sqs-coverage.md: which rule of SQS is shown by which test."""

import glob
import os
import re
import xml.etree.ElementTree as xml

# How many rules each letter of the semantics has; E: the edge cases of its section 13.
RULES = {"A": 23, "Q": 17, "T": 20, "S": 17, "M": 8, "R": 17, "V": 11, "F": 15, "D": 9, "L": 9,
         "X": 15, "B": 7, "P": 3, "G": 5, "K": 1, "H": 1, "I": 4, "E": 28}
IDS = [f"{letter}{number:02}" for letter, count in RULES.items() for number in range(1, count + 1)]

_ROW = re.compile(r"^\| ([A-Z]\d\d) \| (.*) \| (.*) \|$", re.M)
_TICK = re.compile(r"`(\w+\.\w+)`")
_STATES = re.compile(r"gateway|open|left out: \S.*")
_TEST = re.compile(r"^(?:TEST|TEST_F|TEST_P|TYPED_TEST)\((\w+),\s*(\w+)\)", re.M)


def rows(text):
    """[(id, what shows it)]"""
    return [(match.group(1), match.group(3)) for match in _ROW.finditer(text)]


def wrong_ids(text):
    """What is to be said of ids that do not stand exactly once."""
    found = [row[0] for row in rows(text)]
    return ([f"{each} stands {found.count(each)} times, not once"
             for each in IDS if found.count(each) != 1] +
            [f"{each} is no rule" for each in found if each not in IDS])


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
