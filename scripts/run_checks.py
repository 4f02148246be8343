#!/usr/bin/python3
"""Builds and tests everything; see ./check. Each meson test and each gate counts as one.

The parts, in order:
  gates      format, layers, sizes, conformance list
  gcc        optimized build with gcc -Werror, unit and seam tests, simulation, end to end
  clang      the same sources with clang -Werror, AddressSanitizer and UBSan: unit and seam tests,
             and a smoke run of every fuzz target
  tsan       ThreadSanitizer: unit and seam tests, and a stream on fakes
  off        a build with every optional part off
  cross      the core alone for aarch64 and for s390x (big-endian), its tests in QEMU
  coverage   lines of the core that its tests reach"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
PARTS = ["gates", "gcc", "clang", "tsan", "off", "cross", "coverage"]

# QEMU's user emulation passes control messages of sockets on as they are, so what they carry
# arrives in the wrong byte order.
UNEMULATED = {"s390x": ["udp", "abi-session", "abi-input", "abi-example"]}


class Tally:
    def __init__(self):
        self.passed, self.failed, self.skipped = 0, 0, 0
        self.problems, self.skips = [], []

    def add(self, name, outcome, detail=""):
        if outcome == "pass":
            self.passed += 1
        elif outcome == "skip":
            self.skipped += 1
            self.skips.append(f"{name}: {detail or 'no reason given'}")
        else:
            self.failed += 1
            self.problems.append(name)
            print(f"FAILED {name}\n{detail}", flush=True)


def run(command, **options):
    return subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **options)


def gate(tally, name, command):
    done = run(command)
    tally.add(name, "pass" if done.returncode == 0 else "fail", done.stdout[-6000:])


def gates(tally):
    sources = run(["git", "ls-files", "*.c", "*.h"]).stdout.split()
    if sources and shutil.which("clang-format"):
        gate(tally, "format", ["clang-format", "--dry-run", "--Werror"] + sources)
    gate(tally, "layers", ["scripts/layers.py"])
    gate(tally, "sizes", ["scripts/longest.py"])
    gate(tally, "conformance", ["scripts/conformance.py", "--check"])


def build(tally, folder, options, compiler):
    env = dict(os.environ, CC=compiler) if compiler else dict(os.environ)
    path = os.path.join(ROOT, folder)
    if not os.path.exists(os.path.join(path, "build.ninja")):
        shutil.rmtree(path, ignore_errors=True)
        done = run(["meson", "setup", folder] + options, env=env)
        if done.returncode:
            tally.add(f"{folder}: configure", "fail", done.stdout[-4000:])
            return False
    done = run(["ninja", "-C", folder], env=env)
    tally.add(f"{folder}: build", "fail" if done.returncode else "pass", done.stdout[-6000:])
    return done.returncode == 0


def skip_reason(output):
    for line in output.splitlines():
        if line.lower().startswith("skip"):
            return line.split(":", 1)[-1].strip()
    return ""


def telling(output):
    """The end of a failed test's output, without the cases that passed."""
    lines = [line for line in output.splitlines() if not line.startswith("[       OK ]")]
    kept = [line for i, line in enumerate(lines) if not line.startswith("[ RUN      ]")
            or i + 1 == len(lines) or not lines[i + 1].startswith("[ RUN      ]")]
    return "\n".join(kept)[-6000:]


