"""A network namespace of our own for this process and its children: ports, names and broker are nobody else's business.

QEMU's user network hands 10.0.2.2 on to loopback, and the name server that the board sees, 10.0.2.3, on to the one that
/etc/resolv.conf names. So the board gets real answers from a name server of our own, as on a real link.
"""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

HOST = "10.0.2.2"
MARK = "UMQTT_NAMESPACE"
READY_S = 10
SIOCSIFFLAGS, IFF_UP_RUNNING = 0x8914, 0x41
DNSMASQ = shutil.which("dnsmasq", path=os.environ.get("PATH", "") + ":/usr/sbin")
NEEDED = "this needs a network namespace of its own, and unshare says: %s\n" \
    "Let a user make one (sysctl kernel.unprivileged_userns_clone=1), or run this as root; " \
    "a container must be started with the right to it (docker run --privileged)."


def enter():
    """Starts this program anew within a namespace, unless it is there already."""
    if os.environ.pop(MARK, None):
        return
    ways = [["--user", "--map-root-user", "--net", "--mount"]]
    if os.geteuid() == 0:
        ways.insert(0, ["--net", "--mount"])
    said = []
    for way in ways:
        tried = subprocess.run(["unshare", *way, "true"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if tried.returncode == 0:
            os.environ[MARK] = "1"
            os.execvp("unshare", ["unshare", *way, sys.executable, *sys.argv])
        said.append(tried.stderr.strip())
    raise SystemExit(NEEDED % said[0])


class Names:
    """Loopback, and a name server that knows the board's names for this host and nothing else."""

    def __init__(self, folder, *names):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP_RUNNING))
        settings = Path(folder) / "resolv.conf"
        settings.write_text("nameserver 127.0.0.1\n")
        done = subprocess.run(["mount", "--bind", settings, "/etc/resolv.conf"], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit("cannot put a resolv.conf of our own in the place of /etc/resolv.conf: " + done.stderr.strip())
        command = [DNSMASQ, "--no-daemon", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--bind-interfaces",
                   "--listen-address=127.0.0.1", "--address=/#/", *("--address=/%s/%s" % (name, HOST) for name in names)]
        self.log = Path(folder) / "dnsmasq.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait_ready()

    def wait_ready(self):
        end = time.monotonic() + READY_S
        while "started" not in self.log.read_text(errors="replace"):
            if self.process.poll() is not None or time.monotonic() > end:
                self.end()
                raise SystemExit("dnsmasq did not start: " + self.log.read_text(errors="replace").strip())
            time.sleep(0.01)

    def end(self):
        self.process.terminate()
        self.process.wait()
