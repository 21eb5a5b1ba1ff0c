#!/usr/bin/env python3
"""The commands of scripts/board, which says what each does, but for build."""

import argparse
import difflib
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import board
import brokers
import guide
import namespace

RUNNING = board.Board(board.ROOT / "build/board-run")
GUIDE_LIMIT_S = 60


def at(options):
    """The board that is meant, which answers to mpremote."""
    if options.port:
        return board.Port(options.port)
    if not RUNNING.find():
        raise board.Unanswered("no board is running: scripts/board boot starts one, --port PORT takes a real one")
    return RUNNING


def boot(_options):
    if RUNNING.find():
        raise board.Unanswered("a board is running already, at %s: scripts/board repl opens it, scripts/board stop ends it"
                               % RUNNING.name)
    print("Booting ...", flush=True)
    RUNNING.boot(show)
    print("The board runs at %s; scripts/board stop ends it." % RUNNING.name, flush=True)
    return repl(_options) if sys.stdin.isatty() else 0


def show(text):
    print(text.replace("\r\n", "\n").strip(), flush=True)


def repl(options):
    return at(options).mpremote("repl")


def cp(options):
    here = at(options)
    here.check()
    return here.mpremote("cp", options.file, ":")


def run(options):
    here = at(options)
    here.check()
    return here.mpremote("run", options.file)


def stop(_options):
    print("ended" if RUNNING.end() else "no board is running")
    return 0


def demo(options):
    if options.port:
        here = board.Port(options.port)
        here.check()
        return run_guide(here)
    namespace.enter()
    with tempfile.TemporaryDirectory() as folder:
        ends = []
        try:
            names = namespace.Names(folder, guide.NAME)
            ends.append(names.end)
            broker = brokers.Broker(folder, "127.0.0.1", port=guide.PORT)
            ends.append(broker.end)
            here = board.Board(Path(folder) / "board")
            ends.append(here.end)
            print("Booting ...", flush=True)
            here.boot(show)
            status = run_guide(here)
            print("\n--- the broker logs:\n%s" % broker.log(), flush=True)
        finally:
            for end in reversed(ends):
                end()
    print("The script did not do what the guide promises." if status else "The script printed what the guide promises.")
    return status


def run_guide(here):
    """Uploads the guide's script and runs it from the board's own files."""
    print("Uploading tests/micropython/%s ..." % guide.SCRIPT.name, flush=True)
    here.copy(guide.SCRIPT)
    print("\n--- tests/micropython/%s prints:" % guide.SCRIPT.name, flush=True)
    process = subprocess.Popen(here.command("exec", "import " + guide.SCRIPT.stem), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, text=True, errors="replace")
    limit = threading.Timer(GUIDE_LIMIT_S, process.kill)
    limit.start()
    lines = []
    for line in process.stdout:
        lines.append(line.replace("\r\n", "\n"))
        print(lines[-1], end="", flush=True)
    limit.cancel()
    if process.wait() < 0:
        raise board.Unanswered("the script did not end within %d s" % GUIDE_LIMIT_S)
    promised = guide.OUTPUT.splitlines(keepends=True)
    if process.returncode == 0 and lines != promised:
        print("\n--- the guide promises something else:")
        sys.stdout.writelines(difflib.unified_diff(promised, lines, "promised", "printed"))
    return int(process.returncode != 0 or lines != promised)


COMMANDS = {"boot": boot, "demo": demo, "cp": cp, "run": run, "repl": repl, "stop": stop}


def main():
    parser = argparse.ArgumentParser(prog="board", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("file", nargs="?")
    parser.add_argument("--port")
    parser.add_argument("--folder", type=Path, default=RUNNING.folder)
    options = parser.parse_args()
    if (options.file is not None) != (options.command in ("cp", "run")):
        parser.error("cp and run take a file, and nothing else does")
    if options.port and options.command in ("boot", "stop"):
        parser.error("a real board is switched on and off by hand: --port is not for %s" % options.command)
    if options.file and not Path(options.file).is_file():
        parser.error("there is no file " + options.file)
    RUNNING.folder = options.folder.absolute()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))
    try:
        return COMMANDS[options.command](options)
    except board.Unanswered as why:
        raise SystemExit("board: %s" % why) from None
    except KeyboardInterrupt:
        print("\ninterrupted")
        return 130


if __name__ == "__main__":
    sys.exit(main())
