#!/usr/bin/env python3
"""Walks through docs/guide.md and docs/tls.md as a reader would: every command and script in them, in their order.

usage: tests/docs/walk.py    makes the pictures of docs/guide.md anew, docs/pictures/*.svg

pages.py does the same and compares. It all happens in a network namespace, where the ports of the pages are free.
"""

import contextlib
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import markdown
import picture

ROOT = markdown.ROOT
sys.path.insert(0, str(ROOT / "tests/micropython"))

import brokers  # noqa: E402
import namespace  # noqa: E402

PICTURES = ROOT / "docs/pictures"
NAME = "broker.example"
LIMIT_S = 90
# What the broker logs after each run of the script.
ENDED = "Client umqtt_client disconnected"
# Built by others, before.
BUILDS = {"scripts/build_unix", "scripts/build_board"}
# Of mosquitto, help is a failure.
HELP = "mosquitto -h"
# mosquitto started by root becomes another user, which root of a user's namespace may not.
STAYS_ROOT = "user root\n"
STAYED_ROOT = "Mosquitto should not be run as root"
# What has come, and in which terminal, when a terminal's program is ready.
READY = {"broker": ("broker", " running"), "listener": ("broker", "Sending SUBACK to listener")}


class Terminal:
    """A shell: what was typed and what was printed, together."""

    def __init__(self, folder, environment):
        self.lines, self.queue = [], queue.Queue()
        self.process = subprocess.Popen(["bash"], cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.queue.put(line.rstrip("\r\n"))
        self.queue.put(None)

    def type(self, line, shown):
        self.lines.append("$ " + shown)
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def take(self, wanted):
        """Reads on until a line has that text."""
        end = time.monotonic() + LIMIT_S
        while True:
            try:
                line = self.queue.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError("waited in vain for %r:\n%s" % (wanted, "\n".join(self.lines)))
            if wanted.startswith("\0") and wanted[1:] in line:
                return line
            self.lines.append(line)
            if wanted in line:
                return line

    def run(self, line, shown):
        """Runs it to its end; whatever fails raises."""
        self.type("{ %s; } </dev/null; echo :ended: $?" % line, shown)
        if self.take("\0:ended:") != ":ended: 0" and shown != HELP:
            raise AssertionError("failed:\n" + "\n".join(self.lines))

    def rest(self):
        """All that has been printed so far."""
        while not self.queue.empty():
            if (line := self.queue.get()) is not None:
                self.lines.append(line)
        return self.lines

    def end(self):
        try:
            os.killpg(self.process.pid, 9)
        except ProcessLookupError:
            pass
        self.process.wait()


class Walk:
    """One page, in a folder of its own."""

    def __init__(self, folder):
        self.folder, self.terminals = Path(folder), {}
        hosts = self.folder / "hosts"
        hosts.write_text("127.0.0.1 %s\n" % NAME)
        self.environment = {**os.environ, "LD_PRELOAD": "libnss_wrapper.so", "NSS_WRAPPER_HOSTS": str(hosts),
                            "PATH": os.environ["PATH"] + ":/usr/sbin:%s/build/qemu/usr/bin" % ROOT}

    def real(self, line):
        """The command as it is run: in the folder of the walk, with a board of its own."""
        line = re.sub(r"^scripts/board (.*)$", r"scripts/board \1 --folder %s/board" % self.folder, line)
        return re.sub(r"(^| )(?=(scripts|tests|build)/)", r"\1%s/" % ROOT, line)

    def terminal(self, name):
        if name not in self.terminals:
            self.terminals[name] = Terminal(self.folder, self.environment)
        return self.terminals[name]

    def shell(self, block):
        """What the block printed."""
        name = block.info.partition("terminal=")[2]
        here = self.terminal(name)
        begin = len(here.lines)
        for line in filter(None, block.without_comments()):
            if line in BUILDS:
                continue
            if name:
                # It goes on running.
                here.type("stdbuf -oL " + self.real(line), line)
                teller, text = READY[name]
                self.terminal(teller).take(text)
            else:
                here.run(self.real(line), line)
        return here.lines[begin:]

    def python(self, block, fails=False):
        script = self.folder / "snippet.py"
        script.write_text(block.text() + "\nclient.disconnect()\n")
        done = subprocess.run([ROOT / "build/unix/micropython", script], cwd=self.folder, env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT_S)
        if (done.returncode != 0) != fails:
            raise AssertionError("line %d: status %d\n%s" % (block.line, done.returncode, done.stdout))

    def end(self):
        for terminal in self.terminals.values():
            terminal.end()


def guide(folder):
    """Walks through the guide; the pictures, by name."""
    walk = Walk(folder)
    printed, shown = [], {}
    try:
        for block in markdown.parse(ROOT / "docs/guide.md"):
            if block.kind == "fence" and block.info.startswith("sh"):
                # What is up to date says so in words of this machine.
                printed = [line for line in walk.shell(block) if not re.match("Rust for |Building |/", line)]
            elif block.kind == "fence" and block.info == "text":
                (walk.folder / "mosquitto.conf").write_text(block.text() + "\n" + STAYS_ROOT)
            elif found := re.search(r"\(pictures/(\w+)\.svg\)", block.text()):
                shown[found[1]] = printed
        listener = walk.terminal("listener")
        while sum("Kingka" in line for line in listener.rest()) < 2:
            listener.take("Kingka")
        shown["listener"] = listener.rest()
        broker = walk.terminal("broker")
        while sum(ENDED in line for line in broker.rest()) < 2:
            broker.take(ENDED)
        # A reader is not root.
        shown["broker"] = [line for line in broker.rest() if STAYED_ROOT not in line]
        for line in ("subscribe recv:", "b'/public/TEST/quecpython' b'my name is Kingka!'"):
            for name in ("pc", "board"):
                if line not in shown[name]:
                    raise AssertionError("%s: no %r in\n%s" % (name, line, "\n".join(shown[name])))
    finally:
        subprocess.run(["bash", "-c", walk.real("scripts/board stop")], env=walk.environment, capture_output=True)
        walk.end()
    return {name: picture.svg(lines) for name, lines in shown.items()}


def masked(text):
    """A picture without what differs from run to run, its lines in order. Who takes a minute is asked whether he is there."""
    text = re.sub(r"/dev/pts/\d+", "*", text)
    # Which of them localhost is, /etc/hosts decides.
    text = re.sub(r"\bfrom (127\.0\.0\.1|::1):", "from localhost:", text)
    lines = re.findall(r">([^<]+)</text>", re.sub(r"\b\d+\b", "0", text))
    return sorted(line for line in lines if "PINGRE" not in line)


@contextlib.contextmanager
def network():
    """The loopback of the namespace comes up with its name server, which can be there but once."""
    with tempfile.TemporaryDirectory() as folder:
        names = namespace.Names(folder, NAME)
        try:
            yield
        finally:
            names.end()


def in_a_folder(function):
    with tempfile.TemporaryDirectory() as folder:
        return function(folder)


def the_guide_works_step_by_step_and_its_pictures_are_true():
    for name, drawn in in_a_folder(guide).items():
        there = (PICTURES / (name + ".svg")).read_text()
        if masked(there) != masked(drawn):
            raise AssertionError("docs/pictures/%s.svg is not what comes now: tests/docs/walk.py draws it anew\n%s\n%s"
                                 % (name, masked(there), masked(drawn)))


@contextlib.contextmanager
def another_authority(walk):
    """The device has the certificate of one that signed nothing here: it must not believe the broker."""
    right = (walk.folder / "ca.der").read_bytes()
    walk.terminal("").run("openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=other -keyout other.key -outform DER -out ca.der 2>&1",
                          "another authority")
    yield
    (walk.folder / "ca.der").write_bytes(right)


def walk_through_tls(folder):
    walk = Walk(folder)
    settings = walk.folder / "mosquitto.conf"
    scripts = []
    try:
        for block in markdown.parse(ROOT / "docs/tls.md"):
            if block.info == "text" and not settings.exists():
                settings.write_text(block.text() + "\n" + STAYS_ROOT)
            elif block.info == "text":
                settings.write_text(settings.read_text().replace("allow_anonymous true", block.text()))
                walk.terminals.pop("broker").end()
                start(walk, "mosquitto -c mosquitto.conf -v")
                # A certificate is asked for now.
                walk.python(scripts[0], fails=True)
            elif block.info == "sh" and block.lines[0].startswith("mosquitto -c"):
                start(walk, block.lines[0])
            elif block.info == "sh":
                walk.shell(block)
            elif block.info == "python":
                walk.python(block)
                with another_authority(walk):
                    walk.python(block, fails=True)
                scripts.append(block)
    finally:
        walk.end()


def start(walk, line):
    terminal = walk.terminal("broker")
    terminal.type(line, line)
    terminal.take(" running")


def the_page_on_tls_works_step_by_step():
    in_a_folder(walk_through_tls)


TESTS = [the_guide_works_step_by_step_and_its_pictures_are_true, the_page_on_tls_works_step_by_step]


def main():
    if sys.argv[1:]:
        print(__doc__.strip())
        return 0
    namespace.enter()
    PICTURES.mkdir(exist_ok=True)
    with network():
        for name, drawn in in_a_folder(guide).items():
            (PICTURES / (name + ".svg")).write_text(drawn)
            print("docs/pictures/%s.svg" % name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
