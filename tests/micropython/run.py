#!/usr/bin/env python3
"""Runs the scripts of this folder with a MicroPython binary that has umqtt, against brokers and a Server started here.

Each script is one process with many named tests. A test that hangs past the limit, or takes the process down, fails by its
name, and the script goes on in a new process with the tests that are left. The last line is "N passed, N failed".

A script's first line may say what it needs: "# needs: unix" (processes, signals, threads: not for a board), "strace" (run
under it), "stock" (run by a stock variant of the Unix port as well, when there is one).
"""

import argparse
import concurrent.futures
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import brokers
import certificates
import control

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NAME = "broker.test"
GUIDE_NAME, GUIDE_PORT = "mq.tongxinmao.com", 18830
GUIDE_OUTPUT = """\
Connected to mq.tongxinmao.com, subscribed to /public/TEST/quecpython topic
Publish topic: /public/TEST/quecpython, msg: my name is Quecpython
subscribe recv:
b'/public/TEST/quecpython' b'my name is Kingka!'
"""


class Run:
    """Everything that is started for one run, and its results."""

    def __init__(self, options, folder):
        self.options, self.folder = options, Path(folder)
        self.brokers, self.children, self.passed, self.failed, self.ending = [], [], 0, 0, False
        self.printing = threading.Lock()
        # Its own loopback address keeps the guide's fixed port free on this machine.
        self.guide_address = "127.18.%d.%d" % (os.getpid() // 250 % 250, os.getpid() % 250 + 1)

    def broker(self, lines=(), **place):
        self.brokers.append(brokers.Broker(self.folder, place.pop("address", self.options.address), lines, **place))
        return self.brokers[-1].port

    def prepare(self):
        authority = certificates.Authority(self.folder, "ca")
        other = certificates.Authority(self.folder, "other")
        server = authority.sign("server", NAME, "localhost")
        wrong = authority.sign("wrong", "elsewhere.test")
        client = authority.sign("client")
        stranger = other.sign("stranger")
        world = control.World(self.options.address, self.folder, server)
        self.control = control.Control(world)
        target = {
            "HOST": self.options.address,
            "NAME": NAME,
            "CONTROL": self.control.port,
            "BROKER": self.broker(),
            "BROKER_PASSWORD": self.broker(brokers.passwords(self.folder, "user", "secret")),
            "BROKER_TLS": self.broker(brokers.tls(authority.certificate, *server)),
            "BROKER_TLS_WRONG_NAME": self.broker(brokers.tls(authority.certificate, *wrong)),
            "BROKER_TLS_CLIENT": self.broker(brokers.tls(authority.certificate, *server, client=True)),
            "CA": certificates.der(authority.certificate),
            "CA_PEM": authority.certificate.read_bytes(),
            "OTHER_CA": certificates.der(other.certificate),
            "CLIENT_CERT": certificates.der(client[0]),
            "CLIENT_KEY": certificates.der(client[1]),
            "CLIENT_CERT_PEM": client[0].read_bytes(),
            "CLIENT_KEY_PEM": client[1].read_bytes(),
            "STRANGER_CERT": certificates.der(stranger[0]),
            "STRANGER_KEY": certificates.der(stranger[1]),
        }
        (self.folder / "path").mkdir()
        lines = ["# Where the other side of the tests is. Made by run.py.", *("%s = %r" % pair for pair in target.items())]
        (self.folder / "path" / "target.py").write_text("\n".join(lines) + "\n")
        (self.folder / "hosts").write_text("%s %s\n%s %s\n" % (self.options.address, NAME, self.guide_address, GUIDE_NAME))

    def end(self):
        for process in self.children + self.brokers:
            process.end()

    def environment(self, **more):
        return {**os.environ, "MICROPYPATH": "%s:%s:.frozen" % (self.folder / "path", HERE), "LD_PRELOAD": "libnss_wrapper.so",
                "NSS_WRAPPER_HOSTS": str(self.folder / "hosts"), **more}

    def tell(self, verdict, name, output=""):
        with self.printing:
            self.passed += verdict == "ok"
            self.failed += verdict == "FAIL"
            print(verdict, name, flush=True)
            if verdict == "FAIL":
                print("".join("    %s\n" % line for line in output.splitlines()), end="", flush=True)

    def guide(self):
        """The guide's script, unchanged, gives the guide's output."""
        self.broker(address=self.guide_address, port=GUIDE_PORT)
        try:
            done = subprocess.run([self.options.micropython, HERE / "test.py"], env=self.environment(), text=True,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=self.options.limit)
            output, good = done.stdout + done.stderr, done.returncode == 0 and done.stdout == GUIDE_OUTPUT
        except subprocess.TimeoutExpired as late:
            output, good = "%s\nlimit of %d s" % (late.stdout, self.options.limit), False
        self.tell("ok" if good else "FAIL", "guide.the_script_of_the_guide_prints_what_the_guide_says", output)

    def script(self, label, binary, path, needs):
        """All tests of one script, in as many processes as it takes."""
        names = None
        if self.options.filter:
            listing = Child(self, binary, path, ["--list"], False)
            names = [name for name in listing.plan() if any(part in label + name for part in self.options.filter)]
            listing.end()
            if not names:
                return
        while (names is None or names) and not self.ending:
            child = Child(self, binary, path, names or [], "strace" in needs)
            left = child.follow(label, self.tell)
            if left is None or left == names:
                return
            names = left


class Child:
    """One process of MicroPython, read line by line under the limit."""

    def __init__(self, run, binary, path, names, traced):
        self.limit = run.options.limit
        # exec keeps the process number, so the script knows its own.
        command = ["sh", "-c", 'export TEST_PID=$$; exec "$@"', "sh"]
        more = {}
        if traced:
            descriptor, more["TRACE"] = tempfile.mkstemp(dir=run.folder)
            os.close(descriptor)
            command += ["strace", "-f", "-qq", "-s", "64", "-o", more["TRACE"]]
        command += [str(binary), "-X", "heapsize=%s" % run.options.heap, str(path), *names]
        self.process = subprocess.Popen(command, env=run.environment(**more), stdin=subprocess.DEVNULL, text=True,
                                        errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        start_new_session=True)
        run.children.append(self)
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def line(self):
        """The next line of output; None at its end; queue.Empty past the limit."""
        return self.lines.get(timeout=self.limit)

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
        waiting, output = None, []
        try:
            while (line := self.line()) is not None:
                word, _, rest = line.rstrip("\n").partition(" ")
                if word == "plan":
                    waiting = rest.split()
                elif word in ("ok", "skip", "FAIL") and waiting and rest.split(" ")[0] == waiting[0]:
                    tell(word, label + rest, "".join(output))
                    del waiting[0]
                    output = []
                else:
                    output.append(line)
            status = self.process.wait()
            why = "ended by signal %d" % -status if status < 0 else "ended with status %d" % status
        except queue.Empty:
            why = "limit of %d s" % self.limit
        self.end()
        if waiting == []:
            return None
        name = waiting.pop(0) if waiting else "(the script did not begin)"
        tell("FAIL", label + name, "".join(output) + why)
        return waiting


def scripts():
    """The test scripts: those that import the helper for named tests, with what they need."""
    for path in sorted(HERE.glob("*.py")):
        text = path.read_text()
        if "\nfrom check import" in text:
            first = text.split("\n", 1)[0]
            yield path, first[9:].replace(",", " ").split() if first.startswith("# needs:") else []


def can_trace():
    return subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True).returncode == 0


