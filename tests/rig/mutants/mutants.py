"""Mutants: one rule of a protocol dropped in a copy of the sources, and who has to notice.

A table is a text file of records:

    mutant    skip-without-winning
    rule      Send 2: "only if that succeeded help the tail on"
    file      src/ring/sender.cpp
    find
    | return view.move_lease(slot, word, word.with_lap(lap)) ? Step::kAdvance : Step::kAgain;
    replace
    | (void)view.move_lease(slot, word, word.with_lap(lap));
    | return Step::kAdvance;
    caught by explore/send|acknowledge
    caught by crash/send

`find` must occur exactly once in the file, amounts of white space apart; an empty `replace` deletes
it. A rule that stands in two places of a file has two pairs of them. `caught by` names scenarios by
the beginning of their names; each of them must notice. `also` names a source of the rig that is to
be compiled with a changed header, beside the shipped ones: of one mutant, or, before the first one,
of all.
`as statements` or `as expression` says what `find` and `replace` are, if they can stand side by side
in one program: then mutants of one source are compiled together, and each is switched on when it is
its turn. What is found must not declare anything that is used behind it.
`expect` is caught (default), not-caught or out-of-date: the last two are for the rig's own test.
A line that begins with # is a comment.
"""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import threading

RUN_TIMEOUT_S = 300
EXPECTATIONS = ("caught", "not-caught", "out-of-date")
FORMS = {
    "": None,
    "statements": "if (ringpost_mutant == {n}) {{\n{replace}\n}} else {{\n{find}\n}}",
    "expression": "(ringpost_mutant == {n} ? ({replace}) : ({find}))",
}
SWITCH = "RINGPOST_MUTANT"
SWITCH_TEXT = f"""#include <cstdlib>
inline const int ringpost_mutant = std::atoi(std::getenv("{SWITCH}"));
#line 1
"""


@dataclasses.dataclass
class Mutant:
    name: str
    rule: str = ""
    file: str = ""
    edits: list = dataclasses.field(default_factory=list)
    caught_by: list = dataclasses.field(default_factory=list)
    also: list = dataclasses.field(default_factory=list)
    expect: str = "caught"
    form: str = ""  # of FORMS


class TableError(Exception):
    pass


def read_table(path):
    mutants, block, also = [], None, []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            line = line.rstrip("\n")
            if not line.strip() or line.startswith("#"):
                continue
            if line.startswith("|"):
                if block is None:
                    raise TableError(f"{path}:{number}: text outside find and replace")
                if not mutants[-1].edits:
                    raise TableError(f"{path}:{number}: replace without find")
                mutants[-1].edits[-1][block] += line[1:].removeprefix(" ") + "\n"
                continue
            if not mutants and line.startswith("also "):
                also.append(line.removeprefix("also ").strip())
                continue
            block = _field(path, number, line, mutants)
    for mutant in mutants:
        mutant.also += also
        complete = mutant.edits and all(edit["find"] for edit in mutant.edits)
        if not (mutant.rule and mutant.file and complete and mutant.caught_by) \
                or mutant.expect not in EXPECTATIONS or mutant.form not in FORMS:
            raise TableError(f"{path}: mutant {mutant.name} is not complete")
    if len({mutant.name for mutant in mutants}) != len(mutants):
        raise TableError(f"{path}: two mutants of one name")
    return mutants


def _field(path, number, line, mutants):
    """Takes one field; returns the name of the block of text that follows it, if one does."""
    key, _, value = line.partition(" ")
    value = value.strip()
    if key == "mutant":
        mutants.append(Mutant(value))
    elif not mutants:
        raise TableError(f"{path}:{number}: a mutant begins with its name")
    elif key in ("find", "replace"):
        if key == "find":
            mutants[-1].edits.append({"find": "", "replace": ""})
        return key
    elif key in ("rule", "file", "expect"):
        setattr(mutants[-1], key, value)
    elif key == "as":
        mutants[-1].form = value
    elif line.startswith("caught by "):
        mutants[-1].caught_by.append(line.removeprefix("caught by ").strip())
    elif key == "also":
        mutants[-1].also.append(value)
    else:
        raise TableError(f"{path}:{number}: unknown field {key}")
    return None


