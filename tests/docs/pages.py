#!/usr/bin/env python3
"""Holds README.md, README.zh-CN.md and docs/*.md against what is there.

Links lead somewhere; every command in them is run here, by another test, or is listed below with the reason why not; every
snippet of Python compiles; a page and its Chinese twin agree; docs/errors.md has every text that the module raises; every
script explains itself; docs/tls.md and docs/guide.md are walked through (walk.py). The last line is "N passed, N failed".
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import markdown
import walk
import namespace  # walk knows where it is

ROOT = markdown.ROOT
TWINS = [("README.md", "README.zh-CN.md"), ("docs/guide.md", "docs/guide.zh-CN.md"),
         ("docs/tls.md", "docs/tls.zh-CN.md"), ("docs/errors.md", "docs/errors.zh-CN.md"), ("docs/moving.md", "docs/moving.zh-CN.md"),
         ("docs/porting.md", "docs/porting.zh-CN.md")]
# Pages whose blocks are run one after the other, as a reader would.
WALKED = {"docs/tls.md", "docs/tls.zh-CN.md", "docs/guide.md", "docs/guide.zh-CN.md"}

# Commands that are not run here: what runs them, as a file and a text in it...
RUN_ELSEWHERE = {
    "scripts/demo": ("scripts/test", 'gate "demo" scripts/demo'),
    "scripts/test": (".ci/run", "scripts/test"),
    "scripts/build_unix": ("scripts/test", 'gate "Unix port, our variant" scripts/build_unix'),
    "scripts/board demo": ("scripts/test", 'gate "demo on the board" scripts/board demo'),
    "scripts/board boot": ("tests/micropython/serial_line.py", 'command("boot")'),
    "scripts/board cp boot.py": ("tests/micropython/serial_line.py", 'command("cp", '),
    "scripts/board run my.py": ("tests/micropython/serial_line.py", 'command("run", '),
    "scripts/board repl": ("tests/micropython/serial_line.py", 'command("repl")'),
    "scripts/board stop": ("tests/micropython/serial_line.py", 'command("stop")'),
    "make -C ports/unix USER_C_MODULES=/path/to/umqtt": ("scripts/build_unix", 'USER_C_MODULES="$root"'),
    "scripts/build_manners": ("scripts/test", "scripts/build_manners"),
    "python3 tests/micropython/run.py --micropython build/manners/micropython --stock /none --faults /none vendor":
        ("scripts/test", 'tests/micropython/run.py --stock /none --faults /none --micropython "$build/manners'),
    "cargo test": ("scripts/test", "cargo test --locked"),
    "cargo test --features micropython,quick,extras": ("scripts/test", "--features micropython,quick"),
    "python3 tests/micropython/run.py publish receive": ("scripts/test", "tests/micropython/run.py"),
    "scripts/build_board && scripts/size --check": ("scripts/test", "scripts/size --check"),
    'scripts/bench --only "qos 0"': ("tests/bench/bench.py", '"--only"'),
    "tests/brokers/run.py": ("scripts/soak", "tests/brokers/run.py"),
    "tests/brokers/run.py aedes amqtt": ("scripts/test", "tests/brokers/run.py aedes amqtt"),
}
# ... or why nothing does.
NOT_RUN = {
    "scripts/board demo --port /dev/ttyUSB0": "needs a board at a serial port",
    "scripts/board run my.py --port /dev/ttyUSB0": "needs a board at a serial port",
    "make -C ports/stm32 BOARD=... USER_C_MODULES=/path/to/umqtt UMQTT_RUST_TARGET=thumbv7em-none-eabihf":
        "needs that port's libraries and a board's name",
    "cmake ... -DUSER_C_MODULES=/path/to/umqtt/cmodule/micropython.cmake -DUMQTT_RUST_TARGET=thumbv6m-none-eabi":
        "needs a port that builds with cmake",
    "MANNERS=connect-is build/manners/micropython script.py": "any script of the reader's",
    "rustup target add thumbv7em-none-eabihf": "changes the user's Rust",
    "apt-get install libclang-dev": "changes the machine",
}
# What is run here: quick, and nothing is changed by it.
RUN_HERE = {"build/unix/micropython -c 'import umqtt; print(umqtt.MQTTClient)'": "<class 'MQTTClient'>\n"}


def name_of(path):
    return str(path.relative_to(ROOT))


def none(faults):
    """Nothing was found."""
    faults = list(faults)
    if faults:
        raise AssertionError("\n".join(map(str, faults)))


def fences(*kinds, walked=True):
    for path in markdown.pages():
        if walked or name_of(path) not in WALKED:
            for block in markdown.parse(path):
                if block.kind == "fence" and block.info in kinds:
                    yield path, block


def links_lead_somewhere():
    def faults():
        for path in markdown.pages():
            for link in markdown.links(path):
                place, _, anchor = link.partition("#")
                if re.match(r"\w+:", link):
                    continue
                target = (path.parent / place).resolve() if place else path
                if not target.exists():
                    yield "%s: %s is not there" % (name_of(path), link)
                elif anchor and anchor not in markdown.anchors(target):
                    yield "%s: %s has no such heading" % (name_of(path), link)
    none(faults())


def every_command_is_run_or_says_why_not():
    def faults():
        seen = set()
        for path, block in fences("sh", walked=False):
            for line in filter(None, block.without_comments()):
                seen.add(line)
                if line in RUN_ELSEWHERE:
                    file, text = RUN_ELSEWHERE[line]
                    if text not in (ROOT / file).read_text():
                        yield "%s:%d: %s: %s has no %s" % (name_of(path), block.line, line, file, text)
                elif line not in NOT_RUN and line not in RUN_HERE:
                    yield "%s:%d: nothing runs: %s" % (name_of(path), block.line, line)
        for line in {*RUN_ELSEWHERE, *NOT_RUN, *RUN_HERE} - seen:
            yield "no page has: %s" % line
    none(faults())


def commands_that_are_run_here_print_what_they_should():
    def faults():
        for line, wanted in RUN_HERE.items():
            done = subprocess.run(["bash", "-c", line], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if done.stdout + done.stderr != wanted:
                yield "%s: %s%s" % (line, done.stdout, done.stderr)
    none(faults())


def fences_are_of_known_kinds():
    known = {"sh", "text", "python", "sh terminal=broker", "sh terminal=listener"}
    none("%s:%d: %r" % (name_of(path), block.line, block.info) for path in markdown.pages() for block in markdown.parse(path)
         if block.kind == "fence" and block.info not in known)


def python_compiles():
    def faults():
        for path, block in fences("python"):
            with tempfile.TemporaryDirectory() as folder:
                script = Path(folder) / "snippet.py"
                script.write_text(block.text())
                done = subprocess.run([ROOT / "build/unix/mpy-cross", script], capture_output=True, text=True)
                if done.returncode:
                    yield "%s:%d: %s" % (name_of(path), block.line, done.stderr)
    none(faults())


def the_output_in_readme_is_the_guides():
    sys.path.insert(0, str(ROOT / "tests/micropython"))
    import guide
    for page in TWINS[0]:
        texts = [block.text() + "\n" for block in markdown.parse(ROOT / page) if block.info == "text"]
        none([] if guide.OUTPUT in texts else ["%s does not print it" % page])


def numbers(text):
    return sorted(re.findall(r"\d[\d,.]*\d|\d", text))


def shape(path):
    """Where in a page, and what a translation leaves as it is."""
    for block in markdown.parse(path):
        text = block.text()
        code = sorted(markdown.CODE.findall(text))
        goes = sorted(re.sub(r"\.zh-CN(?=\.md$)", "", link) for link in markdown.LINK.findall(markdown.CODE.sub("", text)))
        if block.kind == "heading":
            yield block.line, ("heading", markdown.HEADING.match(text)[1], code)
        elif block.kind == "fence":
            yield block.line, ("fence", block.info, block.without_comments())
        elif block.kind == "table":
            figures = [[numbers(cell) for cell in row] for row in block.cells()]
            yield block.line, ("table", code, goes, figures)
        else:
            yield block.line, (block.kind, code, goes, numbers(markdown.CODE.sub("", text)))


def twins_agree():
    def faults():
        for pair in TWINS:
            left, right = (list(shape(ROOT / page)) for page in pair)
            for (one, a), (two, b) in zip(left, right):
                if a != b:
                    yield "%s:%d is not %s:%d:\n  %s\n  %s" % (pair[0], one, pair[1], two, a, b)
                    if a[0] != b[0]:
                        break
            if len(left) != len(right):
                yield "%s has %d parts, %s %d" % (pair[0], len(left), pair[1], len(right))
    none(faults())


LAYERS = sorted((ROOT / "micropython/umqtt").glob("*.py"))
TEXT_OF_LAYER = re.compile(r'(?:raise \w+\(|assert .*, )"([^"]*)"')


def errors_has_every_text_and_number():
    page = (ROOT / "docs/errors.md").read_text()
    def faults():
        count = 0
        for path in sorted((ROOT / "cmodule").glob("*.c")):
            source = path.read_text()
            for text in re.findall(r'MP_ERROR_TEXT\("([^"]*)"\)', source):
                count += 1
                if "`%s`" % text not in page and "('%s')" % text not in page:
                    yield "%s: %s" % (path.name, text)
            for error in re.findall(r"mp_raise_OSError\(MP_(\w+)\)", source):
                count += 1
                if "`%s`" % error not in page:
                    yield "%s: %s" % (path.name, error)
        for path in LAYERS:
            for text in TEXT_OF_LAYER.findall(path.read_text()):
                count += 1
                if text.replace("%s", "...") not in page:
                    yield "%s: %s" % (path.name, text)
        if count < 45:
            yield "only %d found" % count
    none(faults())


def errors_has_no_text_that_nothing_raises():
    source = "".join(path.read_text().replace("%s", "...") for path in [*(ROOT / "cmodule").glob("*.c"), *LAYERS])
    sections, here = {}, None
    for block in markdown.parse(ROOT / "docs/errors.md"):
        if block.kind == "heading":
            here = markdown.HEADING.match(block.lines[0])[2]
        elif block.kind == "table":
            sections.setdefault(here, []).extend(row[0] for row in block.cells()[2:])
    cells = [cell for title in ("MQTTException", "ValueError", "TypeError", "Python layers") for cell in sections[title]]
    none(cell for cell in cells if (text := re.fullmatch("`([a-z][^(]*)`", cell)) and '"%s"' % text[1] not in source)


def licences_names_every_crate_of_the_firmware():
    sys.path.insert(0, str(ROOT / "tests"))
    import supply_chain
    page = (ROOT / "docs/licences.md").read_text()
    none(name for name in supply_chain.FIRMWARE if not re.search(r"\b%s\b" % name, page))


def scripts_explain_themselves():
    def faults():
        for path in sorted((ROOT / "scripts").iterdir()):
            if not os.access(path, os.X_OK) or path.is_dir():
                continue
            done = subprocess.run([path, "--help"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
            # What it would do without being asked takes longer, or says something else.
            if done.returncode or "usage" not in done.stdout.lower() or path.name not in done.stdout:
                yield "scripts/%s --help: status %d, %r" % (path.name, done.returncode, done.stdout[:200] + done.stderr[:200])
    none(faults())


TESTS = [links_lead_somewhere, every_command_is_run_or_says_why_not, commands_that_are_run_here_print_what_they_should,
         fences_are_of_known_kinds, python_compiles, the_output_in_readme_is_the_guides, twins_agree,
         errors_has_every_text_and_number, errors_has_no_text_that_nothing_raises,
         licences_names_every_crate_of_the_firmware, scripts_explain_themselves, *walk.TESTS]


def run(tests):
    passed = failed = 0
    for test in tests:
        name = "pages." + test.__name__
        try:
            test()
            passed += 1
            print("ok", name, flush=True)
        except Exception as error:
            failed += 1
            said = str(error) if isinstance(error, AssertionError) else traceback.format_exc()
            print("FAIL %s\n    %s" % (name, said.replace("\n", "\n    ")), flush=True)
    return passed, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("filter", nargs="*", help="run only tests whose name holds one of these")
    options = parser.parse_args()
    namespace.enter()
    with walk.network():
        passed, failed = run([test for test in TESTS
                              if not options.filter or any(part in test.__name__ for part in options.filter)])
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
