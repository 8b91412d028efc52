"""What a source tarball of Asterisk says of itself: modules, bundled libraries, sounds, change log."""

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
# The categories of sounds/sounds.xml and the versions in sounds/Makefile, by the kind that names tarballs.
_KINDS = {"core-sounds": "CORE_SOUNDS", "extra-sounds": "EXTRA_SOUNDS", "moh": "MOH"}
_SOUNDS_VERSION = re.compile(r"^(\w+)_VERSION\s*:=\s*([\d.]+)\s*$", re.MULTILINE)
_SOUNDS_MEMBER = re.compile(r'<member name="([A-Z-]+)-([A-Z_]+)-([A-Z0-9]+)" displayname="([^"]+)"')
_BESIDES_LANGUAGE = re.compile(r"( Music On Hold Files)?,[^,]*$")


@dataclass(frozen=True)
class SoundKind:
    """One kind of prompts or music: its version, its languages in words by their code, its formats."""

    version: str
    languages: dict[str, str]
    formats: tuple[str, ...]


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


def sounds(tree: Tree) -> dict[str, SoundKind]:
    """Return the prompts and music that menuselect offers, by kind; formats are those of every language."""
    versions = dict(_SOUNDS_VERSION.findall(text_of(tree, "sounds/Makefile")))
    members = _SOUNDS_MEMBER.findall(text_of(tree, "sounds/sounds.xml"))
    found = {}
    for kind, name in _KINDS.items():
        rows = [row[1:] for row in members if row[0].replace("-", "_") == name]
        languages = {_language(code): _BESIDES_LANGUAGE.sub("", title) for code, _, title in rows}
        formats = [{form.lower() for code, form, _ in rows if _language(code) == one} for one in languages]
        if name in versions and languages:
            common = tuple(sorted(set.intersection(*formats)))
            found[kind] = SoundKind(versions[name], languages, common)
    return found


def _language(code: str) -> str:
    language, dialect, country = code.partition("_")
    return language.lower() + dialect + country


def change_log(text: str) -> ChangeLog:
    """Return what upstream's ``ChangeLog-VERSION.md`` says."""
    advisories, notes = _ADVISORIES.search(text), _UPGRADE.search(text)
    titles = tuple(_TITLE.findall(notes[1])) if notes else ()
    return ChangeLog(int(advisories[1]) if advisories else 0, titles)
