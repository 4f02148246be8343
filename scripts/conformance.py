#!/usr/bin/env python3
"""Which test checks which item of GameStream's two conformance lists.

Tests name the items they check in a comment at their function: /* gs-session 12, 27 */ or
# gs-media 36. The items, and why some have no test, stand in docs/conformance-items.tsv.

  scripts/conformance.py           writes docs/conformance.md
  scripts/conformance.py --check   fails when that file is stale, or an item has neither test nor
                                   reason
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ITEMS = ROOT / "docs" / "conformance-items.tsv"
PAGE = ROOT / "docs" / "conformance.md"
TITLES = {"session": "Session: discovery, pairing, launch, RTSP, rendezvous",
          "media": "Media: video, FEC, audio, control, input"}
MARKER = re.compile(r"gs-(session|media)((?:[\s,]+\d+)+)")
FUNCTION = {".c": re.compile(r"^[a-z][\w \*]*?(\w+)\(", re.IGNORECASE),
            ".py": re.compile(r"^def (\w+)\(")}

HEAD = """# Conformance

What a host must do to work with stock clients, and the tests that check it. Numbers are those of
two checklists: *session* covers everything before the stream, *media* the stream itself. This page
is written by `scripts/conformance.py` out of `docs/conformance-items.tsv` and the markers in the
tests (`gs-session 12`); `./check` fails when it is stale or an item has neither test nor reason.
"""


def read_items():
    items = {}
    for line in ITEMS.read_text().splitlines():
        if line and not line.startswith("#"):
            document, number, text, reason = line.split("\t")
            items[document, int(number)] = (text, reason.strip())
    return items


def function_at(lines, index, pattern):
    """The function a marker belongs to: its line's, the next below a comment at the left edge, or
    the one it stands in."""
    if not pattern.match(lines[index]) and not lines[index][:1].isspace():
        for line in lines[index + 1:index + 8]:
            if pattern.match(line):
                return pattern.match(line).group(1)
    for line in reversed(lines[:index + 1]):
        if pattern.match(line):
            return pattern.match(line).group(1)
    return "whole file"


def read_tests(items):
    tests, strangers = {}, []
    files = [p for top in ("src", "tests") for p in (ROOT / top).rglob("*")
             if p.suffix in FUNCTION and p.is_file()]
    for path in sorted(files):
        lines = path.read_text(errors="replace").splitlines()
        name = path.relative_to(ROOT).as_posix()
        for index, line in enumerate(lines):
            for document, numbers in MARKER.findall(line):
                where = f"{name}: `{function_at(lines, index, FUNCTION[path.suffix])}`"
                for number in map(int, re.findall(r"\d+", numbers)):
                    if (document, number) not in items:
                        strangers.append(f"{name}:{index + 1}: there is no gs-{document} {number}")
                    elif where not in tests.setdefault((document, number), []):
                        tests[document, number].append(where)
    return tests, strangers


def render(items, tests):
    out = [HEAD]
    for document, title in TITLES.items():
        keys = sorted(key for key in items if key[0] == document)
        tested = sum(key in tests for key in keys)
        out += [f"## {title}", "", f"{tested} of {len(keys)} items are named by a test.", "",
                "| | requirement | checked by |", "|---|---|---|"]
        for key in keys:
            text, reason = items[key]
            checked = "<br>".join(tests.get(key, []) + ([f"*{reason}*"] if reason else []))
            out.append(f"| {key[1]} | {text.replace('|', chr(92) + '|')} | {checked or '-'} |")
        out.append("")
    return "\n".join(out)


def main():
    items = read_items()
    tests, problems = read_tests(items)
    page = render(items, tests)
    open_items = [key for key in sorted(items) if key not in tests and not items[key][1]]
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page)
    elif not PAGE.exists() or PAGE.read_text() != page:
        problems.append("docs/conformance.md is stale: run scripts/conformance.py")
    problems += [f"gs-{document} {number} has neither a test nor a reason: "
                 f"{items[document, number][0]}" for document, number in open_items]
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"conformance: {len(items)} items, {len(tests)} named by tests, {len(open_items)} open")
    return 1 if problems and "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
