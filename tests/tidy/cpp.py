"""Just enough C++ to find functions: comments, literals and braces."""

import re

_NOT_CODE = re.compile(
    r'''//[^\n]*
      | /\*.*?\*/
      | R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"
      | "(?:\\.|[^"\\\n])*"
      | (?<![0-9A-Za-z_])'(?:\\[^\n]+?|[^'\\\n])'
      | ^[ \t]*\#(?:[^\n]*\\\n)*[^\n]*''', re.X | re.S | re.M)

_SCOPE = re.compile(r"(inline\s+)?(namespace|class|struct|union|enum|typedef)\b")
_TEST = re.compile(r"(TEST|TEST_F|TEST_P|TYPED_TEST)\s*\(\s*(\w+)\s*,\s*(\w+)")
_CALLED = re.compile(r"(operator\s*[^\s\w(]+|~?[A-Za-z_][\w:~]*)\s*\(")
_INIT_LIST = re.compile(r"\)\s*(noexcept\s*)?(\(\s*\)\s*)?:(?!:)")
_LABELS = re.compile(r"\s*((public|private|protected)\s*:\s*)*")
_AFTER_PARENTHESIS = {"const", "noexcept", "override", "final", "mutable", "try"}


def code(text):
    """The text with comments, literals and directives emptied; lines keep their numbers."""
    def empty(match):
        quotes = '""' if match.group()[0] in "\"'R" else " "
        return quotes + "\n" * match.group().count("\n")
    return _NOT_CODE.sub(empty, text)


def functions(text):
    """(name, first line, last line) of every function body that is not inside another."""
    plain = code(text)
    found = []
    header_begin = at = 0
    while at < len(plain):
        if plain[at] in ";}":
            header_begin = at + 1
        elif plain[at] == "{":
            header = plain[header_begin:at]
            kind = _kind(_bare(header))
            end = _closing(plain, at)
            if kind == "function":
                begin = header_begin + _LABELS.match(header).end()
                found.append((_name(_bare(header)), _line(plain, begin), _line(plain, end)))
            if kind == "scope":
                header_begin = at + 1
            else:
                at = end
                header_begin = end + 1 if kind == "function" else header_begin
        at += 1
    return found


def _bare(header):
    """Without access labels, attributes and the template parameters in front."""
    header = header[_LABELS.match(header).end():]
    header = re.sub(r"\[\[.*?\]\]", "", header, flags=re.S).strip()
    while re.match(r"template\s*<", header):
        depth, at = 1, header.index("<") + 1
        while depth and at < len(header):
            depth += {"<": 1, ">": -1}.get(header[at], 0)
            at += 1
        header = header[at:].strip()
    return header


def _kind(header):
    if not header or _SCOPE.match(header) or re.fullmatch(r'extern\s*""', header):
        return "scope"
    if ")" not in header or header[-1] in "=,(":
        return "initializer"
    if re.search(r"[^=!<>]=[^=]", _top_level(header)):
        return "function" if re.search(r"=\s*\[", header) else "initializer"  # a lambda is one
    last_word = re.search(r"[\w>]+$", header)
    if _INIT_LIST.search(header) and last_word and last_word.group() not in _AFTER_PARENTHESIS:
        return "initializer"  # of a member, before the body of the constructor
    return "function"


def _top_level(header):
    """What stands outside parentheses, the symbols of operator functions left out."""
    header = re.sub(r"operator\s*[^\s\w(]+", "operator", header)
    depth, kept = 0, []
    for letter in header:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        kept.append(letter if depth == 0 else " ")
    return "".join(kept)


def _name(header):
    test = _TEST.match(header)
    if test:
        return f"{test.group(2)}.{test.group(3)}"
    called = _CALLED.search(header)
    return called.group(1) if called else "?"


def _closing(plain, at):
    depth = 0
    for index in range(at, len(plain)):
        depth += {"{": 1, "}": -1}.get(plain[index], 0)
        if depth == 0:
            return index
    return len(plain) - 1


def _line(text, index):
    return text.count("\n", 0, index) + 1
