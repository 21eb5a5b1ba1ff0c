"""Reads what the tests of the documentation need of a page: headings, blocks, tables, links, words of code."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FENCE = re.compile(r"^```(.*)$")
HEADING = re.compile(r"^(#+) (.*)$")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`]+)`")


class Block:
    """A heading, a fence, a table or a paragraph, with the line where it begins."""

    def __init__(self, kind, line, lines, info=""):
        self.kind, self.line, self.lines, self.info = kind, line, lines, info

    def text(self):
        return "\n".join(self.lines)

    def without_comments(self):
        """What is left of a fence without its comments and the blanks before them."""
        return [re.sub(r"(^|\s+)#\s.*$", "", line) for line in self.lines]

    def cells(self):
        return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in self.lines]


def parse(path):
    blocks, inside = [], None
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        fence = FENCE.match(line)
        if inside:
            if fence:
                inside = None
            else:
                inside.lines.append(line)
        elif fence:
            inside = Block("fence", number, [], fence[1])
            blocks.append(inside)
        elif HEADING.match(line):
            blocks.append(Block("heading", number, [line]))
        elif line.strip():
            kind = "table" if line.startswith("|") else "item" if re.match(r"(-|\d+\.) ", line) else "prose"
            last = blocks[-1] if blocks else None
            goes_on = last and last.line + len(last.lines) == number
            if goes_on and (kind == last.kind != "item" or kind == "prose" and last.kind == "item"):
                last.lines.append(line)
            else:
                blocks.append(Block(kind, number, [line]))
    return blocks


def pages():
    """All pages of the documentation, as git knows them or would."""
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout.split()
    return [ROOT / name for name in sorted(listed) if not name.startswith((".github/", "tests/"))]


def anchors(path):
    """The names that GitHub gives to headings."""
    names = set()
    for block in parse(path):
        if block.kind == "heading":
            title = HEADING.match(block.lines[0])[2]
            title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "")
            names.add(re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-"))
    return names


def links(path):
    for block in parse(path):
        if block.kind != "fence":
            yield from LINK.findall(CODE.sub("", block.text()))
