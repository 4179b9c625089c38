"""YAML that a person wrote, with the line of every entry, so that a message can name it.

Read by `yaml.SafeLoader`: a file makes no Python objects. A key that stands twice is refused, since
YAML would silently keep the last. Aliases (`&name`, `*name`) may stand for what is repeated, up to
what someone could have written out. Training configurations and project files are read with it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from vcsoup.errors import NotFoundError, VcsoupError

Place = tuple[str | int, ...]
"""Where an entry stands: keys and list positions from the outside in."""
_Fault = Callable[[str], VcsoupError]
_MOST_ENTRIES = 100_000
_DEEPEST = 100


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
        VcsoupError: of the kind `error`: no YAML, no mapping, a key that stands twice, or aliases
            that hold themselves or stand for too much.

    Example:
        >>> read = read_yaml("a:\n  b: 1", "x.yaml", error=VcsoupError, remedy="")
        >>> read.content, read.where(("a", "b"))
        ({'a': {'b': 1}}, 'x.yaml, line 2')
    """
    lines: dict[Place, int] = {}
    with _told(source, error):
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    _collect((node,), (), lines, lambda told: error(f"{source}, {told}"))
    with _told(source, error):  # only now that its aliases are known to be harmless
        content = _text_keys(yaml.safe_load(text))
    if content is None:
        return YamlText({}, {}, source)
    if not isinstance(node, yaml.MappingNode) or not isinstance(content, dict):
        kind = type(content).__name__
        raise error(f"{source}: expected `name: value` lines, got {kind}; {remedy}")
    return YamlText(content, lines, source)


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


@contextmanager
def _told(source: str, error: type[VcsoupError]) -> Iterator[None]:
    """Tell what PyYAML raises, also for the 30th of February, `!!bool 3` or a thousand `[`."""
    try:
        yield
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        reason = getattr(fault, "problem", None) or "it cannot be read"
        told = "write `name: value`, and in quotes what holds a colon or begins with a sign"
        raise error(f"{source}{where}: no YAML ({reason}); {told}") from fault
    except (ValueError, LookupError, AttributeError, RecursionError) as fault:
        raise error(f"{source}: no YAML ({fault}); write `name: value`") from fault


def _collect(
    around: tuple[yaml.Node, ...], place: Place, lines: dict[Place, int], fault: _Fault
) -> None:
    """Note the line of every entry inside the last of some nodes that lie within each other.

    What an alias stands for is noted at each of its places, as `_text_keys` copies it.
    """
    for at, name, inner in _entries(around[-1]):
        here, line = (*place, name), at.start_mark.line + 1
        if not isinstance(at, yaml.ScalarNode) and isinstance(around[-1], yaml.MappingNode):
            raise fault(f"line {line}: no YAML (a name must be text); write `name: value`")
        if here in lines:
            raise fault(f"line {line}: {name} stands in line {lines[here]} too")
        if any(inner is outer for outer in around):
            raise fault(f"line {line}: {name} holds itself; write out what its alias stands for")
        if len(here) > _DEEPEST:
            raise fault(f"line {line}: nests more than {_DEEPEST} levels deep; write it flatter")
        lines[here] = line
        if len(lines) > _MOST_ENTRIES:
            raise fault(
                f"line {line}: its aliases stand for more than {_MOST_ENTRIES:,} entries; write "
                "out what is needed of them"
            )
        _collect((*around, inner), here, lines, fault)


def _entries(node: yaml.Node | None) -> list[tuple[yaml.Node, str | int, yaml.Node]]:
    """The entries of a node: where each stands, its key or position, and what it holds."""
    if isinstance(node, yaml.MappingNode):
        return [(key, _key(key), inner) for key, inner in node.value]
    if isinstance(node, yaml.SequenceNode):
        return [(inner, position, inner) for position, inner in enumerate(node.value)]
    return []


def _key(node: yaml.Node) -> str:
    return node.value if isinstance(node, yaml.ScalarNode) else ""


def _text_keys(content: Any) -> Any:
    if isinstance(content, dict):
        return {str(_text_keys(key)): _text_keys(inner) for key, inner in content.items()}
    if isinstance(content, list):
        return [_text_keys(inner) for inner in content]
    if isinstance(content, int) and content.bit_length() > 64:  # no message could show it
        raise ValueError("a number of more than 64 bits")
    return content
