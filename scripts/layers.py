#!/usr/bin/env python3
"""Checks who knows whom in src/: codec <- session <- client <- ffi. Prints each line that breaks it."""

import argparse
import re
import sys
from pathlib import Path

LAYERS = ["codec", "session", "client", "ffi"]
SOURCE = Path(__file__).resolve().parent.parent / "src"

# The first name of each path that starts at the root of the crate, or above the module itself.
PATH = re.compile(r"\b(?:crate|super(?:\s*::\s*super)*)\s*::\s*(\{[^;]*|\w+)")
MICROPYTHON = re.compile(r"micropython|\bpython|\bmp_\w|\bumqtt_\w", re.IGNORECASE)



def names(found):
    """The names that a path leads to: one, or those of a group `{a::x, b}` without what is nested in them."""
    if not found.startswith("{"):
        return [found]
    depth, flat = 0, ""
    for letter in found:
        depth += (letter == "{") - (letter == "}")
        flat += letter if depth == 1 else ""
    return re.findall(r"(?:^|[{,])\s*(\w+)", flat)


def faults(layer, text):
    """Pairs of position and message."""
    code = re.sub(r"//[^\n]*", lambda comment: " " * len(comment.group()), text)
    later = LAYERS[LAYERS.index(layer) + 1 :]
    for path in PATH.finditer(code):
        for name in names(path.group(1)):
            if name in later:
                yield path.start(), f"{layer} knows {name}"
    if layer != "ffi":
        for word in re.finditer(r"\bunsafe\b", code):
            yield word.start(), "unsafe outside ffi"
        for word in MICROPYTHON.finditer(text):
            yield word.start(), f"{layer} has heard of {word.group()}"


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    count = 0
    files = 0
    for layer in LAYERS:
        for file in sorted([*SOURCE.glob(f"{layer}.rs"), *SOURCE.glob(f"{layer}/**/*.rs")]):
            files += 1
            text = file.read_text()
            for position, message in faults(layer, text):
                line = text.count("\n", 0, position) + 1
                print(f"{file.relative_to(SOURCE.parent)}:{line}: {message}")
                count += 1
    print(f"{files} files, {count} faults")
    return 1 if count or not files else 0


if __name__ == "__main__":
    sys.exit(main())
