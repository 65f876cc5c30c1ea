"""The rows of Tests/bench: what was measured, by whom, and how it is shown."""

import json

COLUMNS = {"postern": "Postern", "dropbear": "dropbear", "openssh": "OpenSSH + cryptsetup", "tinyssh": "tinysshd"}


def median(values):
    return sorted(values)[(len(values) - 1) // 2]


def shown(value, unit):
    if unit == "bytes":
        return f"{value / 1e6:.2f} MB" if value >= 999_500 else f"{value / 1e3:.0f} kB"
    if value < 0.001:
        return f"{value * 1e3:.2f} ms"
    return f"{value * 1e3:.1f} ms" if value < 1 else f"{value:.2f} s"


class Row:
    def __init__(self, name, what, unit, fair=None):
        """`fair` is the peer that does the same work as Postern."""
        self.name, self.what, self.unit, self.fair = name, what, unit, fair
        self.samples = {}
        self.missing = {}
        self.notes = []
        self.failure = None

    def add(self, who, value):
        self.samples.setdefault(who, []).append(value)

    def ratio(self):
        if "postern" not in self.samples or self.fair not in self.samples or median(self.samples[self.fair]) == 0:
            return None
        return median(self.samples["postern"]) / median(self.samples[self.fair])

    def as_json(self):
        def figures(who):
            if who not in self.samples:
                return {"missing": self.missing.get(who, "not measured")}
            values = self.samples[who]
            return {
                f"median_{self.unit}": median(values), f"least_{self.unit}": min(values),
                f"most_{self.unit}": max(values), "runs": len(values)}

        row = {"name": self.name, "what": self.what, "fair_peer": self.fair, "ratio": self.ratio(), "notes": self.notes}
        if self.failure:
            row["failure"] = self.failure
        return row | {who: figures(who) for who in COLUMNS}


def table(rows):
    """The rows as one table with its footnotes."""
    notes = []

    def mark(text):
        if text not in notes:
            notes.append(text)
        return f"[{notes.index(text) + 1}]"

    lines = [["", *COLUMNS.values(), "ratio", "runs", "Postern's least..most", "the fair peer's"]]
    for row in rows:
        if row.failure and not row.samples:
            lines.append([row.what, f"FAILED {mark(row.failure)}", *[""] * 7])
            continue
        cells = []
        for who in COLUMNS:
            if who in row.samples:
                cells.append(shown(median(row.samples[who]), row.unit) + ("*" if who == row.fair else ""))
            else:
                cells.append("-" + (f" {mark(row.missing[who])}" if who in row.missing else ""))

        def spread(who):
            values = row.samples.get(who, [])
            return f"{shown(min(values), row.unit)}..{shown(max(values), row.unit)}" if len(values) > 1 else ""

        ratio = row.ratio()
        runs = sorted({len(values) for values in row.samples.values()})
        lines.append([
            " ".join([f"FAILED {mark(row.failure)}: {row.what}" if row.failure else row.what, *map(mark, row.notes)]),
            *cells, "" if ratio is None else f"{ratio:.2f}",
            "-".join(str(count) for count in (runs if len(runs) < 2 else [runs[0], runs[-1]])), spread("postern"),
            spread(row.fair)])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
    text.insert(1, "-|-".join("-" * width for width in widths))
    text += ["", "Each figure is a median. * is the fair peer; the ratio is Postern's figure to the fair peer's."]
    text += [f"[{number}] {note}" for number, note in enumerate(notes, 1)]
    return "\n".join(text)


def report(header, rows, as_json):
    if as_json:
        return json.dumps(header | {"rows": [row.as_json() for row in rows]}, indent=1)
    lines = [f"{name.replace('_', ' ')}: {value}" for name, value in header.items() if name != "versions"]
    lines.append("versions: " + ", ".join(f"{name} {version}" for name, version in header["versions"].items()))
    return "\n".join(lines) + "\n\n" + table(rows)
