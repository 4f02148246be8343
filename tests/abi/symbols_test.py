#!/usr/bin/python3
"""The shared library shows exactly the functions that the header declares, and has the soname.

Usage: symbols_test.py HEADER LIBRARY"""
import re
import subprocess
import sys


def declared(path):
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    text = re.sub(r"^#.*$", "", text, flags=re.M)
    return re.findall(r"LUMEN_API[^;(]*?(\w+)\(", text)


def exported(path):
    out = subprocess.run(["nm", "-D", "--defined-only", path], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    names = [line.split()[-1].split("@")[0] for line in out.splitlines() if line.split()[1] != "A"]
    return names


def soname(path):
    out = subprocess.run(["readelf", "-d", path], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    return re.search(r"SONAME.*\[(.*)\]", out).group(1)


def main():
    header, library = sys.argv[1:]
    want, have = declared(header), exported(library)
    problems = []
    if len(want) != len(set(want)):
        problems.append("declared twice: " + ", ".join(n for n in set(want) if want.count(n) > 1))
    problems += [f"declared but not exported: {n}" for n in sorted(set(want) - set(have))]
    problems += [f"exported but not declared: {n}" for n in sorted(set(have) - set(want))]
    problems += [f"not of the lumen_ name space: {n}" for n in have if not n.startswith("lumen_")]
    if len(want) >= 40:
        problems.append(f"{len(want)} functions; under 40 were promised")
    if soname(library) != "liblumen-core.so.1":
        problems.append(f"soname {soname(library)}")
    for line in problems:
        print(line)
    print(f"{len(want)} functions declared, {len(have)} exported")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
