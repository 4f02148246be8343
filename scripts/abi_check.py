#!/usr/bin/python3
"""Compares include/lumen_core.h and the shared library with the stored dump of the C ABI.

What was there must stay: each function with its prototype, exported by the library; each constant
with its value; each struct's members with name, type, offset and size. What is new is fine: a
function, a constant, a struct, and members at the end of a struct that begins with struct_size.

Usage: abi_check.py [--header FILE] [--dump FILE] [--library FILE] [--update]
--update writes the dump, after a look at what it changes. The dump is of 64-bit targets."""
import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
MAY_GROW = "LUMEN_ABI_VERSION"  # its minor part


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return re.sub(r"/\*.*?\*/", " ", file.read(), flags=re.S)


def squeeze(text):
    return re.sub(r"\s+", " ", text).strip()


def functions(text):
    found = {}
    for prototype in re.findall(r"^LUMEN_API\s+([^;]+);", text, flags=re.M):
        found[re.search(r"(\w+)\(", prototype).group(1)] = squeeze(prototype)
    return found


def constants(text):
    names = re.findall(r"^#define\s+(LUMEN_\w+)[ \t]+(?!__attribute__)\S", text, flags=re.M)
    for body in re.findall(r"\benum\b[^{;]*\{(.*?)\}", text, flags=re.S):
        names += re.findall(r"(LUMEN_\w+)\s*(?:=|,|$)", body, flags=re.M)
    return list(dict.fromkeys(names))


def members(body):
    """(type, name, array part) of each member; a * belongs to the type."""
    for line in body.split(";"):
        line = squeeze(line)
        if not line:
            continue
        base, first = re.match(r"((?:const |unsigned )*\w+)\s*(.*)", line).groups()
        for declarator in first.split(","):
            stars, name, array = re.match(r"\s*(\**)\s*(\w+)\s*((?:\[\w+\])*)", declarator).groups()
            yield base + (" " + stars if stars else ""), name, array


def structs(text):
    found = re.findall(r"typedef struct (\w+) \{(.*?)\}\s*\1\s*;", text, flags=re.S)
    return {name: list(members(body)) for name, body in found}


def probe(header, compiler, names, layouts):
    """Values, offsets and sizes, from a program that prints them."""
    lines = ["#include <stdio.h>", f'#include "{header}"', "int main(void) {",
             'printf("pointer %zu\\n", sizeof(void *));']
    for name in names:
        lines.append(f'printf("constant {name} %lld\\n", (long long)({name}));')
    for name, parts in layouts.items():
        lines.append(f'printf("struct {name} %zu\\n", sizeof({name}));')
        for kind, member, array in parts:
            where = f"offsetof({name}, {member}), sizeof((({name} *)0)->{member})"
            lines.append(f'printf("member {name} {member} %zu %zu {kind}{array}\\n", {where});')
    lines += ["return 0; }"]
    with tempfile.TemporaryDirectory() as folder:
        source, program = os.path.join(folder, "probe.c"), os.path.join(folder, "probe")
        with open(source, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        subprocess.run(compiler + [source, "-o", program], check=True)
        return subprocess.run([program], check=True, text=True, stdout=subprocess.PIPE).stdout


def dump_of(header, compiler):
    text = text_of(header)
    lines = [f"function {name}: {prototype}" for name, prototype in functions(text).items()]
    return lines + probe(os.path.abspath(header), compiler, constants(text),
                         structs(text)).splitlines()


def parse(lines):
    dump = {"function": {}, "constant": {}, "struct": {}, "member": {}, "pointer": None}
    for line in lines:
        kind, _, rest = line.partition(" ")
        if kind == "function":
            name, _, prototype = rest.partition(": ")
            dump[kind][name] = prototype
        elif kind == "constant":
            name, value = rest.split()
            dump[kind][name] = int(value)
        elif kind == "struct":
            name, size = rest.split()
            dump[kind][name] = int(size)
        elif kind == "member":
            name, member, offset, size, of = rest.split(" ", 4)
            dump[kind].setdefault(name, {})[member] = (int(offset), int(size), of)
        elif kind == "pointer":
            dump[kind] = int(rest)
    return dump


def prototypes_differ(header, compiler, old, new):
    """Of those that are spelled differently, the ones that the compiler says are different."""
    for name, prototype in old.items():
        if name not in new or new[name] == prototype:
            continue
        source = f'#include "{os.path.abspath(header)}"\n{prototype};\n'
        done = subprocess.run(compiler + ["-x", "c", "-fsyntax-only", "-"], input=source, text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        if done.returncode:
            yield f"{name}: was {prototype}; is {new[name]}"


def constant_breaks(old, new):
    for name, value in old.items():
        if name not in new:
            yield f"constant {name} is gone"
        elif name == MAY_GROW:
            if new[name] >> 16 != value >> 16 or new[name] < value:
                yield f"{name}: {value:#x} became {new[name]:#x}: another major version, or back"
        elif new[name] != value:
            yield f"constant {name}: {value} became {new[name]}"


def struct_breaks(old, new):
    for name, size in old["struct"].items():
        if name not in new["struct"]:
            yield f"struct {name} is gone"
            continue
        before, after = old["member"][name], new["member"][name]
        for member, what in before.items():
            if member not in after:
                yield f"{name}.{member} is gone"
            elif after[member] != what:
                yield f"{name}.{member}: offset, size and type {what} became {after[member]}"
        first = next(iter(before))
        if new["struct"][name] != size and first != "struct_size":
            yield f"struct {name}: {size} bytes became {new['struct'][name]}, without a struct_size"
        if new["struct"][name] < size:
            yield f"struct {name} shrank"
        end = max(offset + bytes_ for offset, bytes_, _ in before.values())
        for member, (offset, _, _) in after.items():
            if member not in before and offset < end:
                yield f"{name}.{member} is new, but not at the end"


def export_breaks(old, library):
    out = subprocess.run(["nm", "-D", "--defined-only", library], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    exported = {line.split()[-1].split("@")[0] for line in out.splitlines()}
    return [f"{name} is not exported" for name in old if name not in exported]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--header", default=os.path.join(ROOT, "include", "lumen_core.h"))
    parser.add_argument("--dump", default=os.path.join(ROOT, "tests", "abi", "lumen_core.abi"))
    parser.add_argument("--library")
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_args()
    compiler = shlex.split(os.environ.get("CC", "cc"))
    lines = dump_of(arguments.header, compiler)
    if arguments.update:
        with open(arguments.dump, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        print(f"{arguments.dump}: {len(lines)} lines")
        return 0
    with open(arguments.dump, encoding="utf-8") as file:
        old = parse(file.read().splitlines())
    new = parse(lines)
    if old["pointer"] != new["pointer"]:
        print("SKIP: the stored dump is of 64-bit targets")
        return 77
    breaks = [f"function {n} is gone" for n in old["function"] if n not in new["function"]]
    breaks += prototypes_differ(arguments.header, compiler, old["function"], new["function"])
    breaks += constant_breaks(old["constant"], new["constant"])
    breaks += struct_breaks(old, new)
    if arguments.library:
        breaks += export_breaks(old["function"], arguments.library)
    for line in breaks:
        print("ABI break: " + line)
    additions = sum(len(set(new[k]) - set(old[k])) for k in ("function", "constant", "struct"))
    print(f"abi_check: {len(old['function'])} functions, {len(old['constant'])} constants, "
          f"{len(old['struct'])} structs; {len(breaks)} breaks, {additions} additions")
    return 1 if breaks else 0


if __name__ == "__main__":
    sys.exit(main())
