"""A report as one HTML file: headings, text, tables and live charts, readable without a network.

plotly.js is inside, and the page's own policy forbids every request. All text is escaped. What a
report says is `vcsoup.comparison_report`'s business; this is only its paper.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go
import plotly.io
from plotly.offline import get_plotlyjs

_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:"
)
_STYLE = """
:root { color-scheme: light; }
body { margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 62rem; background: #FCFBF8;
  color: #24292E; font: 17px/1.55 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
h1, h2 { font-family: Georgia, serif; font-weight: 500; line-height: 1.2; }
h1 { font-size: 2.1rem; margin: 0 0 .4rem; } h2 { font-size: 1.4rem; margin: 2.4rem 0 .6rem; }
p { margin: .6rem 0; max-width: 46rem; } p.lead { font-size: 1.25rem; }
p.note { color: #5B6065; font-size: .92rem; }
table { border-collapse: collapse; margin: .8rem 0; font-size: .94rem; }
th, td { padding: .35rem .8rem .35rem 0; text-align: left; border-bottom: 1px solid #E2DED4; }
th { font-weight: 600; } td.number { text-align: right; white-space: nowrap; }
div.wide { overflow-x: auto; }
@media print { body { max-width: none; } h2 { break-after: avoid; } }
"""


@dataclass(frozen=True)
class Heading:
    """The title of a section."""

    text: str


@dataclass(frozen=True)
class Text:
    """A paragraph; `kind` "lead" is large, "note" small and quiet."""

    text: str
    kind: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under column names; cells are shown as they are, numbers to the right."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class Chart:
    """A plotly figure and what it shows, for those who cannot see it."""

    figure: go.Figure
    alt: str


Part = Heading | Text | Table | Chart


def report_html(title: str, parts: Sequence[Part]) -> str:
    """Put a report together.

    Args:
        title: Title of the page and its first heading.
        parts: What follows, in order.

    Returns:
        A whole HTML document, about 5 MB with charts, 3 KB without.
    """
    charts = any(isinstance(part, Chart) for part in parts)
    script = f"<script>{get_plotlyjs()}</script>" if charts else ""
    body = "\n".join(_part(part) for part in parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n{script}</head>\n"
        f"<body>\n<h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )


def _part(part: Part) -> str:
    if isinstance(part, Heading):
        return f"<h2>{escape(part.text)}</h2>"
    if isinstance(part, Text):
        kind = f' class="{escape(part.kind)}"' if part.kind else ""
        return f"<p{kind}>{escape(part.text)}</p>"
    if isinstance(part, Table):
        return _table(part)
    drawn = plotly.io.to_html(
        part.figure,
        include_plotlyjs=False,
        include_mathjax=False,
        full_html=False,
        config={"displayModeBar": False, "responsive": True},
    )
    return f'<div role="img" aria-label="{escape(part.alt)}">{drawn}</div>'


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in table.columns)
    rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in table.rows)
    whole = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="wide">{whole}</div>'


def _cell(cell: object) -> str:
    if cell is None:
        return "<td>not known</td>"
    if isinstance(cell, bool):
        return f"<td>{'yes' if cell else 'no'}</td>"
    if isinstance(cell, int | float):
        text = f"{cell:,}" if isinstance(cell, int) else f"{cell:.3g}"
        return f'<td class="number">{text}</td>'
    return f"<td>{escape(str(cell))}</td>"
