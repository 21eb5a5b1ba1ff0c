"""The brokers besides mosquitto: how each is installed under build/brokers, and how it is started.

Versions are pinned and what is downloaded is checked: by package-lock.json, by the hashes in amqtt.txt, by Cargo.lock.
"""

import filecmp
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
READY_S = 20


class Missing(Exception):
    """A broker that cannot be installed, and why."""


def run(command, log, **more):
    with open(log, "w") as output:
        try:
            done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output,
                                  stderr=subprocess.STDOUT, **more)
        except FileNotFoundError:
            raise Missing("%s is not installed" % command[0]) from None
    if done.returncode:
        raise Missing("%s failed, see %s" % (Path(command[0]).name, log))


class Kind:
    """One implementation. `pins` is the file that says what is installed; a copy of it marks an installation as whole."""

    def __init__(self, folder):
        self.folder = Path(folder) / self.name
        self.log = self.folder.with_suffix(".log")

    def prepare(self, address, port, scratch):
        """Installs it, if it is not yet, and gets it ready for that port."""
        self.install_once()
        self.place = address, port
        self.words = [str(word) for word in self.command(address, port, Path(scratch))]

    def install_once(self):
        pins, mark = HERE / self.pins, self.folder / "installed"
        if mark.exists() and filecmp.cmp(pins, mark, shallow=False):
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.install()
        shutil.copy(pins, mark)

    def start(self):
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        end = time.monotonic() + READY_S
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(self.place, 1).close()
                return
            except OSError:
                time.sleep(0.02)
        self.end()
        raise Missing("it does not listen, see %s" % self.log)

    def end(self):
        self.process.kill()
        self.process.wait()


class Aedes(Kind):
    name, pins, version = "aedes", "aedes/package-lock.json", "0.51.3"

    def install(self):
        shutil.copytree(HERE / "aedes", self.folder, dirs_exist_ok=True)
        run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], self.log, cwd=self.folder)

    def command(self, address, port, _scratch):
        return ["node", self.folder / "broker.js", address, port]


class Amqtt(Kind):
    name, pins, version = "amqtt", "amqtt.txt", "0.12.1"

    def install(self):
        run([sys.executable, "-m", "venv", self.folder], self.log)
        run([self.folder / "bin/pip", "install", "--require-hashes", "--only-binary", ":all:", "--requirement",
             HERE / self.pins], self.log)

    def command(self, address, port, scratch):
        settings = scratch / "amqtt.yaml"
        settings.write_text("listeners: {default: {type: tcp, bind: '%s:%d'}}\n"
                            "plugins: {amqtt.plugins.authentication.AnonymousAuthPlugin: {allow_anonymous: true}}\n" %
                            (address, port))
        return [self.folder / "bin/amqtt", "-c", settings]


class Rumqttd(Kind):
    name, pins, version = "rumqttd", "rumqttd/Cargo.lock", "0.20.0"

    def install(self):
        run(["cargo", "build", "--release", "--locked", "--manifest-path", HERE / "rumqttd/Cargo.toml"], self.log,
            env={**os.environ, "CARGO_TARGET_DIR": str(self.folder)})

    def command(self, address, port, _scratch):
        return [self.folder / "release/rumqttd-broker", address, port]


KINDS = {kind.name: kind for kind in (Aedes, Amqtt, Rumqttd)}
