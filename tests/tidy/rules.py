"""The rules of style: each takes {path: text} and gives its findings."""

import os
import re

import cpp
from tree import Finding, is_cpp

COLUMNS_MAX = 100
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 600
CODE = (".cpp", ".hpp", ".py", ".cmake", "CMakeLists.txt")

# A lower layer never includes a higher one; a folder of src/ stands here or is a finding.
LAYERS = {"base": 0, "sys": 1, "dedup": 1, "sqs": 1, "filter": 1, "push": 1, "disk": 2, "log": 3,
          "shm": 4, "ring": 5, "journal": 5, "durable": 6, "group": 6, "fair": 7, "queue": 8, "topic": 9,
          "stream": 9, "client": 10, "http": 11}
# Public headers that promise what a layer gives; the others depend on nothing.
PUBLIC = {"queue.hpp": "queue", "message.hpp": "queue", "bus.hpp": "client", "topic.hpp": "topic",
          "stream.hpp": "stream",
          "wait_set.hpp": "client", "admin.hpp": "client", "push.hpp": "client",
          "ringpost.hpp": "client", "consumer_group.hpp": "client", "producer.hpp": "client",
          "log_admin.hpp": "client", "log_writer.hpp": "queue",
          "http_provider.hpp": "http"}

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.M)
_LEFTOVER = re.compile(r"\b(" + "|".join(("TO" "DO", "FIX" "ME", "X" "XX", "HA" "CK")) + r")\b")
_PRIVATE_WAIT = re.compile(r"(\.|->)(wait|notify_one|notify_all)\s*\(|\batomic_(wait|notify)")
_MACHINE_PATH = re.compile(r"(?<![\w./}])/(home|root|work|Users|mnt|media)/\w")
_TAG = re.compile(r"//[^\n]*?(?<!\[)\[[a-z][a-z-]*\](?!\])[^\n]*")
_TAG_NAME = re.compile(r"(?<!\[)\[([a-z][a-z-]*)\](?![\](])")
_TAG_ROW = re.compile(r"^\| \[([a-z][a-z-]*)\] \|", re.M)
ORDERING = "src/ring/ORDERING.md"
SHARED_MEMORY = "docs/shared-memory.md"
SHARED = {"src/shm/bus_layout.hpp": ("BusHeader", "ParticipantRecord"),
          "src/shm/hazards.hpp": ("HazardRecord",),
          "src/shm/move_note.hpp": ("MoveNote",),
          "src/shm/wait_word.hpp": ("WaitWord",),
          "src/shm/arena.hpp": ("BlockDescriptor", "SegmentHeader"),
          "src/shm/share.hpp": ("Share",),
          "src/queue/queue_layout.hpp": ("SettingWords", "SettingsRecord", "QueueHeader", "Stripe"),
          "src/queue/task_layout.hpp": ("TaskRecord", "TaskTable"),
          "src/queue/tags.hpp": ("TagsHeader",),
          "src/dedup/layout.hpp": ("TableHeader", "IdBucket", "IdEntry"),
          "src/ring/layout.hpp": ("RingHeader", "RingHotWords", "SlotHead"),
          "src/topic/layout.hpp": ("TopicHeader", "PublisherCounts", "LogRecord", "TopicRecord"),
          "src/topic/turn.hpp": ("TurnHeader",),
          "src/stream/layout.hpp": ("UserCounts", "ControlHeader", "BucketWord", "ShardEntry"),
          "src/journal/layout.hpp": ("JournalHeader", "JournalHot"),
          "src/stream/lease_table.hpp": ("LeaseHeader",),
          "src/stream/lease_word.hpp": ("LeaseRow",),
          "src/group/layout.hpp": ("FifoHead", "Bucket"),
          "src/group/attempt_layout.hpp": ("AttemptTable", "AttemptEntry", "AttemptNote")}
