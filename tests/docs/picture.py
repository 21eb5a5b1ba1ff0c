"""Draws what a terminal shows as SVG."""

from xml.sax.saxutils import escape

MOST_LINES, MOST_COLUMNS = 60, 118
WIDTH, HEIGHT, MARGIN = 8, 18, 14


def svg(lines):
    lines = [line.expandtabs(8)[:MOST_COLUMNS] for line in lines]
    if len(lines) > MOST_LINES:
        lines = lines[:MOST_LINES - 1] + ["..."]
    width = 2 * MARGIN + WIDTH * max([60, *map(len, lines)])
    height = 2 * MARGIN + HEIGHT * len(lines)
    text = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">' % (width, height, width, height),
            '<rect width="100%" height="100%" rx="6" fill="#1e2430"/>',
            '<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13" fill="#d8dee9" xml:space="preserve">']
    for number, line in enumerate(lines):
        # What was typed is brighter. The width of a line is fixed: whatever font there is, columns stay columns.
        look = ' fill="#a3d7a0"' if line.startswith("$ ") else ""
        fit = ' textLength="%d" lengthAdjust="spacingAndGlyphs"' % (WIDTH * len(line)) if len(line) > 1 else ""
        text.append('<text x="%d" y="%d"%s%s>%s</text>' % (MARGIN, MARGIN + HEIGHT * number + 13, look, fit, escape(line)))
    return "\n".join(text + ["</g>", "</svg>", ""])
