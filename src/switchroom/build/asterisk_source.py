"""What a source tarball of Asterisk says of itself: its modules, the libraries it bundles, its change log."""

from __future__ import annotations

import re
from dataclasses import dataclass

from switchroom.build.tarball import Member, Tree
from switchroom.catalog.modules import Module

_FOLDERS = ("addons", "apps", "bridges", "cdr", "cel", "channels", "codecs", "formats", "funcs", "pbx", "res")
_BUNDLED = re.compile(r"^(\w+?)_VERSION\s*[:?]?=\s*(\S+)$", re.MULTILINE)
_INFO = re.compile(r"/\*\*\* MODULEINFO(.*?)\*\*\*/", re.DOTALL)
_DEPEND = re.compile(r"<depend[^>]*>([^<]+)</depend>")
_SUPPORT = re.compile(r"<support_level>([^<]+)</support_level>")
_OFF = re.compile(r"<defaultenabled>\s*no\s*</defaultenabled>")
_MODULE = re.compile(r"^AST_MODULE_INFO\w*\(", re.MULTILINE)
# Voicemail's forms are one source with a menu of its own in place of the block.
_VOICEMAIL = {
    "app_voicemail": Module("app_voicemail", "core"),
    "app_voicemail_imap": Module("app_voicemail_imap", "core", off=True, depends=("imap_tk",)),
    "app_voicemail_odbc": Module("app_voicemail_odbc", "core", off=True, depends=("generic_odbc",)),
}
_ADVISORIES = re.compile(r"^- Security Advisories Resolved: (\d+)$", re.MULTILINE)
_UPGRADE = re.compile(r"^### Upgrade Notes:$(.*?)(?=^### |\Z)", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r"^- #### (.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class ChangeLog:
    """One release's: how many security advisories it resolves, and the titles of its notes for upgrades."""

    advisories: int
    upgrade_notes: tuple[str, ...]


def text_of(tree: Tree, name: str) -> str:
    """Return a file of the tree as text; nothing where there is no such file."""
    return tree.get(name, Member()).data.decode(errors="replace")


def bundled(tree: Tree) -> dict[str, str]:
    """Return the bundled libraries and their versions, as ``third-party/versions.mak`` says."""
    return {
        name.lower(): version for name, version in _BUNDLED.findall(text_of(tree, "third-party/versions.mak"))
    }


def modules(tree: Tree) -> dict[str, Module]:
    """Return the modules by name, from the MODULEINFO block that menuselect reads of each.

    A source without ``AST_MODULE_INFO`` becomes part of another module.
    """
    found = {}
    for path in sorted(tree):
        folder, _, name = path.rpartition("/")
        if folder in _FOLDERS and name.endswith(".c"):
            text, stem = text_of(tree, path), name[:-2]
            if stem in _VOICEMAIL or _MODULE.search(text):
                found[stem] = _module(stem, text)
    return found


def _module(name: str, text: str) -> Module:
    block = _INFO.search(text)
    if not block:
        return _VOICEMAIL.get(name, Module(name, "core"))
    support = _SUPPORT.search(block[1])
    depends = tuple(dict.fromkeys(word.strip() for word in _DEPEND.findall(block[1])))
    return Module(name, support[1] if support else "core", bool(_OFF.search(block[1])), depends)


def change_log(text: str) -> ChangeLog:
    """Return what upstream's ``ChangeLog-VERSION.md`` says."""
    advisories, notes = _ADVISORIES.search(text), _UPGRADE.search(text)
    titles = tuple(_TITLE.findall(notes[1])) if notes else ()
    return ChangeLog(int(advisories[1]) if advisories else 0, titles)