_FIELD = re.compile(r"^  (?:alignas\([^)]*\) )?[\w:<>]+ (\w+)(?:\[[\w:]+\])*;", re.M)
TESTING = "docs/testing.md"
MUTANTS = ("tests/rig/mutants/ring.txt", "tests/rig/mutants/group.txt",
           "tests/rig/mutants/growth.txt", "tests/rig/mutants/dedup.txt",
           "tests/rig/mutants/fair.txt", "tests/rig/mutants/move.txt",
           "tests/rig/mutants/journal.txt", "tests/rig/mutants/lease.txt",
           "tests/rig/mutants/log.txt", "tests/rig/mutants/stream.txt",
           "tests/rig/mutants/durable.txt")
_MUTANT = re.compile(r"^mutant +(\S+)", re.M)
_MUTANT_NAMED = re.compile(r"`([a-z]+(?:-[a-z0-9]+)+)`")
EXAMPLES = "docs/examples/"
EXAMPLE_LINES_MAX = 80
README_EXAMPLE = EXAMPLES + "first_message.cpp"


def _matches(pattern, tree, what, wanted=lambda path: True, view=lambda text: text):
    return [Finding(path, text.count("\n", 0, match.start()) + 1, f"{what}: {match.group().strip()}")
            for path, text in tree.items() if wanted(path)
            for match in pattern.finditer(view(text))]


def columns(tree):
    return [Finding(path, number, f"{len(line)} columns, at most {COLUMNS_MAX}")
            for path, text in tree.items() if is_cpp(path)
            for number, line in enumerate(text.splitlines(), 1) if len(line) > COLUMNS_MAX]


def function_lines(tree):
    return [Finding(path, first, f"{name} has {last - first + 1} lines, at most "
                    f"{FUNCTION_LINES_MAX}", name)
            for path, text in tree.items() if is_cpp(path)
            for name, first, last in cpp.functions(text)
            if last - first + 1 > FUNCTION_LINES_MAX]


def file_lines(tree):
    return [Finding(path, 1, f"{text.count(chr(10))} lines, at most {FILE_LINES_MAX}")
            for path, text in tree.items()
            if path.endswith(CODE) and text.count("\n") > FILE_LINES_MAX]


def layers(tree):
    found = []
    for path, text in tree.items():
        parts = path.split("/")
        if not is_cpp(path) or parts[0] not in ("src", "include"):
            continue
        public = parts[0] == "include"
        layer = PUBLIC.get(parts[-1], "base") if public else parts[1]
        if layer not in LAYERS:
            found.append(Finding(path, 1, f"src/{layer} is not in the order of layers"))
            continue
        for match in _INCLUDE.finditer(text):
            if not _may_include(layer, public, match.group(1)):
                line = text.count("\n", 0, match.start(1)) + 1
                found.append(Finding(path, line, f"{layer} must not include {match.group(1)}"))
    return found


def _may_include(layer, public, header):
    folder, _, name = header.partition("/")
    if folder == "ringpost":
        return LAYERS[PUBLIC.get(name, "base")] <= LAYERS[layer]
    return not public and LAYERS.get(folder, len(LAYERS)) <= LAYERS[layer]


def leftovers(tree):
    return _matches(_LEFTOVER, tree, "finish or delete",
                    lambda path: path != "LICENSE")


def atomic_wait(tree):
    return _matches(_PRIVATE_WAIT, tree, "does not wake another process",
                    lambda path: is_cpp(path) and path.startswith(("src/", "include/")), cpp.code)


def machine_paths(tree):
    return _matches(_MACHINE_PATH, tree, "path of one machine")


def ordering(tree):
    """Each tag in a comment stands at both ends, and once in the table of pairings."""
    sites = {}
    for path, text in tree.items():
        if is_cpp(path) and path.startswith(("src/", "include/")):
            for match in _TAG.finditer(text):
                for tag in _TAG_NAME.findall(match.group()):
                    place = (path, text.count("\n", 0, match.start()) + 1)
                    sites.setdefault(tag, []).append(place)
    table = _TAG_ROW.findall(tree.get(ORDERING, ""))
    found = []
    for tag, places in sites.items():
        if len(places) < 2:
            found.append(Finding(*places[0], f"[{tag}] has no partner"))
        if table.count(tag) != 1:
            found.append(Finding(*places[0], f"[{tag}] stands {table.count(tag)} times in "
                                 f"{ORDERING}, not once"))
    found += [Finding(ORDERING, 1, f"[{tag}] is not in the code")
              for tag in sorted(set(table) - sites.keys())]
    return found


