"""Boards: QEMU's, kept by keeper.py in a folder of their own, and real ones at a serial port. mpremote talks to both.

scripts/board and run.py use the same. What a user would want to know ends in an Unanswered or a SystemExit with one line.
"""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FIRMWARE = ROOT / "build/board/firmware.elf"
MPREMOTE = ROOT / "build/venv/bin/mpremote"
PROMPT = b">>> "
BOOT_S, START_S = 10, 30


class Unanswered(Exception):
    """The board does not do what every board does. The text is for the user."""


class Port:
    """A serial port with a board, QEMU's or a real one, by mpremote."""

    def __init__(self, name):
        self.name = name

    def command(self, *words):
        return [str(MPREMOTE), "connect", self.name, *map(str, words)]

    def check(self):
        """Ends what the board is doing, and sees that it answers."""
        try:
            done = subprocess.run(self.command("resume", "exec", "pass"), stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, timeout=START_S)
            status, said = done.returncode, done.stderr.strip().rpartition("\n")[2]
        except subprocess.TimeoutExpired:
            status, said = 1, "no answer in %d s" % START_S
        if status:
            raise Unanswered("the board at %s does not answer (%s)" % (self.name, said))

    def mpremote(self, *words):
        """Runs it in the terminal. Its status; Ctrl-C ends what the board is doing, too."""
        process = subprocess.Popen(self.command(*words))
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()
            self.check()
            raise

    def copy(self, *paths, to=":"):
        """Puts files into a folder of the board."""
        self.quietly("cp", *paths, to)

    def quietly(self, *words, limit=START_S):
        """Runs it and hands back what it printed; whatever goes wrong raises."""
        try:
            done = subprocess.run(self.command(*words), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  errors="replace", timeout=limit)
        except subprocess.TimeoutExpired:
            raise Unanswered("mpremote %s: not done in %d s" % (words[0], limit)) from None
        if done.returncode:
            raise Unanswered("mpremote %s: %s" % (words[0], (done.stdout + done.stderr).strip()))
        return done.stdout


class Console:
    """The serial port as a terminal has it, for what has to be typed octet by octet. Anything may be connected besides."""

    def __init__(self, name):
        self.descriptor = os.open(name, os.O_RDWR | os.O_NOCTTY)
        self.seen = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        os.close(self.descriptor)

    def type(self, octets):
        try:
            os.write(self.descriptor, octets)
        except OSError:
            raise Unanswered("the port has gone") from None

    def read_until(self, ending, limit=START_S):
        """What came up to and with that text; Unanswered when it does not come."""
        end = time.monotonic() + limit
        while ending not in self.seen:
            if not select.select([self.descriptor], [], [], max(0, end - time.monotonic()))[0]:
                raise Unanswered("waited in vain for %r; what came: %r" % (ending, self.seen))
            try:
                came = os.read(self.descriptor, 4096)
            except OSError:
                came = b""
            if not came:
                raise Unanswered("the port has gone")
            self.seen += came
        at = self.seen.index(ending) + len(ending)
        got, self.seen = self.seen[:at], self.seen[at:]
        return got

    def enter(self, line):
        """Types a line at the prompt. What the board printed until the next prompt, without the line itself."""
        self.type(line.encode() + b"\r")
        self.read_until(b"\n")
        return self.read_until(PROMPT)[:-len(PROMPT)].decode(errors="replace").replace("\r\n", "\n")


class Board(Port):
    """A board of QEMU's. Its folder outlives it, with what is in its flash."""

    def __init__(self, folder, firmware=FIRMWARE, options=()):
        self.folder, self.firmware, self.options = Path(folder), firmware, options
        self.keeper, self.qemu, self.process = None, None, None
        super().__init__(None)

    def find(self):
        """True if it is running already; then it is at hand as if it had been started here."""
        try:
            pid, qemu, name = (self.folder / "state").read_text().split()
            words = Path("/proc/%s/cmdline" % pid).read_text().split("\0")
        except (OSError, ValueError):
            return False
        # The number may be another process's by now.
        if words[1:3] != [str(HERE / "keeper.py"), str(self.folder)]:
            return False
        self.keeper, self.qemu, self.name = int(pid), int(qemu), name
        return True

    def start(self):
        """Switches it on. Its output waits for whoever opens the port first."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "state").unlink(missing_ok=True)
        # A session of its own: Ctrl-C in the terminal is not for the keeper, which may outlive this process.
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen([sys.executable, HERE / "keeper.py", self.folder, self.firmware, *self.options],
                                            stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        end = time.monotonic() + START_S
        while not self.find():
            if self.process.poll() is not None or time.monotonic() > end:
                self.end()
                raise Unanswered("QEMU did not start: " + self.log())
            time.sleep(0.02)

    def boot(self, show=lambda text: None):
        """Switches it on and waits for the REPL; shows what the board prints meanwhile."""
        self.start()
        try:
            with Console(self.name) as console:
                try:
                    came = console.read_until(PROMPT, BOOT_S)
                except Unanswered:
                    # main.py may run for ever: that is no fault.
                    console.type(b"\x03")
                    came = console.read_until(PROMPT, BOOT_S)
                show(came[:-len(PROMPT)].decode(errors="replace"))
                # It answers; and keeper.py lets go of the port at the first that comes through it.
                console.enter("")
        except Unanswered as why:
            said = self.log()
            self.end()
            raise Unanswered("the board does not come up: %s. %s" % (why, said)) from None
        except BaseException:
            self.end()
            raise

    def log(self):
        """What QEMU has to complain about."""
        try:
            lines = (self.folder / "log").read_text(errors="replace").splitlines()
        except OSError:
            return ""
        # Debian's QEMU always warns of the one way that there is to ask for no sound.
        return " ".join(line for line in lines if "deprecated" not in line)

    def end(self):
        """Switches it off, if it is on. What was written to the flash stays."""
        running = self.find()
        process, self.process = self.process, None
        if process:
            process.terminate()
            process.wait()
        elif running:
            os.kill(self.keeper, signal.SIGTERM)
            while self.find():
                time.sleep(0.02)
        return running

    def cpu_seconds(self):
        """What the keeper and QEMU have taken of the host so far."""
        ticks = 0
        for pid in (self.keeper, self.qemu):
            fields = Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")
