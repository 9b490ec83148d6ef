"""The picture: one line a contender, from its median to its 99th percentile, on a logarithmic scale."""

import math

WIDTH, LEFT, RIGHT, ROW = 860, 170, 30, 22
STYLE = """<style>
  text { font: 12px system-ui, sans-serif; fill: #333 } .title { font-weight: 600; font-size: 13px } .quiet { fill: #777; font-size: 11px }
  .grid { stroke: #ddd } .range { stroke: #8aa4c8; stroke-width: 5; stroke-linecap: round } .dot { fill: #24508f }
  .ours .range { stroke: #f0a860 } .ours .dot { fill: #c25a00 } .ours text { font-weight: 600 }
  @media (prefers-color-scheme: dark) { .paper { fill: #16181c } text { fill: #ddd } .quiet { fill: #999 } .grid { stroke: #333 } .range { stroke: #46618c }
    .dot { fill: #9cc0f5 } .ours .range { stroke: #8a5520 } .ours .dot { fill: #ffb45e } }
</style>"""


def picture(title, panels):
    """`panels`: (heading, [(name, p50 in ms, p99 in ms)]). Gives an SVG document."""
    values = [value for _, rows in panels for row in rows for value in row[1:]]
    if not values:
        return None
    low = math.floor(math.log10(max(min(values), 0.001)))
    high = math.ceil(math.log10(max(max(values), 0.01)))

    def x(value):
        return LEFT + (math.log10(max(value, 10 ** low)) - low) / max(1, high - low) * (WIDTH - LEFT - RIGHT)

    y, parts = 56, []
    for heading, rows in panels:
        parts.append(f'<text class="title" x="12" y="{y}">{escape(heading)}</text>')
        top = y + 8
        bottom = top + ROW * len(rows) + 4
        for power in range(low, high + 1):
            parts.append(f'<line class="grid" x1="{x(10 ** power):.1f}" x2="{x(10 ** power):.1f}" y1="{top}" y2="{bottom}"/>')
            parts.append(f'<text class="quiet" x="{x(10 ** power):.1f}" y="{bottom + 13}" text-anchor="middle">{label(10 ** power)}</text>')
        for number, (name, middle, tail) in enumerate(rows):
            line = top + ROW * number + ROW // 2 + 2
            tail = max(middle, tail)
            parts.append(
                f'<g{" class=" + chr(34) + "ours" + chr(34) if name == "Reprise" else ""}><text x="{LEFT - 12}" y="{line + 4}" text-anchor="end">{escape(name)}</text>'
                f'<line class="range" x1="{x(middle):.1f}" x2="{x(tail):.1f}" y1="{line}" y2="{line}"/><circle class="dot" cx="{x(middle):.1f}" cy="{line}" r="5">'
                f'<title>{escape(name)}: p50 {middle:.2f} ms, p99 {tail:.2f} ms</title></circle></g>')
        y = bottom + 42
    height = y - 14
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">{STYLE}'
        f'<rect class="paper" width="{WIDTH}" height="{height}" fill="#fff"/><text class="title" x="12" y="22">{escape(title)}</text>'
        f'<text class="quiet" x="12" y="38">dot: median; end of the line: 99th percentile</text>{"".join(parts)}</svg>\n')


def label(value):
    return f"{value / 1000:g} s" if value >= 1000 else f"{value:g} ms"


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
