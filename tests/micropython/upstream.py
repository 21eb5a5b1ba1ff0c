"""micropython-lib's own umqtt.simple and umqtt.robust, from PyPI, for the tests that hold our layers against them.

They are of a pinned version and hash, are kept in build/upstream and never committed. A script imports them from the package
`micropython_lib`. PyPI has no newer ones, so what came later (a timeout for connect(), unsubscribe(), wait_msg()'s return value) is
not compared.
"""

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(1, str(ROOT / "tests" / "bench"))

import fetch  # noqa: E402

ROBUST = ("robust", "micropython-umqtt.robust", "1.0", "22a1b8c8e1128281efb13b3020927d07e33c5b747869da2cd77d37983a9ea002")


def prepare(folder):
    """Puts the package into a folder. Why not, if it cannot be had; else an empty text."""
    kept = ROOT / "build" / "upstream"
    kept.mkdir(parents=True, exist_ok=True)
    package = Path(folder) / "micropython_lib"
    package.mkdir()
    try:
        for name, *rest in (fetch.PACKAGES[0], ROBUST):
            shutil.copy(fetch.fetch_package(kept, name, *rest), package / (name + ".py"))
    except fetch.Missing as why:
        return str(why)
    return ""
