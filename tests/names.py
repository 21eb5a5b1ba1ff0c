#!/usr/bin/env python3
"""Checks that no Python file here has the name of a module of Python's own.

A script's folder comes first where Python looks for modules. A file `types.py` in it is then what all of Python's library gets
as `types`, for every script of that folder. Whether that happens depends on how much a Python has loaded before it looks
there, so it is green on one machine and breaks on another. Prints each such file.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Only MicroPython reads these, and there such a name is meant.
NOT_PYTHONS = "micropython/"
# Python's own in a version since 3.9, but not in every one that may run this.
OTHER_VERSIONS = {"annotationlib", "asynchat", "asyncore", "binhex", "compression", "distutils", "formatter", "imp", "parser",
                  "smtpd", "symbol"}
PYTHONS_OWN = OTHER_VERSIONS | set(sys.stdlib_module_names)


def module_of(path):
    """The name by which the file is imported: its own, or its folder's."""
    return path.parent.name if path.name == "__init__.py" else path.stem


def main():
    argparse.ArgumentParser(description=__doc__.split("\n", 1)[0]).parse_args()
    # What is not yet committed counts as well, but not what lies in build.
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
                            cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    files = [Path(name) for name in listed if not name.startswith(NOT_PYTHONS) and (ROOT / name).exists()]
    faults = [path for path in files if module_of(path) in PYTHONS_OWN]
    for path in faults:
        print("%s hides Python's own module %s from the scripts beside it" % (path, module_of(path)))
    print("%d files, %d faults" % (len(files), len(faults)))
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
