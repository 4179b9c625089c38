"""Reports and pictures as files: escaped, offline, with the numbers they were given."""

import re
from xml.etree import ElementTree

import plotly.graph_objects as go
import pytest

from vcsoup.evaluation.front_picture import PicturePoint, front_picture
from vcsoup.evaluation.report import Chart, Heading, Table, Text, report_html

NASTY = "<script>alert(1)</script> & \"q\" 'p'"


def test_all_text_is_escaped():
    page = report_html(
        NASTY, [Heading(NASTY), Text(NASTY, "lead"), Table([NASTY], [[NASTY], [None], [True]])]
    )
    assert "<script>" not in page
    assert page.count("&lt;script&gt;alert(1)") == 6  # title, heading, h2, p, column, cell
    assert "<td>not known</td>" in page
    assert "<td>yes</td>" in page


def test_numbers_stand_right_and_are_said_shortly():
    page = report_html("t", [Table(["n", "x"], [[12345, 0.123456]])])
    assert '<td class="number">12,345</td><td class="number">0.123</td>' in page


def test_nothing_is_loaded_from_anywhere():
    page = report_html("t", [Chart(go.Figure(go.Scatter(x=[1], y=[2.5], name=NASTY)), NASTY)])
    assert "default-src 'none'" in page
    tags = re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", page)
    assert not [tag for tag in tags if re.search(r"\b(?:src|href)=", tag)]
    assert "<script>alert" not in page
    assert "Plotly.newPlot" in page
    assert len(page) > 1_000_000  # plotly.js is inside
    assert len(report_html("t", [Text("no chart")])) < 5_000


def points() -> list[PicturePoint]:
    return [
        PicturePoint(0.0, 0.0, base=True),
        PicturePoint(1.0, 0.0),
        PicturePoint(0.0, 1.0, current=True),
        PicturePoint(-1.0, -1.0),
    ]


def test_the_picture_is_sound_and_ranks_places():
    """The front joins (0, 1) and (1, 0), left to right; larger y is higher on the page."""
    picture = front_picture(points(), x_name="helpful <b>", y_name="harmless")
    root = ElementTree.fromstring(picture)
    assert "helpful &lt;b&gt;" in picture
    line = root.find("{http://www.w3.org/2000/svg}polyline")
    (x1, y1), (x2, y2) = (map(float, p.split(",")) for p in line.get("points").split())
    assert x1 < x2
    assert y1 < y2
    assert picture.count("this soup") == 1
    assert len(root.findall("{http://www.w3.org/2000/svg}circle")) == 4  # 3 soups and the ring


@pytest.mark.parametrize("alone", [PicturePoint(1.0, 2.0), PicturePoint(1.0, 2.0, base=True)])
def test_a_picture_of_one_point(alone):
    ElementTree.fromstring(front_picture([alone], x_name="a", y_name="b"))
