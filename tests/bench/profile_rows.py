"""Where the instructions of one message go, function by function: the difference of two counts, as everywhere."""

import collections
import re
import subprocess
import tempfile
from pathlib import Path

import rows

SHOWN = 25


def by_function(bench, command, folder):
    out = Path(folder) / "callgrind.out"
    bench.callgrind(command, out)
    done = subprocess.run(["callgrind_annotate", "--threshold=100", str(out)], capture_output=True, text=True, check=True)
    found = collections.Counter()
    for line in done.stdout.splitlines():
        match = re.match(r"\s*([\d,]+) \([^)]*\)\s+\S*?:(\S.*?)(?: \[.*)?$", line)
        if match and "PROGRAM TOTALS" not in line:
            found[match[2]] += int(match[1].replace(",", ""))
    return found


def show(run):
    for row in run.chosen(rows.SPEED):
        if not row.exact:
            continue
        few, many = row.exact
        with tempfile.TemporaryDirectory() as folder:
            spent = by_function(run.bench, run.bench.command(row, "umqtt", many, 0), folder)
            spent.subtract(by_function(run.bench, run.bench.command(row, "umqtt", few, 0), folder))
        print("%s: %.0f instructions a piece" % (row.name, sum(spent.values()) / (many - few)))
        for name, instructions in spent.most_common(SHOWN):
            print("  %7.1f  %s" % (instructions / (many - few), name))
        print(flush=True)
