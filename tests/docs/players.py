"""Who runs an example: a process of the Unix port, or a board in QEMU. Both find the names of its brokers on this machine."""

import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

import board
import namespace


class Play:
    """A script that runs, and what it prints."""

    def __init__(self, command, limit, **place):
        self.limit, self.lines, self.seen = limit, queue.Queue(), []
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, errors="replace", **place)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.replace("\r\n", "\n"))
        self.lines.put(None)

    def line(self):
        try:
            line = self.lines.get(timeout=self.limit)
        except queue.Empty:
            raise AssertionError("nothing more in %d s; printed: %s" % (self.limit, "".join(self.seen))) from None
        self.seen += [line] if line else []
        return line

    def wait_for(self, wanted):
        """Waits until it has printed that line."""
        while (line := self.line()) != wanted + "\n":
            if line is None:
                raise AssertionError("ended without %r; printed: %s" % (wanted, "".join(self.seen)))

    def output(self, fails=False):
        """What it prints from here to its end."""
        lines = []
        while (line := self.line()) is not None:
            lines.append(line)
        status = self.process.wait()
        if (status != 0) != fails:
            raise AssertionError("ended with status %d; printed: %s" % (status, "".join(self.seen)))
        return "".join(lines)

    def end(self):
        self.process.kill()
        self.process.wait()


class UnixPlay(Play):
    """On the Unix port."""

    def __init__(self, command, limit, folder, **place):
        self.folder = folder
        super().__init__(command, limit, cwd=folder, **place)

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def kill(self):
        self.process.kill()

    def file(self, name):
        path = Path(self.folder) / name
        return path.read_bytes() if path.exists() else None

    def end(self):
        super().end()
        shutil.rmtree(self.folder)


class Unix:
    """Starts them on the Unix port, with brokers at a loopback address of this run's own: their ports are free there."""

    def __init__(self, options, names, address=None, folder=None):
        self.options, self.names = options, names
        self.address = address or "127.19.%d.%d" % (os.getpid() // 250 % 250, os.getpid() % 250 + 1)

    def play(self, script, files=()):
        folder = tempfile.mkdtemp()
        for path in files:
            shutil.copy(path, folder)
        hosts = Path(folder) / "hosts"
        hosts.write_text("".join("%s %s\n" % (self.address, name) for name in self.names))
        environment = {**os.environ, "LD_PRELOAD": "libnss_wrapper.so", "NSS_WRAPPER_HOSTS": str(hosts)}
        return UnixPlay([self.options.micropython.resolve(), script], self.options.limit, folder, env=environment)

    def end(self):
        pass


class BoardPlay(Play):
    """On the board."""

    def __init__(self, command, limit, on):
        self.on = on
        super().__init__(command, limit)

    def interrupt(self):
        with board.Console(self.on.name) as console:
            console.type(b"\x03")

    def kill(self):
        self.on.end()

    def file(self, name):
        with tempfile.TemporaryDirectory() as folder:
            self.on.quietly("cp", ":" + name, folder, limit=self.limit)
            return (Path(folder) / name).read_bytes()


class Board:
    """Starts them on a board, which finds the brokers of this machine at namespace.HOST."""

    address = "127.0.0.1"

    def __init__(self, options, names, folder=None):
        self.options = options
        self.names = namespace.Names(folder, *names)
        self.board = board.Board(Path(folder) / "board", options.firmware)

    def play(self, script, files=()):
        if not self.board.find():
            self.board.boot()
        if files:
            self.board.copy(*files)
        return BoardPlay(self.board.command("run", script), self.options.limit, self.board)

    def end(self):
        self.board.end()
        self.names.end()
