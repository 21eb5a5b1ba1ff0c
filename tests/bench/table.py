"""The results as one table, which is Markdown as well, and as plain values for JSON."""

from dataclasses import dataclass

import rows


@dataclass
class Result:
    """The figures of one row: by contender and figure; and the ratios of our rate to the others'."""

    row: rows.Row
    figures: dict
    ratios: dict

    def verdicts(self, figure):
        """(bar, value, met) for each bar on this figure. Value and met are None where the other contender is missing."""
        found = []
        for bar in self.row.bars:
            if bar.figure == figure:
                value = self.ratios.get(bar.against) if bar.against else self.figures["umqtt"][figure]
                found.append((bar, value, None if value is None else bar.met(value)))
        return found


def number(figure, value):
    if value is None:
        return ""
    if figure == "system calls":
        return "%.3f" % value if 0 < value < 0.995 else "%.2f" % value
    if figure == "per second" and value < 1000:
        return "%.3g" % value
    return "{:,.0f}".format(value if figure != "per second" else float("%.3g" % value))


def mark(met):
    return "not measured" if met is None else "met" if met else "MISSED"


def lines(result, contenders):
    name = result.row.name
    for figure in result.figures["umqtt"]:
        values = [number(figure, result.figures.get(contender, {}).get(figure)) for contender in contenders]
        verdicts = result.verdicts(figure) or [(None, None, None)]
        for bar, value, met in verdicts:
            shown = "" if bar is None else str(bar) if not bar.against or value is None else "%s: %.2f" % (bar, value)
            yield [name, figure, *values, shown, "" if bar is None else mark(met)]
            name, figure, values = "", "", [""] * len(values)


def text(results, contenders=rows.CONTENDERS):
    heads = ["", "", *contenders, "bar", ""]
    body = [heads] + [line for result in results for line in lines(result, contenders)]
    widths = [max(len(line[at]) for line in body) for at in range(len(heads))]
    is_number = range(2, 2 + len(contenders))

    def show(line):
        cells = [cell.rjust(width) if at in is_number else cell.ljust(width)
                 for at, (cell, width) in enumerate(zip(line, widths))]
        return "| " + " | ".join(cells) + " |"

    rule = show(["-" * (width - 1) + (":" if at in is_number else "-") for at, width in enumerate(widths)])
    verdicts = [met for result in results for figure in result.figures["umqtt"]
                for _, _, met in result.verdicts(figure)]
    closing = "bars: %d met, %d missed" % (verdicts.count(True), verdicts.count(False))
    return "\n".join([show(body[0]), rule, *(show(line) for line in body[1:]), "", closing])


def plain(results):
    return [{
        "row": result.row.name,
        "figures": result.figures,
        "ratios of umqtt's rate": result.ratios,
        "bars": [{"figure": figure, "bar": str(bar), "value": value, "met": met}
                 for figure in result.figures["umqtt"] for bar, value, met in result.verdicts(figure)],
    } for result in results]
