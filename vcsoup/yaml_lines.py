"""YAML that a person wrote, with the line of every entry, so that a message can name it.

Read by `yaml.SafeLoader`: a file makes no Python objects. A key that stands twice is refused, since
YAML would silently keep the last. Training configurations and project files are read with it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from vcsoup.errors import NotFoundError, VcsoupError

Place = tuple[str | int, ...]
"""Where an entry stands: keys and list positions from the outside in."""


@dataclass(frozen=True)
class YamlText:
    """A mapping from YAML, and where its entries stand.

    Attributes:
        content: The mapping; keys are text on every level.
        lines: Line, from 1, of every key and list item by its place.
        source: What messages call the text.
    """

    content: dict[str, Any]
    lines: Mapping[Place, int]
    source: str

    def where(self, place: Iterable[str | int]) -> str:
        """Say where an entry stands; the nearest entry around it when it stands nowhere itself.

        Example:
            >>> YamlText({}, {("a",): 3}, "x.yaml").where(("a", "b"))
            'x.yaml, line 3'
        """
        inside = tuple(place)
        while inside and inside not in self.lines:
            inside = inside[:-1]
        return f"{self.source}, line {self.lines[inside]}" if inside else self.source


def read_yaml_file(path: Path, *, error: type[VcsoupError], remedy: str) -> YamlText:
    """Read a YAML file; see `read_yaml`.

    Args:
        path: The file.
        error: What to raise for content that is no mapping.
        remedy: What to do about it, for the message.

    Raises:
        NotFoundError: the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        reason = getattr(fault, "strerror", None) or "no UTF-8 text"
        raise NotFoundError(f"{path} cannot be read ({reason}); {remedy}") from fault
    return read_yaml(text, path.name, error=error, remedy=remedy)


def read_yaml(text: str, source: str, *, error: type[VcsoupError], remedy: str) -> YamlText:
    r"""Read a mapping from YAML text; nothing at all is an empty one.

    Raises:
        VcsoupError: of the kind `error`: no YAML, no mapping, or a key that stands twice.

    Example:
        >>> read = read_yaml("a:\n  b: 1", "x.yaml", error=VcsoupError, remedy="")
        >>> read.content, read.where(("a", "b"))
        ({'a': {'b': 1}}, 'x.yaml, line 2')
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        reason = getattr(fault, "problem", None) or "it cannot be read"
        raise error(f"{source}{where}: no YAML ({reason}); write `name: value`") from fault
    except (ValueError, RecursionError) as fault:  # such as the 30th of February
        raise error(f"{source}: no YAML ({fault}); write `name: value`") from fault
    if content is None:
        return YamlText({}, {}, source)
    if not isinstance(node, yaml.MappingNode) or not isinstance(content, dict):
        kind = type(content).__name__
        raise error(f"{source}: expected `name: value` lines, got {kind}; {remedy}")
    lines: dict[Place, int] = {}
    _collect(node, (), lines, lambda told: error(f"{source}, {told}"))
    return YamlText(_text_keys(content), lines, source)


def likely(name: str, known: Iterable[str]) -> str:
    """Say which known name an unknown one was meant to be, or list them all.

    Example:
        >>> likely("treshold", ["threshold", "flip"])
        'did you mean threshold?'
        >>> likely("x", ["threshold", "flip"])
        'expected one of flip, threshold'
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    return f"did you mean {close[0]}?" if close else f"expected one of {', '.join(names)}"


def _collect(node: yaml.Node, place: Place, lines: dict[Place, int], fault: Any) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, inner in node.value:
            here = (*place, _key(key))
            line = key.start_mark.line + 1
            if here in lines:
                raise fault(f"line {line}: {here[-1]} stands in line {lines[here]} too")
            lines[here] = line
            _collect(inner, here, lines, fault)
    elif isinstance(node, yaml.SequenceNode):
        for position, inner in enumerate(node.value):
            lines[(*place, position)] = inner.start_mark.line + 1
            _collect(inner, (*place, position), lines, fault)


def _key(node: yaml.Node) -> str:
    return str(node.value)


def _text_keys(content: Any) -> Any:
    if isinstance(content, dict):
        return {str(key): _text_keys(inner) for key, inner in content.items()}
    if isinstance(content, list):
        return [_text_keys(inner) for inner in content]
    return content