def shared_fields(tree):
    """Each field of a structure in shared memory has its place in the description, and only it."""
    if not SHARED.keys() & tree.keys():
        return []
    described = re.findall(r"`(\w+::\w+)`", "".join(
        line.split("|")[1] for line in tree.get(SHARED_MEMORY, "").splitlines() if "|" in line))
    found = []
    fields = set()
    for path, names in SHARED.items():
        for name in names:
            body = re.search(r"^struct (?:alignas\([^)]*\) )?" + name + r" \{\n(.*?)^\}",
                             cpp.code(tree.get(path, "")), re.S | re.M)
            if body is None:
                found.append(Finding(path, 1, f"struct {name} is not there"))
                continue
            for field in _FIELD.findall(body.group(1)):
                fields.add(f"{name}::{field}")
                if described.count(f"{name}::{field}") != 1:
                    found.append(Finding(path, 1, f"{name}::{field} stands "
                                         f"{described.count(f'{name}::{field}')} times in "
                                         f"{SHARED_MEMORY}, not once"))
    found += [Finding(SHARED_MEMORY, 1, f"{field} is not in the code")
              for field in sorted(set(described) - fields)]
    return found


def mutants(tree):
    """Each mutant stands in the table of rules; what is named as one exists."""
    there = {name: path for path in MUTANTS for name in _MUTANT.findall(tree.get(path, ""))}
    named = {name: path for path in (ORDERING, TESTING)
             for name in _MUTANT_NAMED.findall(tree.get(path, ""))}
    missing = set(there) - set(_MUTANT_NAMED.findall(tree.get(TESTING, "")))
    found = [Finding(there[name], 1, f"mutant {name} is not in {TESTING}")
             for name in sorted(missing)]
    return found + [Finding(path, 1, f"`{name}` is no mutant")
                    for name, path in sorted(named.items()) if name not in there]


def examples(tree):
    """README's program is an example; the list of examples names each; they are short."""
    found = []
    if README_EXAMPLE in tree:
        block = re.search(r"```cpp\n(.*?)```", tree.get("README.md", ""), re.S)
        if block is None or block.group(1) != tree[README_EXAMPLE]:
            found.append(Finding("README.md", 1, f"its program is not {README_EXAMPLE}"))
    programs = {path.removeprefix(EXAMPLES) for path in tree
                if path.startswith(EXAMPLES) and is_cpp(path)}
    listed = re.findall(r"^\| \[(\S+\.cpp)\]\(\1\) \|", tree.get(EXAMPLES + "README.md", ""), re.M)
    for name in sorted(programs):
        if listed.count(name) != 1:
            found.append(Finding(EXAMPLES + name, 1, f"stands {listed.count(name)} times in the "
                                 f"list {EXAMPLES}README.md, not once"))
        lines = tree[EXAMPLES + name].count("\n")
        if lines > EXAMPLE_LINES_MAX:
            found.append(Finding(EXAMPLES + name, 1, f"{lines} lines, at most "
                                 f"{EXAMPLE_LINES_MAX} for an example"))
    found += [Finding(EXAMPLES + "README.md", 1, f"{name} is not there")
              for name in sorted(set(listed) - programs)]
    return found


RULES = {
    "columns": columns,
    "function-lines": function_lines,
    "file-lines": file_lines,
    "layers": layers,
    "leftovers": leftovers,
    "atomic-wait": atomic_wait,
    "machine-paths": machine_paths,
    "ordering": ordering,
    "shared-fields": shared_fields,
    "mutants": mutants,
    "examples": examples,
}


def own_path(root):
    """A pattern for the folder that this checkout lies in and for the user's home."""
    places = {root, os.path.expanduser("~")} - {"/", "/root"}
    return re.compile("|".join(re.escape(place) + r"(?=[/\s\"'`]|$)" for place in sorted(places)))
