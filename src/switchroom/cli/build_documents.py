"""Manual pages and shell completion of the box's commands, made from their parsers for the package."""

from __future__ import annotations

import argparse
import time
from typing import Dict, Iterator, Tuple

import shtab
from argparse_manpage.manpage import Manpage

import switchroom
from switchroom.build.tarball import Member, Tree
from switchroom.cli.main import make_box_parser
from switchroom.cli.switch_options import OTHER_NAME

_SECTION = "8"
_EXIT_STATUS = """.TP
.B 0
Done.
.TP
.B 1
It failed; what was changed is as it was before.
.TP
.B 2
The command line is wrong.
.TP
.B 3
A check beforehand refused; nothing was changed.
.TP
.B 4
The box needs attention; the message says what to do."""
_FILES = """.TP
.I /etc/switchroom/settings.yml
What differs from the built-in settings.
.TP
.I /usr/share/switchroom/catalog.yml
The releases that this box knows.
.TP
.I /var/lib/switchroom/history
The journals of past switches."""
# What a series or an engine is called, asked of the catalog and of this box.
_TARGETS = {
    "bash": """_switchroom_targets() {
    local names
    names=$(switchroom catalog list --json 2>/dev/null |
        sed -n 's/^ *"\\(key\\|version\\)": "\\(.*\\)".*/\\2/p')
    compgen -W "$names $(command ls /usr/lib64/switchroom/engines 2>/dev/null)" -- "$1"
}""",
    "zsh": """_switchroom_targets() {
    local -a names
    names=(${(f)"$(switchroom catalog list --json 2>/dev/null |
        sed -n 's/^ *"\\(key\\|version\\)": "\\(.*\\)".*/\\2/p')"} /usr/lib64/switchroom/engines/*(N:t))
    compadd -a names
}""",
}


def documents(epoch: int) -> Tree:
    """Return ``man8/*.8``, ``bash/*`` and ``zsh/*``, dated ``epoch`` (seconds since 1970)."""
    texts = {**dict(_manual(epoch)), **dict(_completion())}
    return {path: Member(text.encode(), mtime=epoch) for path, text in texts.items()}


def _manual(epoch: int) -> Iterator[Tuple[str, str]]:
    commands, summaries = _commands(make_box_parser())
    pages = [f"switchroom-{name}" for name in commands]
    for name, parser in commands.items():
        yield _page(parser, f"switchroom-{name}", summaries[name], epoch, ["switchroom"])
    yield _page(_overview(), "switchroom", "keeps a PBX alive", epoch, [*pages, OTHER_NAME])
    yield f"man8/{OTHER_NAME}.{_SECTION}", f".so man8/switchroom-switch.{_SECTION}\n"


def _page(
    parser: argparse.ArgumentParser, name: str, summary: str, epoch: int, others: list[str]
) -> Tuple[str, str]:
    day = time.strftime("%Y-%m-%d", time.gmtime(epoch))
    facts = {"project_name": "switchroom", "version": switchroom.__version__, "date": day}
    about = {"manual_section": _SECTION, "manual_title": "Switchroom", "description": summary}
    page = Manpage(parser, {**facts, **about})
    page.prog = name  # the page's name; the synopsis keeps the command's
    page.add_section("EXIT STATUS", ">", _EXIT_STATUS)
    page.add_section("FILES", ">", _FILES)
    see = ",\n".join(f".BR {other} ({_SECTION})".replace("-", "\\-") for other in others)
    page.add_section("SEE ALSO", ">", see.replace(",\n.BR", " ,\n.BR"))
    return f"man8/{name}.{_SECTION}", str(page)


def _overview() -> argparse.ArgumentParser:
    """Return the main parser without its commands' details, which have pages of their own."""
    whole = make_box_parser()
    _, summaries = _commands(whole)
    brief = argparse.ArgumentParser(prog=whole.prog, description=whole.description)
    group = brief.add_subparsers(metavar="COMMAND")
    for name, summary in summaries.items():
        where = f"See switchroom-{name}({_SECTION})."
        group.add_parser(name, help=summary, description=where, add_help=False)
    return brief


def _completion() -> Iterator[Tuple[str, str]]:
    for shell, path in (("bash", "bash/{}"), ("zsh", "zsh/_{}")):
        whole = make_box_parser()
        switch = _commands(whole)[0]["switch"]
        target = next(action for action in switch._actions if action.dest == "target")
        target.complete = {shell: "_switchroom_targets"}  # type: ignore[attr-defined]
        yield path.format("switchroom"), _complete(whole, shell)
        switch.prog = OTHER_NAME
        yield path.format(OTHER_NAME), _complete(switch, shell)


def _complete(parser: argparse.ArgumentParser, shell: str) -> str:
    text: str = shtab.complete(parser, shell=shell, preamble=_TARGETS[shell])
    return text


def _commands(
    parser: argparse.ArgumentParser,
) -> Tuple[Dict[str, argparse.ArgumentParser], Dict[str, str]]:
    """Return the commands of a parser and their summaries, by name."""
    holder = next(each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    summaries = {action.dest: action.help or "" for action in holder._choices_actions}
    return dict(holder.choices), summaries
