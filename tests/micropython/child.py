"""One process that runs named tests, read line by line, with a limit for each test."""

import os
import queue
import signal
import subprocess
import threading
import time


class Child:
    """The process. Its output is what check.py prints: "plan", "ok", "skip" and "FAIL", and anything else between.

    A line that begins with "round" says what plays the round again that begins now: of all rounds of a test that of the last counts.
    """

    def __init__(self, command, limit, environment=None):
        self.limit, self.finished = limit, False
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, text=True, errors="replace",
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        self.lines = queue.Queue()
        self.begin_test()
        threading.Thread(target=self.read, daemon=True).start()

    def begin_test(self):
        self.until = time.monotonic() + self.limit

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def line(self):
        """The next line of output; None at its end; queue.Empty past the limit."""
        return self.lines.get(timeout=max(0, self.until - time.monotonic()))

    def plan(self):
        while (line := self.line()) is not None:
            if line.startswith("plan "):
                return line.split()[1:]
        return []

    def end(self):
        # The process leads a session of its own, which holds nothing but it and its strace.
        if self.process.returncode is None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()

    def follow(self, label, tell):
        """Passes the results on. Returns the names still to be run, or None when the script came to its end."""
        waiting, output, begun = None, [], []
        try:
            while (line := self.line()) is not None:
                word, _, rest = line.rstrip("\n").partition(" ")
                if word == "plan":
                    waiting = rest.split()
                    self.begin_test()
                elif word in ("ok", "skip", "FAIL") and waiting and rest.split(" ")[0] == waiting[0]:
                    tell(word, label + rest, "".join(begun + output))
                    del waiting[0]
                    output, begun = [], []
                    self.begin_test()
                elif word == "round":
                    begun = [line]
                elif word == "FATAL:":
                    # A board that gives up, and starts anew.
                    why = line
                    break
                else:
                    output.append(line)
            else:
                status = self.process.wait()
                why = "ended by signal %d" % -status if status < 0 else "ended with status %d" % status
        except queue.Empty:
            why = "limit of %d s" % self.limit
        self.end()
        if waiting == []:
            self.finished = True
            return None
        name = waiting.pop(0) if waiting else "(the script did not begin)"
        tell("FAIL", label + name, "".join(begun + output) + why)
        return waiting
