"""Text that users wrote, inside Markdown: shown as it is, never obeyed.

For short texts in captions, badges and error messages; long ones go to `st.text`, `st.dataframe`
or a component.
"""

import re

_MARKS = re.compile(r"([\\`*_\[\]<>~$&])")
_BLOCKS = re.compile(r"^([#+=-]|\d+(?=[.)]))")
_MADE_OF_TEXT = re.compile(r"(?:(?<=:)(?=[A-Za-z_+/-])|(?<=www)(?=\.)|(?<=@))", re.IGNORECASE)
_UNSEEN = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_JOINER = "\N{WORD JOINER}"


def literal(text: str, most: int = 400) -> str:
    r"""Markdown that shows a text as it is, on one line.

    Args:
        text: Anything.
        most: Longer texts are cut here and end with an ellipsis.

    Returns:
        Markdown without links, pictures, formulas, shortcodes or html of the text's own; characters
        that cannot be seen become a replacement mark.

    Example:
        >>> print(literal("a *b* <img>"))
        a \*b\* \<img\>
    """
    line = " ".join(text[: most + 1].split())
    line = line[:most] + "\N{HORIZONTAL ELLIPSIS}" if len(text) > most else line
    seen = _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", line)
    marked = _BLOCKS.sub(_escaped_start, _MARKS.sub(r"\\\1", seen))
    # Icons (":name:") and bare addresses are made of text, which no escape prevents.
    return _MADE_OF_TEXT.sub(_JOINER, marked)


def message(text: str) -> str:
    r"""Markdown of an error message: its `commands` as code, everything else literally.

    Example:
        >>> print(message("no [x]; run `python -m vcsoup score`"))
        no \[x\]; run `python -m vcsoup score`
    """
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return literal(text, most=4_000)
    marked = [
        f"`{_UNSEEN.sub('', part)}`" if place % 2 else _spaced(part)
        for place, part in enumerate(parts)
    ]
    return "".join(marked)


def _escaped_start(found: re.Match[str]) -> str:
    """What would begin a heading, a list or a line, as text."""
    return f"{found[0]}{_JOINER}" if found[0].isdecimal() else f"\\{found[0]}"


def _spaced(part: str) -> str:
    """A part of a message, with the blanks at its ends that `literal` takes away."""
    if not part.strip():
        return part
    before = " " if part[0].isspace() else ""
    after = " " if part[-1].isspace() else ""
    return f"{before}{literal(part, most=4_000)}{after}"
