"""User text inside Markdown: whatever is typed comes out as text."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from vcsoup.ui.literal import literal, message


@pytest.mark.parametrize(
    "text",
    [
        "![p](http://127.0.0.1/p.png)",
        "[x](javascript:alert(1))",
        "<img src=x onerror=alert(1)>",
        "# big",
        "1. list",
        "- list",
        "`code` *em* __strong__ ~~gone~~",
        "a | b",
        "&lt;b&gt; &amp;",
        "http://127.0.0.1/",
        "see www.example.org or a@example.org",
    ],
)
def test_what_looks_like_markdown_stays_text(text):
    """A reader of Markdown finds one paragraph of plain text that reads as it was typed."""
    opened, inline, closed = MarkdownIt("commonmark", {"linkify": True}).parse(literal(text))
    assert (opened.type, closed.type) == ("paragraph_open", "paragraph_close")
    assert {child.type for child in inline.children} <= {"text", "text_special"}
    shown = "".join(child.content for child in inline.children)
    assert shown.replace("\N{WORD JOINER}", "") == text


@given(st.text(string.printable, max_size=40))
def test_any_printable_text_stays_text(text):
    """Blanks at the ends and line ends are the only losses."""
    tokens = MarkdownIt("commonmark").parse(literal(text))
    shown = "".join(child.content for token in tokens if token.children for child in token.children)
    kept = " ".join(text.split())
    assert shown.replace("\N{WORD JOINER}", "").replace("\N{REPLACEMENT CHARACTER}", "") == kept


def test_formulas_icons_and_directions_are_broken():
    shown = literal("$x$ :material/delete: a\u202eb\x00 \ud800")
    assert "\\$x\\$" in shown
    assert ":material" not in shown
    assert not {"\u202e", "\x00", "\ud800"} & set(shown)


def test_long_texts_are_cut_and_say_so():
    assert literal("a" * 500, most=10) == "a" * 10 + "\N{HORIZONTAL ELLIPSIS}"


def test_a_message_keeps_its_commands_as_code():
    shown = message("pairs of *x* are missing; run `python -m vcsoup score --project a_b`")
    assert shown.endswith("run `python -m vcsoup score --project a_b`")
    assert "\\*x\\*" in shown


def test_a_message_with_an_odd_backtick_is_all_text():
    assert "\\`" in message("found: a`b ![x](y)")
    assert "!\\[x" in message("found: a`b ![x](y)")