def _pattern(edit):
    return re.compile(r"\s+".join(re.escape(word) for word in edit["find"].split()))


def apply(mutant, text):
    """The changed text, or None if a snippet does not occur exactly once."""
    for edit in mutant.edits:
        pattern = _pattern(edit)
        if len(pattern.findall(text)) != 1:
            return None
        text = pattern.sub(lambda match, edit=edit: edit["replace"].rstrip("\n"), text)
    return text


def _spans(mutant, text):
    """Where its snippets stand: (begin, end, edit), or None if one does not occur exactly once."""
    spans = []
    for edit in mutant.edits:
        found = list(_pattern(edit).finditer(text))
        if len(found) != 1:
            return None
        spans.append((*found[0].span(), edit))
    return spans


def switched(table, text):
    """(text, mutants in it): with as many of the table as stand apart; number n + 1 switches on the
    n-th."""
    taken, inside = [], []
    for mutant in table:
        spans = _spans(mutant, text)
        if spans is None or any(begin < other[1] and other[0] < end
                                for begin, end, _ in spans for other in taken):
            continue
        inside.append(mutant)
        taken += [(begin, end, edit, len(inside), FORMS[mutant.form])
                  for begin, end, edit in spans]
    for begin, end, edit, number, form in sorted(taken, key=lambda each: -each[0]):
        both = form.format(n=number, find=text[begin:end], replace=edit["replace"].rstrip("\n"))
        text = text[:begin] + both + text[end:]
    return SWITCH_TEXT + text, inside


