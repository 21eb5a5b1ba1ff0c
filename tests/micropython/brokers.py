"""Starts and ends the mosquitto instances of one test run, each on a port of its own."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

READY_S = 10
# Debian keeps it where only root looks.
MOSQUITTO = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
TOOLS = ("mosquitto_passwd", "mosquitto_pub", "mosquitto_sub", "openssl", "stdbuf")


def missing_tools():
    return [tool for tool in TOOLS if not shutil.which(tool)] + ([] if MOSQUITTO else ["mosquitto"])


def free_port(address):
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


class Broker:
    """One mosquitto with a configuration of its own; what it stores outlives a restart."""

    def __init__(self, folder, address, lines=(), port=None):
        self.address = address
        self.port = port or free_port(address)
        self.folder = Path(folder) / ("broker-%d" % self.port)
        self.folder.mkdir()
        self.settings = self.folder / "mosquitto.conf"
        # "user root" only means something to root: without it mosquitto would lose the right to read this folder.
        base = ["listener %d %s" % (self.port, address), "user root", "allow_anonymous true", "persistence true",
                "persistence_location %s/" % self.folder, "log_dest file %s/log" % self.folder,
                "connection_messages true", "max_queued_messages 100000", "set_tcp_nodelay true"]
        chosen = [line.split()[0] for line in lines]
        base = [line for line in base if line.split()[0] not in chosen]
        self.settings.write_text("\n".join(base + list(lines)) + "\n")
        self.start()

    def start(self):
        self.process = subprocess.Popen([MOSQUITTO, "-c", str(self.settings)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        end = time.monotonic() + READY_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise SystemExit("mosquitto did not start: %s" % self.process.stderr.read().decode())
            try:
                socket.create_connection((self.address, self.port), 1).close()
                return
            except OSError:
                time.sleep(0.01)
        self.end()
        raise SystemExit("mosquitto does not listen on port %d" % self.port)

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            os.kill(self.process.pid, how)
        self.process.wait()
        self.process.stderr.close()

    def save(self):
        """Has it write down all that it keeps, and waits until it has."""
        stored = self.folder / "mosquitto.db"
        end = time.monotonic() + READY_S
        # Twice: the first time seen may be one of its own, begun before what came last.
        for _ in range(2):
            before = stored.stat().st_mtime_ns if stored.exists() else None
            while not stored.exists() or stored.stat().st_mtime_ns == before:
                if time.monotonic() > end:
                    raise RuntimeError("mosquitto does not save")
                # Again and again, as two files of one tick of the clock look the same.
                self.process.send_signal(signal.SIGUSR1)
                time.sleep(0.01)

    def log(self):
        return (self.folder / "log").read_text(errors="replace")


def passwords(folder, user, password):
    """A password file for mosquitto, and the configuration lines that make it ask for one."""
    path = Path(folder) / "passwords"
    path.touch(mode=0o600)
    subprocess.run(["mosquitto_passwd", "-b", str(path), user, password], check=True, capture_output=True)
    return ["allow_anonymous false", "password_file %s" % path]


def tls(authority, certificate, key, client=False):
    """The configuration lines of a listener under TLS; with client, it demands a certificate."""
    lines = ["cafile %s" % authority, "certfile %s" % certificate, "keyfile %s" % key]
    return lines + (["require_certificate true"] if client else [])


class Subscriber:
    """A mosquitto_sub that notes what it gets: topic, qos, retain, length and the beginning of the payload in hex."""

    def __init__(self, broker_port, address, topic, qos, session=None):
        # stdbuf: into a pipe, it would keep its lines back.
        command = ["stdbuf", "-oL", "mosquitto_sub", "-h", address, "-p", str(broker_port), "-t", topic, "-q", str(qos),
                   "-d", "-F", "MESSAGE %t %q %r %l %x"] + (["-c", "-i", session] if session else [])
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        self.messages = []
        # What was kept for a session may come first.
        while line := self.take_line():
            if line.startswith("Subscribed"):
                return
        raise RuntimeError("mosquitto_sub ended")

    def take(self, count):
        """Waits for count messages in all; the limit of the test ends a wait that is in vain."""
        while len(self.messages) < count and self.take_line():
            pass
        return self.messages

    def take_until(self, topic):
        """Waits for a message of that topic."""
        while not (self.messages and self.messages[-1].startswith(topic + " ")) and self.take_line():
            pass
        return self.messages

    def take_line(self):
        line = self.process.stdout.readline()
        if line.startswith("MESSAGE "):
            head, payload = line.rstrip("\n").rsplit(" ", 1)
            self.messages.append("%s %s" % (head[8:], payload[:128]))
        return line

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def publish(address, port, topic, payload, qos=0, retain=False):
    command = ["mosquitto_pub", "-h", address, "-p", str(port), "-t", topic, "-q", str(qos), "-s"]
    subprocess.run(command + ["-r"] * retain, input=payload, check=True, capture_output=True, timeout=READY_S)
