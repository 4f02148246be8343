#!/usr/bin/python3
"""Fails on an include that goes up: a file includes only its own layer and lower ones.

Usage: layers.py [ROOT]. Prints each offending line; exit status 1 if there is one."""
import os
import re
import sys

LAYERS = ["core/base", "core/dsp", "core/wire", "core/crypto", "core/fec", "core/send",
          "core/recv", "core/transport", "core", "session", "net", "media", "host", "client"]
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def layer_of(path):
    best = None
    for layer in LAYERS:
        if path.startswith(layer + "/") and (best is None or len(layer) > len(best)):
            best = layer
    return best


def may_include(own, other):
    if own in ("host", "client") and other in ("host", "client"):
        return own == other
    return LAYERS.index(other) <= LAYERS.index(own)


def check_file(src, path):
    own = layer_of(path)
    bad = []
    with open(os.path.join(src, path), encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            target = match.group(1)
            other = layer_of(target)
            if other is None:
                if os.path.exists(os.path.join(src, os.path.dirname(path), target)):
                    bad.append(f"src/{path}:{number}: include \"{target}\" does not name its layer")
            elif own is None or not may_include(own, other):
                bad.append(f"src/{path}:{number}: {own} must not include {other} (\"{target}\")")
    return bad


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    src = os.path.join(root, "src")
    bad, count = [], 0
    for folder, _, names in os.walk(src):
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                count += 1
                bad += check_file(src, os.path.relpath(os.path.join(folder, name), src))
    for line in bad:
        print(line)
    print(f"layers: {count} files, {len(bad)} includes go up")
    return 1 if bad or not count else 0


if __name__ == "__main__":
    sys.exit(main())
