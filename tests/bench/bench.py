#!/usr/bin/env python3
"""Measures this module beside what a user would take instead and beside the limit, in one run; prints one table.

Contenders, in rounds that alternate, all with a heap of 256 KiB (8 MiB from 100 KB on):
  umqtt         this module in the Unix port
  limit         a MicroPython loop of the bare socket calls on octets prepared beforehand, with TCP_NODELAY
  simple        umqtt.simple from PyPI, as .mpy
  simple2       umqtt.simple2 from PyPI, as .mpy
  libmosquitto  in C, with TCP_NODELAY, for orientation
Times: medians over the rounds, ratios within a round. Instructions are callgrind's, in user space, system calls
strace's: each the difference of two counts of the same work, divided. These and the heap repeat exactly; times never do.
"""

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

import fetch
import guard
import measure
import profile_rows
import rows
import table

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "micropython"))
import brokers  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--guard", action="store_true", help="only what repeats exactly, of this module, against the "
                      "committed values and the bars; ends with `N passed, N failed`")
    mode.add_argument("--update", action="store_true", help="measure the same and commit it to tests/bench/committed.json")
    mode.add_argument("--profile", action="store_true", help="where the instructions go, function by function, of this "
                      "module; wants a MicroPython that is not stripped (make STRIP=)")
    parser.add_argument("--micropython", metavar="PATH", type=Path, default=ROOT / "build" / "unix" / "micropython",
                        help="the program to measure (build/unix/micropython)")
    parser.add_argument("--mpy-cross", metavar="PATH", type=Path, default=ROOT / "build" / "unix" / "mpy-cross")
    parser.add_argument("--rounds", metavar="N", type=int, default=15, help="rounds of the timed rows (15)")
    parser.add_argument("--ms", metavar="N", type=int, default=60, help="length of one timed run (60)")
    parser.add_argument("--only", metavar="TEXT", action="append", help="rows with this text in their name; may be repeated")
    parser.add_argument("--without", metavar="CONTENDER", action="append", default=[], choices=rows.CONTENDERS[1:])
    parser.add_argument("--json", metavar="FILE", type=Path, help="the whole result, for programs")
    return parser.parse_args()


class Run:
    """One run of the bench: what it is to measure, and the results by row and contender."""

    def __init__(self, options, bench):
        self.options, self.bench, self.results = options, bench, []

    def chosen(self, all_rows):
        only = self.options.only
        return [row for row in all_rows if not only or any(text.lower() in row.name.lower() for text in only)]

    def present(self, row):
        return [name for name in row.contenders if name not in self.bench.kit.missing and name not in self.options.without]

    def note(self, text):
        print(text, file=sys.stderr, flush=True)

    def add(self, row, figures, ratios=None):
        result = table.Result(row, figures, ratios or {})
        self.results.append(result)
        return result

    def rates(self, row):
        """Per contender the rates of all rounds."""
        names = self.present(row)
        seen = {name: [] for name in names}
        for number in range(self.options.rounds):
            # Whoever is measured first has a colder cache.
            for name in names if number % 2 == 0 else names[::-1]:
                with self.excusing(name, names):
                    seen[name].append(self.bench.per_second(row, name, self.options.ms))
        return {name: seen[name] for name in names}

    @contextlib.contextmanager
    def excusing(self, name, names):
        """A contender that fails at a row drops out of it; this module may not."""
        try:
            yield
        except measure.Failed as failed:
            if name == "umqtt":
                raise
            self.note("left out here: %s: %s" % (name, str(failed).splitlines()[-1]))
            names.remove(name)

    def speed(self, row):
        self.note(row.name)
        seen = self.rates(row)
        figures = {name: {"per second": statistics.median(rates)} for name, rates in seen.items()}
        ratios = {name: statistics.median(ours / other for ours, other in zip(seen["umqtt"], rates))
                  for name, rates in seen.items()}
        if row.exact:
            for name in rows.MICROPYTHON:
                if name in seen:
                    figures[name]["instructions"] = self.bench.instructions(row, name)
                    figures[name]["system calls"] = self.bench.system_calls(row, name)
        self.add(row, figures, ratios)

    def memory(self):
        for row in self.chosen(rows.MEMORY):
            self.note(row.name)
            self.add(row, {name: {rows.HEAP: self.bench.heap(row, name, count(row, name))[0]}
                           for name in self.present(row)})
        for row in self.chosen([rows.GROWTH]):
            self.note(row.name)
            heap, resident = self.bench.heap(row, "umqtt", 100000)
            self.add(row, {"umqtt": {rows.GROWTH_HEAP: heap, rows.GROWTH_RESIDENT: resident}})
        for row in self.chosen([rows.SMALLEST]):
            self.note(row.name)
            port = self.bench.ports["peer"]
            self.add(row, {name: {"heap, KiB": self.bench.smallest_heap(name, port)} for name in self.present(row)})

    def all(self):
        for row in self.chosen(rows.SPEED + rows.BROKER):
            self.speed(row)
        self.memory()


def count(row, contender):
    return 5 if contender.startswith("simple") and row.what == "heap_publish1" else 50


def main():
    options = arguments()
    load = os.getloadavg()[0]
    for path in (options.micropython, options.mpy_cross):
        if not path.exists():
            raise SystemExit("%s is not there: scripts/build_unix makes it" % path)
    own_only = options.guard or options.update or options.profile
    wanted = () if own_only else [name for name in rows.CONTENDERS if name not in options.without]
    kit = fetch.Kit(ROOT / "build" / "bench", options.mpy_cross, wanted)
    for name, why in kit.missing.items():
        print("left out: %s: %s" % (name, why), file=sys.stderr)
    # The other side on one processor, the contenders on another, children of this process all: whether the two share one is
    # worth a factor of two at 4 KiB, and the scheduler decides it anew in each run.
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, processors[:1])
    peer = measure.Peer(kit.peer)
    with tempfile.TemporaryDirectory() as folder:
        broker = None if own_only else brokers.Broker(folder, measure.ADDRESS, ["log_dest none"])
        os.sched_setaffinity(0, processors[-1:])
        try:
            ports = {"peer": peer.port, "mosquitto": broker and broker.port}
            run = Run(options, measure.Bench(options.micropython, kit, ports))
            if options.profile:
                if b".symtab" not in options.micropython.read_bytes():
                    raise SystemExit("%s is stripped: build one with make STRIP=" % options.micropython)
                profile_rows.show(run)
                return 0
            if own_only:
                return guard.main(run, options.update)
            run.all()
        finally:
            peer.end()
            if broker:
                broker.end()
    print(table.text(run.results))
    # Whatever else ran took its share of the times, and not always the same.
    print("load average %.1f before, %.1f after, %d processors" % (load, os.getloadavg()[0], len(processors)))
    if options.json:
        options.json.write_text(json.dumps(table.plain(run.results), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
