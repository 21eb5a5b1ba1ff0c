#!/usr/bin/env python3
"""Measures this module on the board in QEMU, beside umqtt.simple frozen into the same firmware and beside the limit.

  instructions   of the board's processor, a message, all of them: the module, lwIP, the driver, the interpreter's loop. QEMU
                 counts (-icount shift=0: a nanosecond of the board's time is an instruction), the firmware says for how long
                 the processor slept instead of working (ec100y.idle_us). The garbage collector is kept out.
  stack, octets  from the loop's stack pointer when it calls a function in C down to the lowest octet that changed of a stack
                 painted beforehand, over all these messages: every frame of module, Rust, socket and lwIP, and of whatever
                 Python code is run on the way, the callback and the contender's own. What the limit has is not the module's.
                 Interrupts have a stack of their own.
  heap, octets   of one connected client, socket included
  text, octets   of Rust and shim in the firmware as users build it (scripts/size)

Medians over the rounds. Of these, rounds differ by one or two in a hundred, at qos 1 by three, since frames come from outside
when they come; the table may be compared with that of another machine. Heap and text repeat exactly, and so does the stack, but
for frames that came at a deeper place than before.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import fetch
import measure
import rows
import table

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "micropython"))
import board  # noqa: E402
import namespace  # noqa: E402

FIRMWARE = ROOT / "build/board-bench/firmware.elf"
# Time goes on while the processor sleeps (sleep=on, which is the default): else it would jump from one alarm to the next, and
# lwIP would send again what the other side had no chance to answer yet.
COUNTING = ("-icount", "shift=0")
CONTENDERS = ("umqtt", "limit", "simple")
LIMIT_S = 120
STACK, TEXT = "stack, octets", "text, octets"

ROWS = [rows.Row(name, what, size, contenders=CONTENDERS, exact=(0, 400), bars=(rows.most(STACK, 2048),))
        for name, what, size in (
            ("publish qos 0, 16 B", "publish0", 16), ("publish qos 0, 256 B", "publish0", 256),
            ("publish qos 1, 16 B, one after the other", "publish1", 16),
            ("publish qos 1, 256 B, one after the other", "publish1", 256),
            ("receive 16 B by wait_msg", "receive_wait", 16), ("receive 256 B by wait_msg", "receive_wait", 256))]
# The limit would print a warning here each time: lwIP's socket has no TCP_NODELAY.
CYCLE = rows.Row("import, construct, connect, disconnect", "cycle", 16, contenders=("umqtt", "simple"),
                 bars=(rows.most(STACK, 2048),))
CLIENT = rows.Row("client connected, socket included", "heap_connected", 16, contenders=CONTENDERS,
                  bars=(rows.most(rows.HEAP, 1536),))
CODE = rows.Row("Rust and shim", "text", 0, bars=(rows.most(TEXT, 16 * 1024),))


class Bench:
    """The board, and the peer that it finds at this machine."""

    def __init__(self, folder, peer):
        self.board, self.peer = board.Board(folder, FIRMWARE, COUNTING), peer
        listing = subprocess.run(["arm-none-eabi-nm", FIRMWARE], capture_output=True, text=True, check=True).stdout
        self.stack_place = [int(re.search(r"^(\w+) . %s$" % name, listing, re.MULTILINE)[1], 16)
                            for name in ("_stack_bottom", "_stack_top")]

    def ask(self, function, contender, row, *more):
        place = (contender, row.what, namespace.HOST, self.peer.port, row.size, *more)
        said = self.board.quietly("exec", "import on_board; on_board.%s%r" % (function, place), limit=LIMIT_S)
        found = re.search(r"^RESULT (\S+)", said, re.MULTILINE)
        if not found:
            raise board.Unanswered("%s of %s: %s" % (function, contender, said.strip() or "no result"))
        return float(found[1])

    def stack(self, contender, row, count):
        return self.ask("stack", contender, row, count, *self.stack_place)


def work(bench, row, rounds):
    seen = {name: [] for name in CONTENDERS}
    for _ in range(rounds):
        for name in CONTENDERS:
            seen[name].append(bench.ask("instructions", name, row, row.counts(name)[1]))
    figures = {name: {"instructions": statistics.median(values)} for name, values in seen.items()}
    for name in CONTENDERS:
        figures[name][STACK] = bench.stack(name, row, row.counts(name)[1])
    ratios = {name: statistics.median(other / ours for ours, other in zip(seen["umqtt"], seen[name]))
              for name in CONTENDERS}
    spread = {name: (max(values) - min(values)) / statistics.median(values) for name, values in seen.items()}
    print("spread of the rounds, %s: %s" % (row.name, ", ".join("%s %.1f %%" % (name, 100 * spread[name])
                                                               for name in CONTENDERS)), file=sys.stderr)
    return table.Result(row, figures, ratios)


def text_size():
    said = subprocess.run([sys.executable, ROOT / "scripts/size"], capture_output=True, text=True, check=True).stdout
    return int(re.search(r"^code: (\d+)", said, re.MULTILINE)[1])


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench --board", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--board", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", metavar="N", type=int, default=5, help="rounds of the counted rows (5)")
    parser.add_argument("--only", metavar="TEXT", action="append", help="rows with this text in their name; may be repeated")
    parser.add_argument("--json", metavar="FILE", type=Path, help="the whole result, for programs")
    options = parser.parse_args()

    def chosen(row):
        return not options.only or any(text.lower() in row.name.lower() for text in options.only)

    folder = ROOT / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    peer = measure.Peer(fetch.compile_c(folder, "peer", "-lpthread"))
    results = []
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(place, peer)
        try:
            bench.board.boot()
            results += [work(bench, row, options.rounds) for row in ROWS if chosen(row)]
            if chosen(CYCLE):
                results.append(table.Result(CYCLE, {name: {STACK: bench.stack(name, CYCLE, 5)}
                                                    for name in CYCLE.contenders}, {}))
            if chosen(CLIENT):
                results.append(table.Result(CLIENT, {name: {rows.HEAP: bench.ask("octets", name, CLIENT)}
                                                     for name in CONTENDERS}, {}))
        except board.Unanswered as why:
            raise SystemExit("bench: %s" % why) from None
        finally:
            bench.board.end()
            peer.end()
    if chosen(CODE):
        results.append(table.Result(CODE, {"umqtt": {TEXT: text_size()}}, {}))
    print(table.text(results, CONTENDERS))
    if options.json:
        options.json.write_text(json.dumps(table.plain(results), indent=1) + "\n")


if __name__ == "__main__":
    main()
