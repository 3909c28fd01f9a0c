"""The project keeps its own style: every rule over every file."""

import os
import re
import shutil
import subprocess
import sys
import unittest

import rules
import tree

sys.path.insert(0, os.path.join(tree.ROOT, "tools/lib"))
import gtest_report  # noqa: E402

CLANG_FORMAT = "clang-format-14"


class Tidy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = tree.read_tree()
        with open(tree.ALLOWED, encoding="utf-8") as lines:
            cls.allowed = tree.read_allowed(lines)

    def none(self, findings):
        if findings:
            self.fail("\n".join(map(str, findings)))

    def test_names_of_rules_in_exceptions_exist(self):
        self.assertLessEqual({rule for rule, _ in self.allowed}, set(rules.RULES))

    def test_path_of_this_checkout_is_in_no_file(self):
        pattern = rules.own_path(tree.ROOT)
        self.none([tree.Finding(path, text.count("\n", 0, match.start()) + 1, match.group())
                   for path, text in self.files.items() for match in pattern.finditer(text)])

    def test_clang_format(self):
        if not shutil.which(CLANG_FORMAT):
            self.skipTest(f"{CLANG_FORMAT} is not installed")
        sources = [path for path in self.files if tree.is_cpp(path)]
        result = subprocess.run([CLANG_FORMAT, "--dry-run", "--Werror", *sources], cwd=tree.ROOT,
                                capture_output=True, text=True, check=False)
        places = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", result.stderr, re.M)))
        if result.returncode:
            self.fail(f"{CLANG_FORMAT} -i {' '.join(places)}" if places else result.stderr)


def _add(name, rule):
    def test(self):
        self.none(tree.without_allowed(name, rule(self.files), self.allowed))
    setattr(Tidy, "test_" + name.replace("-", "_"), test)


for _name, _rule in rules.RULES.items():
    _add(_name, _rule)

if __name__ == "__main__":
    gtest_report.main(Tidy)