def tests(tally, folder, suites, env=None, jobs=2, arguments=()):
    log = os.path.join(ROOT, folder, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.unlink(log)
    command = ["meson", "test", "-C", folder, "--no-rebuild", "--num-processes", str(jobs)]
    for suite in suites:
        command += ["--suite", suite]
    command += arguments
    done = run(command, env=dict(os.environ, **(env or {})))
    if not os.path.exists(log):
        tally.add(f"{folder}: tests", "fail", done.stdout[-4000:])
        return
    with open(log, encoding="utf-8") as file:
        for line in file:
            result = json.loads(line)
            output = result.get("stdout", "") + "\n" + result.get("stderr", "")
            outcome = {"OK": "pass", "SKIP": "skip"}.get(result["result"], "fail")
            if outcome == "skip" and not skip_reason(output):
                outcome = "fail"  # whoever skips says why
            name = f"{folder}: {result['name']}"
            if outcome == "fail":
                name += f" ({result['result']} after {result['duration']:.0f} s)"
            tally.add(name, outcome, skip_reason(output) if outcome == "skip" else telling(output))


def part_gcc(tally):
    if build(tally, "build-check", ["--buildtype=release", "-Dbench=true"], "gcc"):
        tests(tally, "build-check", ["unit", "seam", "sim", "threads"])
        tests(tally, "build-check", ["e2e"], jobs=1)


def part_clang(tally):
    options = ["--buildtype=debugoptimized", "-Db_sanitize=address,undefined", "-Db_lundef=false",
               "-Dfuzz=true"]
    env = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1",
           "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}
    if build(tally, "build-check-asan", options, "clang"):
        tests(tally, "build-check-asan", ["unit", "seam", "sim", "threads", "fuzz"], env)


def part_tsan(tally):
    options = ["--buildtype=debugoptimized", "-Db_sanitize=thread", "-Db_lundef=false"]
    env = {"TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1:suppressions="
                           + os.path.join(ROOT, "tests", "tsan.supp")}
    if build(tally, "build-check-tsan", options, "clang"):
        tests(tally, "build-check-tsan", ["unit", "seam", "threads"], env)


def part_off(tally):
    off = ["client", "ipsecmb", "x264", "pipewire", "wlr", "avahi"]
    options = ["--buildtype=debug"] + [f"-D{name}=disabled" for name in off]
    if build(tally, "build-check-off", options, "gcc"):
        tests(tally, "build-check-off", ["unit", "threads"])


def emulated(tally, cpu):
    folder, sysroot = f"build-check-{cpu}", f"build-check-sysroot-{cpu}"
    if not shutil.which(f"{cpu}-linux-gnu-gcc") or not shutil.which(f"qemu-{cpu}"):
        tally.add(folder, "skip", f"no compiler or emulator for {cpu} on this machine")
        return
    done = run(["scripts/cross-sysroot", cpu, sysroot])
    if done.returncode:
        tally.add(f"{folder}: libraries", "fail", done.stdout[-4000:])
        return
    options = ["--buildtype=release", "--cross-file", f"{sysroot}/cross.ini", "-Dhost=disabled",
               "-Dclient=disabled", "-Dipsecmb=disabled"]
    if not build(tally, folder, options, ""):
        return
    found = json.loads(run(["meson", "introspect", "--tests", folder]).stdout)
    names = [test["name"] for test in found if set(test["suite"]) & {"lumen:unit", "lumen:sim"}]
    for name in UNEMULATED.get(cpu, []):
        names.remove(name)
        tally.add(f"{folder}: {name}", "skip", "QEMU does not convert control messages")
    tests(tally, folder, [], arguments=["-t", "10"] + names)


def part_cross(tally):
    for cpu in ["aarch64", "s390x"]:
        emulated(tally, cpu)


def part_coverage(tally):
    gate(tally, "coverage of the core", ["scripts/coverage.py"])


def main():
    parser = argparse.ArgumentParser(prog="./check", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unit", action="store_true", help="gates and unit tests only")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this part")
    arguments = parser.parse_args()
    tally, started = Tally(), time.monotonic()
    steps = {"gates": gates, "gcc": part_gcc, "clang": part_clang, "tsan": part_tsan,
             "off": part_off, "cross": part_cross, "coverage": part_coverage}
    if arguments.unit:
        gates(tally)
        if build(tally, "build-check", ["--buildtype=release", "-Dbench=true"], "gcc"):
            tests(tally, "build-check", ["unit"])
    else:
        for name in arguments.part or PARTS:
            before = time.monotonic()
            print(f"check: {name} ...", flush=True)
            steps[name](tally)
            print(f"check: {name} took {time.monotonic() - before:.0f} s", flush=True)
    for line in tally.skips:
        print(f"SKIPPED {line}")
    for line in tally.problems:
        print(f"FAILED {line}")
    print(f"check: {time.monotonic() - started:.0f} s in all")
    skipped = f", {tally.skipped} skipped" if tally.skipped else ""
    print(f"{tally.passed} passed, {tally.failed} failed{skipped}")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
