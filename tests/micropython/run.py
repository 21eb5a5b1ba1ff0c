#!/usr/bin/env python3
"""Runs the scripts of this folder with a MicroPython that has umqtt, against brokers and a Server started here.

Each script is one process with many named tests. A test that hangs past the limit, or takes the process down, fails by its
name, and the script goes on in a new process with the tests that are left. The last line is "N passed, N failed".

With SOAK in the environment, some tests take minutes or hours instead of seconds; SEED is the number that chance begins with.

With --board, boards in QEMU run the scripts (board_run.py), and it all happens in a network namespace of its own.

A script's first line may say what it needs: "# needs: unix" (processes, threads: not for a board), "strace" and "valgrind" (run
under it), "stock" (run by a stock variant of the Unix port as well, when there is one), "faults" (run by the variant that has
that module instead, when there is one), "layers" (MicroPython 1.21 or newer, and extras), "extras" and "tls" (a build with
these), "small" (run on a heap of 64 KiB), "board heap" (of 512 KiB, as the board has).

What a build leaves out stands beside it in the file `without`, by the script that builds it: extras, tls, names, select, asyncio,
"nodelay" (TCP_NODELAY), "posix" (streams whose end is 0 octets, and which tell Python of would-block by None).
Tests that need one of these are skipped there, single ones by host.needs(). Nowhere else: where such a thing is to be, it is a
failure if it is missing. "manners" is the other way round: only a build that says in its file `with` that it has the vendor's
manners (scripts/build_manners) runs the script that needs them.
"""

import argparse
import concurrent.futures
import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import board
import board_run
import brokers
import certificates
import control
import guide
import namespace
import upstream
from child import Child

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NAME = "broker.test"


