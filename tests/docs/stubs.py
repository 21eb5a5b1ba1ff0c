#!/usr/bin/env python3
"""Holds the type stubs, micropython/stubs, against mypy, pyright and the module itself.

Both checkers take the stubs, the examples and the guide's script, and refuse what is wrong; each name of the stubs is in the
module and the other way round; each tells what it is for. The last line is "N passed, N failed".
"""

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
STUBS = ROOT / "micropython/stubs"
TYPINGS = ROOT / "tests/docs/typings"
TOOLS = ROOT / "build/types/bin"
MICROPYTHON = os.environ.get("UMQTT_TEST_MICROPYTHON", ROOT / "build/unix/micropython")
SCRIPTS = [*sorted((ROOT / "docs/examples").glob("*.py")), ROOT / "tests/micropython/test.py"]

BEGIN = 'from umqtt import MQTTClient, MQTTException\nc = MQTTClient("id", "host", 1883)\n'
# Each of these lines is wrong in one way.
WRONG = """\
MQTTClient("id")
MQTTClient("id", "host", ssl_params=5)
MQTTClient("id", "host", min_delay=5)
c.connect(timeout="5")
c.connect(True, 5)
c.set_callback(lambda topic: None)
c.set_last_will("t")
c.publish("t", 5)
c.publish("t", "m", qos=3)
c.subscribe(None)
c.subscribe("t", "1")
c.check_msg(1)
c.stats().octets
c.no_such_method()
""".splitlines()

# Asks the module itself what a client has.
NAMES = """
import json
for name in %r:
    module = __import__(name, None, None, ["MQTTClient"])
    print(json.dumps([name, dir(module.MQTTClient("id", "host"))]))
"""


def run(*command, **more):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT,
                          env={**os.environ, "MYPYPATH": "%s:%s" % (STUBS, TYPINGS)}, **more)
    return done.returncode, done.stdout + done.stderr


def mypy(*words):
    with tempfile.TemporaryDirectory() as cache:
        return run(TOOLS / "mypy", "--config-file=", "--cache-dir", cache, *words)


def pyright(strict, *paths):
    """Its complaints, as (file, line, text)."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"include": [os.path.relpath(path, folder) for path in paths], "extraPaths": [str(STUBS), str(TYPINGS)],
                    "typeCheckingMode": "strict" if strict else "standard",
                    # A package of stubs with no source beside it, and names shared within it.
                    "reportMissingModuleSource": False, "reportPrivateUsage": False}
        project = Path(folder) / "pyrightconfig.json"
        project.write_text(json.dumps(settings))
        _status, said = run(TOOLS / "pyright", "--outputjson", "--project", project)
    found = json.loads(said[said.index("{"):])
    if found["summary"]["filesAnalyzed"] == 0:
        raise AssertionError(said)
    return [(Path(one["file"]).name, one["range"]["start"]["line"] + 1, one["message"])
            for one in found["generalDiagnostics"] if one["severity"] != "information"]


def same(got, wanted):
    if got != wanted:
        raise AssertionError("got %s, wanted %s" % (got, wanted))


def stubs():
    """The stubs by the module's name."""
    for path in sorted(STUBS.glob("umqtt/*.pyi")):
        yield "umqtt" if path.stem == "__init__" else "umqtt." + path.stem, ast.parse(path.read_text())


def mypy_takes_the_stubs():
    status, said = mypy("--strict", *STUBS.glob("umqtt/*.pyi"))
    same((status, said), (0, said))


def pyright_takes_the_stubs():
    same(pyright(True, STUBS), [])


def mypy_takes_the_examples():
    # One by one: each is a script of its own.
    for path in SCRIPTS:
        status, said = mypy("--check-untyped-defs", path)
        if status:
            raise AssertionError(said)


def pyright_takes_the_examples():
    same(pyright(False, *SCRIPTS), [])


def wrong_script(folder):
    path = Path(folder) / "wrong.py"
    path.write_text(BEGIN + "\n".join(WRONG) + "\n")
    return path


WRONG_LINES = list(range(3, 3 + len(WRONG)))


def mypy_finds_each_mistake():
    with tempfile.TemporaryDirectory() as folder:
        _status, said = mypy("--check-untyped-defs", wrong_script(folder))
    same(sorted({int(line) for line in re.findall(r"wrong\.py:(\d+): error", said)}), WRONG_LINES)


def pyright_finds_each_mistake():
    with tempfile.TemporaryDirectory() as folder:
        found = pyright(False, wrong_script(folder))
    same(sorted({line for _file, line, _text in found}), WRONG_LINES)


def public(names):
    return {name for name in names if not name.startswith("_")}


def members(tree, known):
    """What the stub says that a MQTTClient has; known: the same of the classes that it is made from."""
    [stub] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "MQTTClient"]
    names = {node.name for node in stub.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    names |= {node.target.id for node in stub.body if isinstance(node, ast.AnnAssign)}
    for base in stub.bases:
        names |= known[base.value.id.rpartition(".")[2]]
    return public(names)


def every_name_is_in_the_module_and_in_the_stubs():
    trees = {name.rpartition(".")[2]: tree for name, tree in stubs()}
    # Those that others are made from come first.
    order = sorted(trees, key=["umqtt", "simple", "reconnect"].__contains__, reverse=True)
    status, said = run(MICROPYTHON, "-c", NAMES % ["umqtt" if name == "umqtt" else "umqtt." + name for name in order])
    if status:
        raise AssertionError(said)
    known, found = {}, {}
    for name, line in zip(order, said.splitlines()):
        known[name] = members(trees[name], known)
        found[name] = sorted(known[name] ^ public(json.loads(line)[1]))
    same(found, {name: [] for name in order})


def each_tells_what_it_is_for():
    silent = []
    for module, tree in stubs():
        for node in [tree, *ast.walk(tree)]:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.Module)) and not ast.get_docstring(node):
                name = getattr(node, "name", module)
                # An overload is told of once; a TypedDict's keys are the guide's.
                if name not in ("__new__", "_SSLParams"):
                    silent.append("%s: %s" % (module, name))
    same(silent, [])


TESTS = (mypy_takes_the_stubs, pyright_takes_the_stubs, mypy_takes_the_examples, pyright_takes_the_examples,
         mypy_finds_each_mistake, pyright_finds_each_mistake, every_name_is_in_the_module_and_in_the_stubs,
         each_tells_what_it_is_for)


def main():
    failed = 0
    for test in TESTS:
        try:
            test()
            print("ok stubs." + test.__name__, flush=True)
        except Exception as error:
            failed += 1
            print("FAIL stubs.%s\n    %s" % (test.__name__, str(error).replace("\n", "\n    ")), flush=True)
    print("%d passed, %d failed" % (len(TESTS) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
