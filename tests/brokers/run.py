#!/usr/bin/env python3
"""Runs the tests of tests/micropython that talk to a broker against other brokers than mosquitto.

Where a broker does not do what a test asks for, differences.py says so and why. The last line is "N passed, N failed".
"""

import argparse
import fnmatch
import signal
import sys
import tempfile
import types
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# Many a test that fails waits for what never comes. None that passes is given so little time.
FAILS_WITHIN_S = 2
sys.path.insert(0, str(HERE.parent / "micropython"))

import brokers  # noqa: E402
import control  # noqa: E402
import differences  # noqa: E402
import run as micropython  # noqa: E402
from kinds import KINDS, Missing  # noqa: E402

# What talks to the broker that all scripts share, and needs no settings of its own in it.
TESTS = (
    "callback.*mosquitto", "callback.an_echo_to_itself_ends", "check_msg.*mosquitto*", "disconnect.mosquitto_publishes*",
    "disconnect.mosquitto_does_not*", "disconnect.a_retained_will_is_kept", "disconnect.a_client_that_another_one*",
    "flood.*mosquitto*", "heap.publish_of*", "heap.*mosquitto*", "inflight.mosquitto_delivers*",
    "keepalive.mosquitto*", "link.rst_*_octet_up", "link.rst_*_octet_down",
    "link.one_octet_at_a_time", "link.messages_over*", "publish.publish_reaches*", "publish.a_retained_message*",
    "publish.*mosquitto", "receive.mosquitto_delivers*", "receive.messages_of_mosquitto*", "reentry.a_scheduled_function_may_publish*", "sizes.*mosquitto*",
    "subscribe.*_gets_*", "subscribe.*_does_not_get_*", "subscribe.after_unsubscribe_nothing_comes",
    "subscribe.the_qos_granted_bounds*", "text.*mosquitto*", "threads.one_thread_waits_and_four_publish_at*",
    "threads.four_threads_publish*", "wait_msg.*mosquitto*",
)


class Run(micropython.Run):
    """A run against one broker."""

    def __init__(self, options, kind, folder):
        super().__init__(options, folder)
        self.kind, self.differences = kind, differences.of(kind.name)
        self.met, self.now = set(), None

    def prepare(self):
        address = self.options.address
        port = brokers.free_port(address)
        self.kind.prepare(address, port, self.folder)
        self.kind.start()
        self.children.append(self.kind)
        self.world = control.World(address, self.folder)
        self.control = control.Control(self.world)
        self.target = {"HOST": address, "CONTROL": self.control.port, "BROKER": port}
        (self.folder / "path").mkdir()
        self.write_target(self.folder / "path")
        (self.folder / "hosts").write_text("")

    def begin(self, binary, needs, path, names):
        # A broker of its own for each process: what one test did to it is nothing to the next.
        if names != ["--list"]:
            self.kind.end()
            self.kind.start()
        return super().begin(binary, needs, path, names)

    def script(self, label, begin, path):
        """Those of its tests that are to pass, then those that are to fail."""
        given = self.options.limit
        for self.now, self.options.limit in ((None, given), (differences.FAILS, min(given, FAILS_WITHIN_S))):
            super().script(label, begin, path)
        self.options.limit = given

    def difference(self, name):
        for pattern, (how, why) in self.differences.items():
            if fnmatch.fnmatchcase(name, pattern):
                self.met.add(pattern)
                return how, why
        return None, None

    def chosen(self, name):
        how, why = self.difference(name)
        wanted = any(fnmatch.fnmatchcase(name, pattern) for pattern in TESTS) and any(
            part in name for part in self.options.only)
        if wanted and how == differences.VARIES and self.now is None:
            self.tell("skip", "%s: %s" % (name, why))
        return wanted and how == self.now

    def tell(self, verdict, name, output=""):
        if self.now == differences.FAILS:
            if verdict == "FAIL":
                verdict, name = "ok", "%s fails: %s" % (name, self.difference(name)[1])
            elif verdict == "ok":
                verdict, output = "FAIL", "it passes: then take it out of differences.py"
        super().tell(verdict, "%s:%s" % (self.kind.name, name), output)

    def check_table(self):
        """A difference that no test has is a mistake in the table."""
        self.now = None
        if self.options.only == [""]:
            for pattern in self.differences.keys() - self.met:
                self.tell("FAIL", pattern, "no such test")


def the_page_says_the_same():
    return differences.table() in (ROOT / "docs/brokers.md").read_text()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("brokers", nargs="*", default=list(KINDS), help="which of %s (default: all)" % ", ".join(KINDS))
    parser.add_argument("--only", nargs="+", default=[""], help="only tests whose SCRIPT.NAME holds one of these")
    parser.add_argument("--micropython", type=Path, default=ROOT / "build/unix/micropython")
    parser.add_argument("--limit", type=float, default=60, help="seconds for one test (default: %(default)s)")
    parser.add_argument("--table", action="store_true", help="print what differs, for docs/brokers.md")
    options = parser.parse_args()
    if options.table:
        print(differences.table(), end="")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))
    passed, failed = (1, 0) if the_page_says_the_same() else (0, 1)
    print("ok" if passed else "FAIL", "docs/brokers.md says what differences.py says")
    for name in options.brokers:
        # No test that runs on another variant is among them.
        given = types.SimpleNamespace(**vars(options), board=False, stock=Path("none"), faults=options.micropython, heap="16M",
                                      address="127.0.0.1", j=1, filter=[""])
        with tempfile.TemporaryDirectory() as folder:
            one = Run(given, KINDS[name](ROOT / "build/brokers"), folder)
            try:
                one.prepare()
                micropython.run_all(one)
                one.check_table()
            except Missing as why:
                one.tell("FAIL", "(the broker did not begin)", str(why))
            finally:
                one.end()
        passed, failed = passed + one.passed, failed + one.failed
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
