"""The figures that repeat exactly, of this module alone, against the committed ones and against the bars. Never times.

Instructions may be 3 % above what is committed: compilers differ from machine to machine, and the C library has other ways to
copy on other processors. System calls and heap may not differ. A bar that even the committed figure misses is noted, no more:
missing it is known, and the figure may not get worse.
"""

import json
from pathlib import Path

import rows

COMMITTED = Path(__file__).resolve().parent / "committed.json"
TOLERANCE = {"instructions": 0.03}
# Nothing but whole calls a message is exact to the last digit: where many messages come with one read, the last read differs.
ROUNDED = {"system calls": 3}


def measured(run):
    """Pairs of row and figures."""
    bench = run.bench
    for row in run.chosen(rows.SPEED):
        if row.exact:
            yield row, {"instructions": bench.instructions(row, "umqtt"), "system calls": bench.system_calls(row, "umqtt")}
    for row in run.chosen(rows.MEMORY):
        yield row, {rows.HEAP: bench.heap(row, "umqtt", 50)[0]}
    for row in run.chosen([rows.SMALLEST]):
        yield row, {"heap, KiB": bench.smallest_heap("umqtt", bench.ports["peer"])}


def judge(row, figure, value, committed):
    """Whether it passes, and what to say."""
    shown = "%s: %s: %g" % (row.name, figure, value)
    if committed is None:
        return False, shown + ", nothing is committed: scripts/bench --update"
    allowed = committed * (1 + TOLERANCE.get(figure, 0))
    if value > allowed:
        return False, "%s, committed %g, allowed %g" % (shown, committed, allowed)
    shown += ", committed %g" % committed
    if value < committed * (1 - TOLERANCE.get(figure, 0)):
        shown += " (better: commit it with scripts/bench --update)"
    for bar in row.bars:
        if bar.figure == figure and not bar.met(value):
            if bar.met(committed):
                return False, "%s, the bar is %s" % (shown, bar)
            shown += " (misses the bar, %s, as committed)" % bar
    return True, shown


def main(run, update):
    committed = json.loads(COMMITTED.read_text()) if COMMITTED.exists() else {}
    passed = failed = 0
    for row, figures in measured(run):
        figures = {figure: round(value, ROUNDED.get(figure)) for figure, value in figures.items()}
        if update:
            committed[row.name] = figures
            print(row.name, figures, flush=True)
            continue
        for figure, value in figures.items():
            good, shown = judge(row, figure, value, committed.get(row.name, {}).get(figure))
            passed, failed = passed + good, failed + (not good)
            print("ok  " if good else "FAIL", shown, flush=True)
    if update:
        lines = ["%s: %s" % (json.dumps(name), json.dumps(figures)) for name, figures in committed.items()]
        COMMITTED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
        return 0
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0
