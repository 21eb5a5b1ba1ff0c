"""Puts together what the bench runs: the compiled peer and C contender, and one folder of .mpy files.

umqtt.simple and umqtt.simple2 come from PyPI's source packages, of a pinned version and hash, and are never committed. They
get names of their own, since `umqtt` is this module.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The name here, the package, its version, the hash of its source package.
PACKAGES = (
    ("simple", "micropython-umqtt.simple", "1.3.4", "b6a2520239e3992c63a7de9370ee9b3d9d27819a90359c521f1c0f7ccab8d12f"),
    ("simple2", "micropython-umqtt.simple2", "2.2.0", "48fd4da7701b95986293b06d343fbc564ebe7dfa82f5c8c09364c20df755f0e4"),
)


class Missing(Exception):
    """A contender that cannot take part, and why."""


def run(command):
    command = [str(word) for word in command]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines() or ["exit status %d" % done.returncode]
        raise Missing("%s: %s" % (Path(command[0]).name, lines[-1]))


def newer(made, *sources):
    return made.exists() and all(made.stat().st_mtime > source.stat().st_mtime for source in sources)


def compile_c(folder, name, *libraries):
    made, source = folder / name, HERE / (name + ".c")
    if not newer(made, source):
        if not shutil.which("gcc"):
            raise Missing("gcc is not installed")
        run(["gcc", "-O2", "-Wall", "-Wextra", "-o", made, source, *libraries])
    return made


def fetch_package(folder, name, package, version, digest):
    """The module's source. pip checks the hash of what it downloads and unpacks it, then fails: these packages are from
    before the days of pyproject.toml and without setup.py. What it has unpacked is all that is wanted."""
    kept = folder / ("umqtt_%s-%s.py" % (name, version))
    if kept.exists():
        return kept
    with tempfile.TemporaryDirectory() as place:
        requirements = Path(place) / "requirements"
        requirements.write_text("%s==%s --hash=sha256:%s\n" % (package, version, digest))
        unpacked = Path(place) / "unpacked"
        unpacked.mkdir()
        command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-clean", "--no-deps",
                   "--no-binary", ":all:", "--require-hashes", "--dest", place, "--requirement", str(requirements)]
        done = subprocess.run(command, env={**os.environ, "TMPDIR": str(unpacked)}, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)
        found = list(unpacked.glob("*/*/umqtt/%s.py" % name))
        if not found:
            raise Missing("pip download %s: %s" % (package, (done.stderr.strip().splitlines() or ["nothing came"])[-1]))
        shutil.copy(found[0], kept)
    return kept


def compile_py(modules, mpy_cross, source, name):
    made = modules / (name + ".mpy")
    if not newer(made, source, mpy_cross):
        run([mpy_cross, "-s", name + ".py", "-o", made, source])


def freeze_simple(folder):
    """Puts umqtt.simple where manifest.py finds it, by the name that it has here: umqtt/simple.py is frozen, too, and in C the
    two would be one name if this were umqtt_simple.py."""
    frozen = Path(folder) / "frozen"
    frozen.mkdir(parents=True, exist_ok=True)
    source, made = fetch_package(Path(folder), *PACKAGES[0]), frozen / "upstream_simple.py"
    # make goes by the time.
    if not newer(made, source):
        shutil.copy(source, made)


class Kit:
    """The folder `modules`, the programs, and which contenders there are not."""

    def __init__(self, folder, mpy_cross, wanted):
        self.folder = Path(folder)
        self.modules = self.folder / "modules"
        self.modules.mkdir(parents=True, exist_ok=True)
        self.missing = {}
        for source in (HERE / "micropython").glob("*.py"):
            compile_py(self.modules, mpy_cross, source, source.stem)
        self.peer = compile_c(self.folder, "peer", "-lpthread")
        for package in PACKAGES:
            if package[0] in wanted:
                self.attempt(package[0], lambda: compile_py(
                    self.modules, mpy_cross, fetch_package(self.folder, *package), "upstream_" + package[0]))
        if "libmosquitto" in wanted:
            self.attempt("libmosquitto", lambda: compile_c(self.folder, "libmosquitto", "-lmosquitto"))
        self.libmosquitto = self.folder / "libmosquitto"

    def attempt(self, name, make):
        try:
            make()
        except Missing as why:
            self.missing[name] = str(why)


if __name__ == "__main__":
    try:
        freeze_simple(sys.argv[1])
    except Missing as why:
        raise SystemExit(str(why)) from None
