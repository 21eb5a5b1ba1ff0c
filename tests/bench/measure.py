"""Runs one contender at one piece of work and takes a figure from it: time, instructions, system calls, octets of heap."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

LIMIT_S = 120
ADDRESS = "127.0.0.1"


class Failed(Exception):
    """A run that did not come to its end, with what it said."""


class Peer:
    """The peer, for as long as this lives."""

    def __init__(self, program):
        self.process = subprocess.Popen([str(program), ADDRESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Bench:
    """All that the contenders need to run, and `ports`: of the peer and of the broker."""

    def __init__(self, micropython, kit, ports):
        self.micropython, self.kit, self.ports = Path(micropython).resolve(), kit, ports

    def run(self, command):
        # Paths stay out of the contender's heap: it starts in the folder that it imports from.
        try:
            done = subprocess.run([str(word) for word in command], cwd=self.kit.modules, timeout=LIMIT_S,
                                  env={**os.environ, "MICROPYPATH": ":.frozen"}, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True)
        except subprocess.TimeoutExpired:
            raise Failed("did not end within %d s" % LIMIT_S) from None
        except FileNotFoundError as missing:
            raise SystemExit("%s is not installed: scripts/setup bench" % missing.filename) from None
        if done.returncode:
            raise Failed((done.stdout + done.stderr).strip()[-2000:] or "exit status %d" % done.returncode)
        return done.stdout

    def result(self, command):
        output = self.run(command)
        found = re.search(r"^RESULT (.*)", output, re.MULTILINE)
        if not found:
            raise Failed(output.strip()[-2000:] or "no result")
        return [float(word) for word in found[1].split()]

    def command(self, row, contender, count, ms):
        place = (ADDRESS, self.ports[row.peer], row.size, count, ms, row.batch_of(contender))
        if contender == "libmosquitto":
            return [self.kit.libmosquitto, row.what.split("_")[0], *place]
        line = " ".join(str(word) for word in (contender, row.what, *place))
        return [self.micropython, "-X", "heapsize=" + row.heap, "-c", "import work; work.main('%s')" % line]

    def per_second(self, row, contender, ms):
        number, microseconds = self.result(self.command(row, contender, 0, ms))
        return number * 1e6 / microseconds

    def heap(self, row, contender, count):
        return self.result(self.command(row, contender, count, 0))

    def each(self, row, contender, figure_of):
        """One figure a piece: that of many less that of few, so that the rest of the process falls out."""
        few, many = row.counts(contender)
        difference = figure_of(self.command(row, contender, many, 0)) - figure_of(self.command(row, contender, few, 0))
        return difference / (many - few)

    def instructions(self, row, contender):
        return self.each(row, contender, self.callgrind)

    def callgrind(self, command, kept=None):
        with tempfile.TemporaryDirectory() as place:
            out = kept or Path(place) / "callgrind.out"
            self.run(["valgrind", "--quiet", "--tool=callgrind", "--callgrind-out-file=%s" % out, *command])
            return int(re.search(r"^(?:summary|totals): (\d+)", Path(out).read_text(), re.MULTILINE)[1])

    def system_calls(self, row, contender):
        return self.each(row, contender, self.strace)

    def strace(self, command):
        with tempfile.TemporaryDirectory() as place:
            out = Path(place) / "calls"
            self.run(["strace", "--quiet=all", "--follow-forks", "--summary-only", "--summary-columns=calls,name",
                      "--output=%s" % out, *command])
            lines = [line for line in out.read_text().splitlines() if re.match(r"\s*\d+ (?!total)\w", line)]
            return sum(int(line.split()[0]) for line in lines)

    def smallest_heap(self, contender, port, most=64):
        """KiB, in steps of one: the first from which on it works."""
        for size in range(2, most):
            command = [self.micropython, "-X", "heapsize=%dk" % size, "-m", "smallest_" + contender, ADDRESS, port]
            try:
                if self.result(command) == [1024 * 1000]:
                    return size
            except Failed:
                pass
        raise Failed("%s: no heap under %d KiB is enough" % (contender, most))
