"""Which programs a shell script calls, read from its syntax."""

from __future__ import annotations

import functools
import subprocess
from typing import FrozenSet, Iterator, Set

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

# A program whose argument is the program that it runs.
_RUNNERS = {"command", "env", "exec", "nice", "xargs"}


def programs(script: str) -> Set[str]:
    """Return the names of the programs a script calls: neither its functions nor what bash has built in.

    A name that the script composes (``"layout_$LAYOUT"``) is not known before it runs and left out.
    """
    tree = Parser(Language(tree_sitter_bash.language())).parse(script.encode())
    assert not tree.root_node.has_error, f"not understood: {script}"
    nodes = list(_nodes(tree.root_node))
    functions = {
        _text(node.child_by_field_name("name")) for node in nodes if node.type == "function_definition"
    }
    called = {name for node in nodes if node.type == "command" for name in _called(node)}
    return called - functions - _builtins()


def _called(command: Node) -> Iterator[str]:
    words = [part for part in command.named_children if part.type in ("command_name", "word")]
    names = iter(_text(part) for part in words)
    for name in names:
        if not name.startswith("-") and not {"$", "="} & set(name):
            yield name
            if name not in _RUNNERS:
                return


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _nodes(child)


def _text(node: Node | None) -> str:
    return (node.text or b"").decode() if node else ""


@functools.cache
def _builtins() -> FrozenSet[str]:
    listed = subprocess.run(["bash", "-c", "compgen -b"], check=True, capture_output=True, text=True).stdout
    return frozenset(listed.split())