class Run:
    """Everything that is started for one run, and its results."""

    GUIDE_TEST = "guide.the_script_of_the_guide_prints_what_the_guide_says"

    def __init__(self, options, folder):
        self.options, self.folder = options, Path(folder)
        self.brokers, self.children, self.passed, self.failed, self.ending = [], [], 0, 0, False
        self.printing = threading.Lock()
        # Its own loopback address keeps the guide's fixed port free on this machine. In a namespace it is free anyway.
        self.guide_address = options.address
        if not options.board:
            self.guide_address = "127.18.%d.%d" % (os.getpid() // 250 % 250, os.getpid() % 250 + 1)

    def broker(self, lines=(), **place):
        self.brokers.append(brokers.Broker(self.folder, place.pop("address", self.options.address), lines, **place))
        return self.brokers[-1].port

    def prepare(self):
        if self.options.board:
            self.children.append(namespace.Names(self.folder, NAME, guide.NAME))
        authority = certificates.Authority(self.folder, "ca")
        other = certificates.Authority(self.folder, "other")
        server = authority.sign("server", NAME, "localhost")
        wrong = authority.sign("wrong", "elsewhere.test")
        client = authority.sign("client")
        stranger = other.sign("stranger")
        self.world = control.World(self.options.address, self.folder, server)
        self.control = control.Control(self.world)
        self.target = {
            "HOST": self.options.address,
            "NAME": NAME,
            "SOAK": bool(os.environ.get("SOAK")),
            "SEED": int(os.environ.get("SEED", "1")),
            "DRAW": os.environ.get("DRAW", ""),
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
        if self.options.board:
            self.broker(address=self.guide_address, port=guide.PORT)
            self.pool = board_run.Pool(self)
            self.children.append(self.pool)
        else:
            (self.folder / "path").mkdir()
            self.write_target(self.folder / "path", NO_UPSTREAM=upstream.prepare(self.folder / "path"))
            lines = ["%s %s\n" % (self.options.address, NAME), "%s %s\n" % (self.guide_address, guide.NAME)]
            (self.folder / "hosts").write_text("".join(lines))

    def write_target(self, folder, **more):
        lines = ["# Where the other side of the tests is. Made by run.py.",
                 *("%s = %r" % pair for pair in {**self.target, **more}.items())]
        (folder / "target.py").write_text("\n".join(lines) + "\n")

    def end(self):
        for process in self.children + self.brokers:
            process.end()

    def environment(self, binary, **more):
        # The vendor's modules have the names of old; scripts say `import time`.
        names = ROOT / "micropython/manners/names"
        places = {"manners": names, "old": names / "old"}
        places = [self.folder / "path", HERE, *(places[word] for word in noted(binary, "with")), ".frozen"]
        return {**os.environ, "MICROPYPATH": ":".join(map(str, places)), "LD_PRELOAD": "libnss_wrapper.so",
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
        self.broker(address=self.guide_address, port=guide.PORT)
        try:
            done = subprocess.run([self.options.micropython, guide.SCRIPT], env=self.environment(self.options.micropython), text=True,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=self.options.limit)
            output, good = done.stdout + done.stderr, done.returncode == 0 and done.stdout == guide.OUTPUT
        except subprocess.TimeoutExpired as late:
            output, good = "%s\nlimit of %d s" % (late.stdout, self.options.limit), False
        self.tell("ok" if good else "FAIL", self.GUIDE_TEST, output)

    def chosen(self, name):
        parts = self.options.filter
        wanted = [part for part in parts if part[0] != "!"]
        return not any(part[1:] in name for part in parts if part[0] == "!") and (
            not wanted or any(part in name for part in wanted))

    def script(self, label, begin, path):
        """All tests of one script, in as many processes as it takes; begin(path, arguments) makes one."""
        names = None
        if self.options.filter:
            listing = begin(path, ["--list"])
            names = [name for name in listing.plan() if self.chosen(label + name)]
            listing.end()
            if not names:
                return
        while (names is None or names) and not self.ending:
            left = begin(path, names or []).follow(label, self.tell)
            if left is None or left == names:
                return
            names = left

    def begin(self, binary, needs, path, names):
        """A process of the Unix port."""
        # exec keeps the process number, so the script knows its own.
        command = ["sh", "-c", 'export TEST_PID=$$; exec "$@"', "sh"]
        more = {"WITHOUT": " ".join(noted(binary, "without"))}
        if "strace" in needs:
            descriptor, more["TRACE"] = tempfile.mkstemp(dir=self.folder)
            os.close(descriptor)
            command += ["strace", "-f", "-qq", "-s", "64", "-o", more["TRACE"]]
        if "valgrind" in needs:
            command += ["valgrind", "--quiet", "--error-exitcode=9", "--exit-on-first-error=yes", "--num-callers=20",
                        "--suppressions=%s" % (HERE / "valgrind.supp")]
        heap = "64k" if "small" in needs else "512k" if "heap" in needs else self.options.heap
        command += [str(binary), "-X", "heapsize=" + heap, str(path), *names]
        self.children.append(Child(command, self.options.limit, self.environment(binary, **more)))
        return self.children[-1]


def scripts():
    """The test scripts: those that import the helper for named tests, with what they need."""
    for path in sorted(HERE.glob("*.py")):
        text = path.read_text()
        if "\nfrom check import" in text:
            first = text.split("\n", 1)[0]
            yield path, first[9:].replace(",", " ").split() if first.startswith("# needs:") else []


def noted(binary, name):
    """What this build leaves out, or what only it has: as it was told to, and not as it turned out."""
    note = binary.parent / name
    return note.read_text().split() if note.exists() else []


def can_trace():
    return subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True).returncode == 0


def can_check_memory(binary):
    # Not one under a sanitizer, which looks after its memory itself.
    octets = binary.read_bytes()
    return shutil.which("valgrind") and b"__asan_init" not in octets and b"__tsan_init" not in octets


def can_have_layers(binary):
    # Not whether they are there: where they can be, it is a failure if they are not.
    ask = "import sys; sys.exit(int(sys.implementation[1] < (1, 21)))"
    return subprocess.run([binary, "-c", ask], capture_output=True).returncode == 0


def tasks(run):
    """(function, arguments) of everything that is to be run."""
    options = run.options
    if run.chosen(run.GUIDE_TEST) and "names" in noted(options.micropython, "without"):
        run.tell("skip", "%s: built without names" % run.GUIDE_TEST)
    elif run.chosen(run.GUIDE_TEST):
        yield (run.pool.guide if options.board else run.guide),
    if options.board:
        yield run.pool.serial_line,
    for path, needs in scripts():
        if options.board:
            if not {"unix", "faults", "manners"} & set(needs):
                yield run.pool.script, path, needs
            continue
        if "manners" in needs and "manners" not in noted(options.micropython, "with"):
            continue
        if "strace" in needs and not can_trace():
            run.tell("skip", "%s.*: strace cannot trace here" % path.stem)
            continue
        binary = options.faults if "faults" in needs else options.micropython
        if not binary.exists():
            run.tell("skip", "%s.*: no %s" % (path.stem, binary))
            continue
        if "valgrind" in needs and not can_check_memory(binary):
            run.tell("skip", "%s.*: valgrind cannot watch %s" % (path.stem, binary))
            continue
        if "layers" in needs and not can_have_layers(binary):
            run.tell("skip", "%s.*: %s is too old for the layers" % (path.stem, binary))
            continue
        missing = [part for part in noted(binary, "without") if part in needs or part == "extras" and "layers" in needs]
        if missing:
            run.tell("skip", "%s.*: built without %s" % (path.stem, ", ".join(missing)))
            continue
        yield run.script, path.stem + ".", functools.partial(run.begin, binary, needs), path
        if "stock" in needs and options.stock.exists():
            yield run.script, "stock:%s." % path.stem, functools.partial(run.begin, options.stock, needs), path


def run_all(run):
    """Every script, options.j of them at a time."""
    with concurrent.futures.ThreadPoolExecutor(run.options.j) as pool:
        try:
            for one in [pool.submit(*task) for task in tasks(run)]:
                one.result()
        except BaseException:
            # Ctrl-C, or a mistake in here: what has not begun does not begin, and what runs is ended.
            run.ending = True
            pool.shutdown(wait=False, cancel_futures=True)
            run.end()
            raise


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("filter", nargs="*", help="run only tests whose SCRIPT.NAME holds one of these, and with !WORD none that holds it")
    parser.add_argument("--micropython", type=Path, default=ROOT / "build/unix/micropython")
    parser.add_argument("--stock", type=Path, default=ROOT / "build/unix-stock/micropython")
    parser.add_argument("--faults", type=Path, default=ROOT / "build/unix-faults/micropython")
    parser.add_argument("--board", action="store_true", help="boards in QEMU run the scripts")
    parser.add_argument("--firmware", type=Path, default=board.FIRMWARE, help="what the boards run")
    parser.add_argument("--heap", default="16M", help="MicroPython's heap (default: %(default)s)")
    parser.add_argument("--limit", type=float, help="seconds for one test (default: 60, on a board 120)")
    parser.add_argument("--address", default="127.0.0.1", help="where brokers and Servers listen")
    parser.add_argument("-j", type=int, default=4, help="scripts at a time (default: %(default)s)")
    options = parser.parse_args()
    options.limit = options.limit or (120 if options.board else 60)
    binary, name = (options.firmware, "--firmware") if options.board else (options.micropython, "--micropython")
    if not binary.exists():
        raise SystemExit("no MicroPython at %s: build it first, or name it with %s" % (binary, name))
    if options.board:
        namespace.enter()
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
