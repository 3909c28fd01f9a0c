"""Every tidy rule finds what it is there to find, in a sample seeded with it, and no more."""

import os
import sys
import unittest

import cpp
import rules
import tree

sys.path.insert(0, os.path.join(tree.ROOT, "tools/lib"))
import gtest_report  # noqa: E402

LONG_BODY = "  call();\n" * rules.FUNCTION_LINES_MAX


class TidyRule(unittest.TestCase):
    def found(self, rule, **files):
        """Lines found in one sample file; the keyword is its path with __ for / and _ext last."""
        sample = {key.replace("__", "/").replace("_cpp", ".cpp").replace("_hpp", ".hpp"): text
                  for key, text in files.items()}
        return [finding.line for finding in rules.RULES[rule](sample)]

    def test_columns(self):
        text = "//" + "x" * 98 + "\n//" + "é" * 98 + "\n//" + "x" * 99 + "\n"
        self.assertEqual(self.found("columns", src__a_cpp=text), [3])

    def test_function_lines(self):
        text = f"int small() {{\n  return 1;\n}}\nvoid large() {{\n{LONG_BODY}}}\n"
        self.assertEqual(self.found("function-lines", src__a_cpp=text), [4])

    def test_function_lines_in_a_class_behind_a_member_initialiser(self):
        text = f"class A {{\n public:\n  A() noexcept : b_{{1}}, c_(2) {{\n{LONG_BODY}  }}\n}};\n"
        self.assertEqual(self.found("function-lines", src__a_hpp=text), [3])

    def test_function_lines_leaves_classes_tables_and_short_tests_alone(self):
        rows = "  {1, 2},\n" * 80
        members = "  int member;\n" * 80
        text = (f"namespace a {{\nconst Row kRows[] = {{\n{rows}}};\nstruct S {{\n{members}}};\n"
                f"TEST(A, B) {{\n  const char* brace = \"{{\";  // {{\n}}\n}}\n")
        self.assertEqual(self.found("function-lines", src__a_cpp=text), [])

    def test_names_of_functions(self):
        text = ("template <class T, class U = X<int>>\nauto f(int a = 1) -> std::vector<T> {}\n"
                "bool operator==(A, B) {}\nTEST(Ring, Wraps) {}\nA::~A() {}\n")
        self.assertEqual([name for name, _, _ in cpp.functions(text)],
                         ["f", "operator==", "Ring.Wraps", "A::~A"])

    def test_file_lines(self):
        self.assertEqual(self.found("file-lines", src__a_cpp="\n" * 601), [1])
        self.assertEqual(self.found("file-lines", src__a_cpp="\n" * 600), [])

    def test_layers_refuse_a_higher_one(self):
        text = '#include "base/align.hpp"\n#include "ring/slot.hpp"\n#include <vector>\n'
        self.assertEqual(self.found("layers", src__shm__a_cpp=text), [2])

    def test_layers_refuse_internals_in_a_public_header(self):
        text = '#include "ringpost/types.hpp"\n#include "base/align.hpp"\n'
        self.assertEqual(self.found("layers", include__ringpost__queue_hpp=text), [2])

    def test_layers_refuse_a_promise_of_a_higher_one(self):
        self.assertEqual(
            self.found("layers", src__ring__a_cpp='#include "ringpost/bus.hpp"\n'), [1])

    def test_layers_refuse_tests_and_unknown_folders(self):
        self.assertEqual(
            self.found("layers", src__base__a_cpp='#include "support/x.hpp"\n'), [1])
        self.assertEqual(self.found("layers", src__elsewhere__a_cpp=""), [1])

    def test_leftovers(self):
        text = "fine\n// TO" + "DO: later\n# FIX" + "ME\nHACKNEY\n"
        self.assertEqual(self.found("leftovers", docs__a="\n" + text), [3, 4])

    def test_atomic_wait(self):
        text = "word.wait(1);\np->notify_all();\noptions.wait.count();\n// x.wait(1)\n.wait = 20s\n"
        self.assertEqual(self.found("atomic-wait", src__a_cpp=text), [1, 2])

    def test_machine_paths(self):
        text = 'a("/dev/shm/x");\nb("/ho' + 'me/someone/x");\nc("src/work/x", "../ro' + 'ot/x");\n'
        self.assertEqual(self.found("machine-paths", src__a_cpp=text), [2])

    def test_ordering_wants_both_ends_and_the_table(self):
        both = "// release [slot-ready].\n[[likely]] a[i];  // acquire: [slot-ready]\n"
        files = {"src/ring/a.hpp": both, rules.ORDERING: "| [slot-ready] | send | receive |\n"}
        self.assertEqual(rules.ordering(files), [])
        one_end = {**files, "src/ring/a.hpp": "// [slot-ready] release\na[slot];\n"}
        self.assertEqual(len(rules.ordering(one_end)), 1)
        no_table = {"src/ring/a.hpp": both}
        self.assertEqual(len(rules.ordering(no_table)), 1)
        only_table = {rules.ORDERING: files[rules.ORDERING]}
        self.assertEqual(len(rules.ordering(only_table)), 1)
        twice = {**files, rules.ORDERING: 2 * files[rules.ORDERING]}
        self.assertEqual(len(rules.ordering(twice)), 1)

    def test_shared_fields(self):
        layout = {path: "".join(f"struct {name} {{\n  int {name.lower()};  ///< it\n}};\n"
                                for name in names) for path, names in rules.SHARED.items()}
        rows = [f"| `{name}::{name.lower()}` | by |\n"
                for names in rules.SHARED.values() for name in names]
        files = {**layout, rules.SHARED_MEMORY: "".join(rows)}
        self.assertEqual(rules.shared_fields(files), [])
        self.assertEqual(len(rules.shared_fields({**files, rules.SHARED_MEMORY: rows[0]})),
                         len(rows) - 1)
        self.assertEqual(len(rules.shared_fields({**files, rules.SHARED_MEMORY: "".join(
            rows + ["| `Stripe::gone` | by |\n"])})), 1)
        hot = ("struct alignas(64) WaitWord {\n  alignas(base::kLine) std::atomic<int> waitword;\n"
               "  shm::Word extra[kCount];\n  int f() noexcept {\n    return 1;\n  }\n};\n")
        found = rules.shared_fields({**files, "src/shm/wait_word.hpp": hot})
        self.assertEqual(["extra" in finding.what for finding in found], [True])

    def test_mutants(self):
        files = {rules.MUTANTS[0]: "# mutant no\nmutant    no-skip\nrule      8\n",
                 rules.MUTANTS[1]: "mutant    oldest-first\n",
                 rules.TESTING: "| rule | `no-skip` `oldest-first` of `ring.txt` |\n",
                 rules.ORDERING: "`no-skip`\n"}
        self.assertEqual(rules.mutants(files), [])
        self.assertEqual(len(rules.mutants({**files, rules.TESTING: "`no-skip`"})), 1)
        self.assertEqual(len(rules.mutants({**files, rules.ORDERING: "`no-such`"})), 1)

    def test_examples(self):
        files = {"README.md": "x\n```cpp\nint main() {}\n```\n",
                 rules.README_EXAMPLE: "int main() {}\n",
                 rules.EXAMPLES + "README.md": "| [first_message.cpp](first_message.cpp) | it |\n"}
        self.assertEqual(rules.examples(files), [])
        for path, text in (("README.md", "```cpp\nint main() { }\n```\n"),
                           (rules.EXAMPLES + "README.md", ""),
                           (rules.EXAMPLES + "other.cpp", "int main() {}\n")):
            self.assertEqual(len(rules.examples({**files, path: text})), 1, path)
        gone = {**files, rules.EXAMPLES + "README.md": files[rules.EXAMPLES + "README.md"] +
                "| [gone.cpp](gone.cpp) | not there |\n"}
        self.assertEqual(len(rules.examples(gone)), 1)
        long = "int main() {}\n" + "\n" * rules.EXAMPLE_LINES_MAX
        self.assertEqual(len(rules.examples({**files, rules.README_EXAMPLE: long,
                                             "README.md": f"```cpp\n{long}```\n"})), 1)

    def test_checkout_path(self):
        pattern = rules.own_path("/srv/check" + "out")
        self.assertTrue(pattern.search('cd "/srv/check' + 'out/src"'))
        self.assertFalse(pattern.search("/srv/check" + "outs"))


class TidyExceptions(unittest.TestCase):
    FINDINGS = [tree.Finding("a.cpp", 1, "f is long", "f"), tree.Finding("b.cpp", 1, "long")]

    def stay(self, *lines):
        allowed = tree.read_allowed(lines)
        return [f.path for f in tree.without_allowed("function-lines", self.FINDINGS, allowed)]

    def test_allow_one_function(self):
        self.assertEqual(self.stay("function-lines a.cpp:f a table of cases"), ["b.cpp"])

    def test_of_another_rule_do_not_count(self):
        self.assertEqual(self.stay("columns a.cpp a long address"), ["a.cpp", "b.cpp"])

    def test_not_needed_are_findings(self):
        self.assertIn("tests/tidy/allow.txt", self.stay("function-lines c.cpp gone"))

    def test_without_reason_are_refused(self):
        self.assertRaises(ValueError, tree.read_allowed, ["columns a.cpp"])


if __name__ == "__main__":
    gtest_report.main(TidyRule, TidyExceptions)
