#!/usr/bin/python3
"""Prints the ten longest functions and files; fails above the limits of CONTRIBUTING.md.

A function over 100 lines or a source file over 1000 is an error. Relies on clang-format's layout:
a function's braces stand in the first column."""
import os
import sys

FUNCTION_LIMIT, FILE_LIMIT = 100, 1000


def functions(path, lines):
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            name = lines[start - 2].strip()
            back = start - 2
            while back > 0 and lines[back].startswith((" ", "\t")):
                back -= 1
            name = lines[back].strip()
            yield number - start + 1, f"{path}:{start} {name[:70]}"
            start = None


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    longest, files = [], []
    for top in ("src", "tests", "tools", "bench"):
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in names:
                if not name.endswith((".c", ".h")):
                    continue
                path = os.path.relpath(os.path.join(folder, name), root)
                with open(os.path.join(root, path), encoding="utf-8") as file:
                    lines = file.read().splitlines()
                files.append((len(lines), path))
                longest += functions(path, lines)
    longest.sort(reverse=True)
    files.sort(reverse=True)
    for title, rows in (("Longest functions", longest), ("Longest files", files)):
        print(title)
        for size, what in rows[:10]:
            print(f"  {size:5d}  {what}")
    too_long = [r for r in longest if r[0] > FUNCTION_LIMIT] + \
               [r for r in files if r[0] > FILE_LIMIT]
    for size, what in too_long:
        print(f"too long: {size} {what}")
    return 1 if too_long else 0


if __name__ == "__main__":
    sys.exit(main())
