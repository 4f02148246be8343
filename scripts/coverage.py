#!/usr/bin/python3
"""Builds the core with coverage, runs its tests, prints the lines they reach in src/core.

Fails below 90 % of all lines. Code for other processors than this one is not built, so not counted;
`--missing FILE` lists the lines of one file that no test reached."""
import argparse
import json
import os
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
BUILD = os.path.join(ROOT, "build-check-coverage")
LEAST_PERCENT = 90.0


def build_and_test():
    if not os.path.exists(os.path.join(BUILD, "build.ninja")):
        subprocess.run(["meson", "setup", BUILD, "--buildtype=debug", "-Db_coverage=true",
                        "-Doptimization=1", "-Dhost=disabled", "-Dclient=disabled"],
                       cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run(["ninja", "-C", BUILD], check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.stdout[-4000:])
    for folder, _, names in os.walk(BUILD):
        for name in names:
            if name.endswith(".gcda"):
                os.unlink(os.path.join(folder, name))
    done = subprocess.run(["meson", "test", "-C", BUILD, "--no-rebuild", "-t", "3"], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        print(done.stdout[-4000:])
        sys.exit("coverage: a test failed")


def read_reports():
    """Executions of each line of src/core, over every object that was built from it."""
    counts = {}
    for folder, _, names in os.walk(BUILD):
        data = [os.path.join(folder, name) for name in names if name.endswith(".gcda")]
        if not data:
            continue
        reports = subprocess.run(["gcov", "--json-format", "--stdout"] + data, cwd=BUILD, text=True,
                                 check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for report in filter(None, reports.stdout.splitlines()):
            for file in json.loads(report)["files"]:
                path = os.path.relpath(os.path.join(BUILD, file["file"]), ROOT)
                if not path.startswith("src/core/") or "_test." in path or "test_" in path:
                    continue
                lines = counts.setdefault(path, {})
                for line in file["lines"]:
                    number = line["line_number"]
                    lines[number] = lines.get(number, 0) + line["count"]
    return counts


def percent(lines):
    reached = sum(1 for count in lines if count)
    return 100.0 * reached / len(lines) if lines else 100.0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--missing", metavar="FILE", help="list the unreached lines of FILE")
    arguments = parser.parse_args()
    build_and_test()
    counts = read_reports()
    if arguments.missing:
        print(*(n for n, c in sorted(counts[arguments.missing].items()) if not c))
        return 0
    for path in sorted(counts):
        print(f"{percent(counts[path].values()):6.1f} %  {len(counts[path]):5} lines  {path}")
    total = percent([count for lines in counts.values() for count in lines.values()])
    print(f"{total:6.1f} %  of src/core, at least {LEAST_PERCENT:.0f} % wanted")
    return 0 if total >= LEAST_PERCENT else 1


if __name__ == "__main__":
    sys.exit(main())
