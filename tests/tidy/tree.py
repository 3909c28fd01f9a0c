"""The files of the project as the tidy rules see them, and the exceptions to the rules."""

import dataclasses
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ALLOWED = os.path.join(ROOT, "tests/tidy/allow.txt")
OUTSIDE = {".git", ".cache", "build", "__pycache__"}
TEXT_BYTES_MAX = 1 << 20


@dataclasses.dataclass(frozen=True)
class Finding:
    path: str
    line: int
    what: str
    name: str = ""  # of the function, where the finding is about one

    def __str__(self):
        return f"{self.path}:{self.line}: {self.what}"


def is_cpp(path):
    return path.endswith((".cpp", ".hpp"))


def read_tree(root=ROOT):
    """{path below root: text} of every text file of the project."""
    tree = {}
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(set(folders) - OUTSIDE)
        for file in sorted(set(files) - OUTSIDE):  # .git is a file in a linked worktree
            path = os.path.join(folder, file)
            text = _text(path)
            if text is not None:
                tree[os.path.relpath(path, root)] = text
    return tree


def _text(path):
    try:
        if os.path.islink(path) or os.path.getsize(path) > TEXT_BYTES_MAX:
            return None
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (UnicodeDecodeError, FileNotFoundError):
        return None


def read_allowed(lines):
    """{(rule, path or path:function): reason} from lines `rule place reason...`."""
    allowed = {}
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split(None, 2)
        if len(words) < 3:
            raise ValueError(f"allow.txt: no reason given: {line.strip()}")
        allowed[words[0], words[1]] = words[2].strip()
    return allowed


def without_allowed(rule, findings, allowed):
    """The findings that stay, then one for each exception of this rule that is not needed."""
    used = set()
    stay = []
    for finding in findings:
        places = {finding.path, f"{finding.path}:{finding.name}"}
        keys = {(rule, place) for place in places} & allowed.keys()
        used |= keys
        if not keys:
            stay.append(finding)
    for key in allowed.keys() - used:
        if key[0] == rule:
            stay.append(Finding("tests/tidy/allow.txt", 1, f"not needed: {key[0]} {key[1]}"))
    return stay