def run_all(run):
    """Every script, options.j of them at a time."""
    options, work = run.options, []
    with concurrent.futures.ThreadPoolExecutor(options.j) as pool:
        if (HERE / "test.py").exists() and (not options.filter or any(part in "guide." for part in options.filter)):
            work.append(pool.submit(run.guide))
        for path, needs in scripts():
            if "strace" in needs and not can_trace():
                run.tell("skip", "%s.*: strace cannot trace here" % path.stem)
                continue
            work.append(pool.submit(run.script, path.stem + ".", options.micropython, path, needs))
            if "stock" in needs and options.stock.exists():
                work.append(pool.submit(run.script, "stock:%s." % path.stem, options.stock, path, needs))
        try:
            for one in work:
                one.result()
        except BaseException:
            # Ctrl-C, or a mistake in here: what has not begun does not begin, and what runs is ended.
            run.ending = True
            pool.shutdown(wait=False, cancel_futures=True)
            run.end()
            raise


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("filter", nargs="*", help="run only tests whose SCRIPT.NAME holds one of these")
    parser.add_argument("--micropython", type=Path, default=ROOT / "build/unix/micropython")
    parser.add_argument("--stock", type=Path, default=ROOT / "build/unix-stock/micropython")
    parser.add_argument("--heap", default="16M", help="MicroPython's heap (default: %(default)s)")
    parser.add_argument("--limit", type=float, default=60, help="seconds for one test (default: %(default)s)")
    parser.add_argument("--address", default="127.0.0.1", help="where brokers and Servers listen")
    parser.add_argument("-j", type=int, default=2, help="scripts at a time (default: %(default)s)")
    options = parser.parse_args()
    if not options.micropython.exists():
        raise SystemExit("no MicroPython at %s: build it first, or name it with --micropython" % options.micropython)
    if brokers.missing_tools():
        raise SystemExit("not installed: " + ", ".join(brokers.missing_tools()))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))
    with tempfile.TemporaryDirectory() as folder:
        run = Run(options, folder)
        try:
            run.prepare()
            run_all(run)
        finally:
            run.end()
    print("%d passed, %d failed" % (run.passed, run.failed))
    return 1 if run.failed or not run.passed else 0


if __name__ == "__main__":
    sys.exit(main())
