#!/usr/bin/env python3
"""Lists the clauses of the standard, [MQTT-...], that src/ cites and no test does.

Tests are tests/ and, in src/, what follows `#[cfg(test)]`: unit tests end the file that they test.
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLAUSE = re.compile(r"\bMQTT-\d+(?:\.\d+)*-\d+")


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    cited, tested = {}, set()
    for file in sorted((ROOT / "src").rglob("*.rs")):
        code, _, tests = file.read_text().partition("#[cfg(test)]\nmod ")
        tested.update(CLAUSE.findall(tests))
        for number, line in enumerate(code.splitlines(), 1):
            for clause in CLAUSE.findall(line):
                cited.setdefault(clause, f"{file.relative_to(ROOT)}:{number}")
    for file in (ROOT / "tests").rglob("*"):
        if file.suffix in (".rs", ".py") and "target" not in file.parts:
            tested.update(CLAUSE.findall(file.read_text()))
    missing = sorted(set(cited) - tested, key=lambda clause: [int(n) for n in re.findall(r"\d+", clause)])
    for clause in missing:
        print(f"{cited[clause]}: [{clause}] is cited by no test")
    print(f"{len(cited)} clauses cited in src/, {len(missing)} of them by no test")
    return 1 if missing or not cited else 0


if __name__ == "__main__":
    sys.exit(main())
