"""The scripts of this folder on boards, for run.py --board: a pool of boards, each running one script at a time.

A board finds this machine at namespace.HOST, through QEMU's user network, and reports over its serial line. After a test
that hung or took the board down, the board is switched off and on again.
"""

import queue
import traceback

import board
import guide
import namespace
import serial_line
from child import Child

HELPERS = ("check.py", "enduring.py", "host.py", "porttls.py", "process.py", "random_calls.py", "random_content.py", "random_kinds.py",
           "reconnecting.py", "tasks.py")


class Seat:
    """A board of the pool, and what it is to know."""

    def __init__(self, run, number):
        self.run, self.name = run, "board%d" % number
        self.board = board.Board(run.folder / self.name, run.options.firmware)
        self.child = None
        self.helpers = run.folder / (self.name + ".files")
        self.helpers.mkdir()
        run.world.boards[self.name] = self.interrupt

    def interrupt(self):
        with board.Console(self.board.name) as console:
            console.type(b"\x03")

    def prepare(self):
        """A board that is fit for the next script."""
        if self.child and not self.child.finished:
            self.child.end()
            self.board.end()
        self.child = None
        if self.run.ending:
            raise board.Unanswered("the run is ending")
        if not self.board.find():
            self.board.boot()
            self.run.write_target(self.helpers, HOST=namespace.HOST, BOARD=self.name)
            self.board.copy(*[board.HERE / name for name in HELPERS], self.helpers / "target.py")

    def begin(self, path, names):
        self.prepare()
        # The soft reset with which mpremote begins leaves nothing of the script before.
        self.child = Child(self.board.command("exec", "import sys; sys.argv[:] = %r" % [path.name, *names], "run", path),
                           self.run.options.limit)
        return self.child

    def guide(self):
        """The guide's script, unchanged and from the board's own flash, gives the guide's output."""
        self.prepare()
        self.board.copy(guide.SCRIPT)
        output = self.board.quietly("exec", "import " + guide.SCRIPT.stem, limit=self.run.options.limit)
        return output.replace("\r\n", "\n"), output.replace("\r\n", "\n") == guide.OUTPUT

    def end(self):
        if self.child:
            self.child.end()
        self.board.end()


class Pool:
    """All boards of a run, handed out one to each thread that asks."""

    def __init__(self, run):
        self.run = run
        self.seats = [Seat(run, number) for number in range(run.options.j)]
        self.free, self.bench = queue.Queue(), None
        for seat in self.seats:
            self.free.put(seat)

    def script(self, path, needs):
        """As a thread's whole task: all tests of one script."""
        seat = self.free.get()
        try:
            self.run.script("board:%s." % path.stem, seat.begin, path)
        finally:
            self.free.put(seat)

    def guide(self):
        seat = self.free.get()
        try:
            output, good = seat.guide()
        except board.Unanswered as why:
            output, good = str(why), False
        finally:
            self.free.put(seat)
        self.run.tell("ok" if good else "FAIL", "board:" + self.run.GUIDE_TEST, output)

    def serial_line(self):
        """The tests that drive a board from outside, each on a board of its own."""
        for test in serial_line.TESTS:
            name = "board:serial_line." + test.__name__
            if self.run.ending or not self.run.chosen(name):
                continue
            folder = self.run.folder / test.__name__
            folder.mkdir()
            off = board.Board(folder / "board", self.run.options.firmware)
            self.bench = serial_line.Bench(off, folder, self.run.options.address)
            try:
                test(self.bench)
                self.run.tell("ok", name)
            except Exception:
                self.run.tell("FAIL", name, traceback.format_exc())
            finally:
                self.bench.end()

    def end(self):
        for seat in self.seats:
            seat.end()
        if self.bench:
            # Whoever reads from it sees that it has gone.
            self.bench.board.end()