class Builder:
    """Links the scenarios of a configuration that CMake wrote, changed or not.

    What a mutant leaves alone comes from the build of the rig itself. A changed source is compiled;
    for a changed header of `src`, the shipped sources that include it are, and the rig's own only
    where no shipped one does, or where the table says so. Changed objects are linked first, so that
    inline functions which others contain too are the changed ones.
    """

    def __init__(self, config, folder):
        with open(config, encoding="utf-8") as file:
            self.config = json.load(file)
        self.root = self.config["root"]
        self.folder = folder
        self.objects = {}
        self.needs = {}
        self.lock = threading.Lock()
        self.together = {}  # name of a mutant: (its place, its number in it)

    def group(self, table):
        """Finds out what is built together. After build_unchanged()."""
        files = {mutant.file for mutant in table if mutant.form and mutant.file in self.objects}
        for file in sorted(files):
            with open(os.path.join(self.root, file), encoding="utf-8") as source:
                text = source.read()
            left = [mutant for mutant in table if mutant.file == file and mutant.form]
            while left:
                changed, inside = switched(left, text)
                if not inside:
                    break
                place = {"file": file, "text": changed, "lock": threading.Lock(), "program": None,
                         "folder": os.path.join(self.folder, "with-" + inside[0].name)}
                for number, mutant in enumerate(inside, 1):
                    self.together[mutant.name] = (place, number)
                left = [mutant for mutant in left if mutant not in inside]

    def program_of(self, mutant, text):
        """(program, environment in which it has this mutant)"""
        if mutant.name not in self.together:
            return self.build(mutant, text), {}
        place, number = self.together[mutant.name]
        with place["lock"]:
            if place["program"] is None:
                place["program"] = self._build_changed(
                    place["folder"], place["file"], place["text"], [place["file"]])
        return place["program"], {SWITCH: str(number)}

    def build_unchanged(self):
        folder = os.path.join(self.folder, "unchanged")
        os.makedirs(folder, exist_ok=True)
        built = dict(zip(self.config["sources"], self.config["objects"], strict=True))
        for source, target in built.items():
            if not target.endswith(os.path.basename(source) + ".o"):
                raise RuntimeError(f"{target} is not the object of {source}")
        main = self.config["main"]
        self.objects = {main: self._compile(self.root, main, folder), **built}
        return self._link(list(self.objects.values()), folder)

    def build(self, mutant, text):
        folder = os.path.join(self.folder, mutant.name)
        return self._build_changed(folder, mutant.file, text, self._sources_of(mutant))

    def _build_changed(self, folder, path, text, sources):
        shutil.rmtree(folder, ignore_errors=True)
        changed = os.path.join(folder, path)
        os.makedirs(os.path.dirname(changed))
        with open(changed, "w", encoding="utf-8") as file:
            file.write(text)
        objects = {source: self._compile(folder, source, folder) for source in sources}
        rest = [target for source, target in self.objects.items() if source not in objects]
        return self._link([*objects.values(), *rest], folder)

    def discard(self, mutant):
        shutil.rmtree(os.path.join(self.folder, mutant.name), ignore_errors=True)

    def _sources_of(self, mutant):
        """What is compiled for it."""
        if mutant.file in self.objects:
            return [mutant.file]
        users = [source for source in self.objects if mutant.file in self._needs_of(source)]
        shipped = [source for source in users if source.startswith("src/")]
        return (shipped or users) + [source for source in mutant.also if source not in shipped]

    def _needs_of(self, source):
        with self.lock:
            if source not in self.needs:
                text = _run([*self._command(self.root), "-MM", os.path.join(self.root, source)])
                real = os.path.realpath(self.root)
                self.needs[source] = {os.path.relpath(os.path.realpath(word), real)
                                      for word in text.replace("\\\n", " ").split()[1:]}
            return self.needs[source]

    def _command(self, first_root):
        """With the includes of `first_root`, then the unchanged ones: all are named from a root."""
        roots = dict.fromkeys([first_root, self.root])
        return [*self.config["compile"], *(f"-I{os.path.join(root, part)}"
                                           for root in roots for part in self.config["include"])]

    def _compile(self, first_root, source, folder):
        target = os.path.join(folder, source.replace("/", "_") + ".o")
        here = os.path.join(first_root, source)
        path = here if os.path.exists(here) else os.path.join(self.root, source)
        _run([*self._command(first_root), "-c", path, "-o", target])
        return target

    def _link(self, objects, folder):
        program = os.path.join(folder, "scenarios")
        _run([*self.config["link"][:1], *objects, *self.config["link"][1:], "-o", program])
        return program


def _run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(" ".join(command) + "\n" + done.stdout + done.stderr)
    return done.stdout


def run_scenarios(program, names, environment=None):
    """(exit status, output); a status below 0 is a signal, None means it did not end."""
    try:
        done = subprocess.run([program, *names], capture_output=True, text=True, check=False,
                              timeout=RUN_TIMEOUT_S, errors="replace",
                              env={**os.environ, **(environment or {})})
    except subprocess.TimeoutExpired:
        return None, "it did not end"
    return done.returncode, done.stdout + done.stderr


def verdict(builder, mutant):
    """(caught | not-caught | out-of-date, explanation)"""
    path = os.path.join(builder.root, mutant.file)
    try:
        with open(path, encoding="utf-8") as file:
            text = apply(mutant, file.read())
    except FileNotFoundError:
        text = None
    if text is None:
        return "out-of-date", f"its snippet does not occur exactly once in {mutant.file}"
    program, environment = builder.program_of(mutant, text)
    for name in mutant.caught_by:
        status, output = run_scenarios(program, [name], environment)
        if status == 0:
            return "not-caught", f"{name} holds although the rule is dropped: {mutant.rule}"
        if status != 1:
            return "failed", f"{name}: exit status {status}\n{output}"
    builder.discard(mutant)
    return "caught", ""
