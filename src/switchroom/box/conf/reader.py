"""Reading one configuration file and what it includes; bad syntax is noted, never an error.

Asterisk gives up a whole file at the first error; this reader goes on, since what stands below is still
what the admin wants to run. Follows process_text_line in Asterisk's main/config.c. A file that would cost
more than a budget to read is read as far as that goes, and says so (``Configuration.cut``).
"""

from __future__ import annotations

import codecs
import io
import re
from pathlib import Path
from typing import Dict, Optional, Sequence, Tuple

from switchroom.box.conf.comments import Comments
from switchroom.box.conf.model import Configuration, Entry, Inclusion, Oddity, Section
from switchroom.box.conf.rooted import expand
from switchroom.box.reading import Budget, SpentError, UnreadableError, contents

FOLDER = "/etc/asterisk"

_DEEPEST = 10  # MAX_INCLUDE_LEVEL
_BLANK = "".join(chr(code) for code in range(33))
_HEADER = re.compile(r"\[(?P<name>[^]]*)\](?:\((?P<options>[^)]*)(?P<closed>\)?))?")
_UNIT = 64  # bytes of a value that count as one more setting where templates are inherited
_DIRECTIVE = re.compile(r"#(?P<kind>[^\x00-\x20]*)[\x00-\x20]*(?P<target>.*)", re.DOTALL)


def read(path: Path, root: Path = Path("/"), budget: Optional[Budget] = None) -> Configuration:
    """Return a configuration file of the box whose files are below ``root``, with all it includes.

    ``path`` is as the box names it; a bare name is one in ``/etc/asterisk``. A file that is missing or
    unreadable gives an empty configuration with an oddity. ``budget`` is one for many files, each has its own
    without.
    """
    name = str(Path(FOLDER, path))
    reader = _Reader(Configuration(name), root, budget or Budget())
    reader.read(name)
    return reader.result


class _Reader:
    """Notes quote no line of a file: it may hold a secret."""

    def __init__(self, result: Configuration, root: Path, budget: Budget) -> None:
        self.result = result
        self._root, self._budget = root, budget
        self._sizes: Dict[str, int] = {}  # of what a section sets and inherits
        self._section: Optional[Section] = None
        self._latest: Optional[Section] = None  # where an included file begins
        self._file, self._line = result.path, 0
        self._stack: Tuple[str, ...] = ()

    def read(self, name: str) -> None:
        """Read the first file, with all it includes, as far as the budget goes."""
        try:
            self._load(name, ())
        except SpentError as error:
            self.result.cut = f"{error.message} The rest of '{self._file}' and its includes is not known."
            self._note(self.result.cut, hides=True)

    def _load(self, name: str, stack: Tuple[str, ...]) -> bool:
        """Read one file; ``stack`` are the files it is included from. Returns whether it could be read."""
        try:
            data = contents(self._root, name, self._budget)
        except UnreadableError as error:
            self._note(error.message, hides=True)
            return False
        except OSError as error:
            self._note(f"The file '{name}' cannot be read: {error.strerror}.", hides=True)
            return False
        self.result.files.append(name)
        before = self._file, self._line, self._section, self._stack
        self._file, self._section, self._stack = name, self._latest, (*stack, name)
        self._read_lines(data[3:] if data.startswith(codecs.BOM_UTF8) else data)
        self._file, self._line, self._section, self._stack = before
        return True

    def _read_lines(self, data: bytes) -> None:
        comments = Comments()
        longest = self._budget.limits.line_bytes
        lines = self._budget.watched(io.BytesIO(data))
        for self._line, row in enumerate(lines, 1):
            line = row.rstrip(b"\n")
            if len(line) > longest:
                self._note(f"The line is longer than {longest} bytes: Asterisk skips it.", hides=True)
                continue
            text = line.partition(b"\0")[0].decode(errors="surrogateescape")
            kept = comments.strip(text).strip(_BLANK)
            if kept:
                self._budget.spend("statements")
                self._statement(kept)
        if comments.depth:
            self._note("A block comment (;--) is never closed (--;).", hides=True)

    def _statement(self, text: str) -> None:
        if text[0] == "[":
            self._header(text)
        elif text[0] == "#":
            self._directive(text)
        else:
            self._entry(text)

    def _header(self, text: str) -> None:
        match = _HEADER.match(text)
        if match is None:
            self._note("The section's '[' is never closed.")
            return
        if match["options"] is not None and not match["closed"]:
            self._note("The section's '(' is never closed.")
        options = list(filter(None, dict.fromkeys((match["options"] or "").split(","))))
        self._section = self._latest = Section(
            match["name"],
            self._file,
            self._line,
            template="!" in options,
            append=any(option.startswith("+") for option in options),
            parents=tuple(option for option in options if option[0] not in "!+"),
        )
        self.result.sections.append(self._section)
        self._inherit(self._section.name, self._section.parents)

    def _inherit(self, name: str, parents: Sequence[str]) -> None:
        """Count what a section inherits: templates of templates grow without end from a few lines."""
        inherited = sum(self._sizes.get(parent, 0) for parent in parents)
        self._budget.spend("expansions", inherited)
        self._sizes[name] = self._sizes.get(name, 0) + inherited

    def _directive(self, text: str) -> None:
        match = _DIRECTIVE.match(text)
        kind, target = (match["kind"].lower(), _unquoted(match["target"])) if match else ("", "")
        if kind not in ("include", "tryinclude", "exec"):
            self._note(f"The directive '#{kind}' is unknown.")
        elif not target:
            self._note(f"The directive '#{kind}' names nothing.")
        elif kind == "exec":
            self.result.inclusions.append(Inclusion(kind, self._file, self._line, target))
        else:
            self._include(kind, target)

    def _include(self, kind: str, target: str) -> None:
        try:
            found = expand(self._root, str(Path(FOLDER, target)), self._budget)
        except (OSError, UnreadableError) as error:
            self._note(f"What '{target}' names cannot be looked up: {error}", hides=True)
            return
        names = [name for name in found if self._fresh(name)]
        if not names and kind == "include":
            self._note(
                f"The included file '{target}' is not there: Asterisk refuses the whole file.",
                hides=True,
                refuses=True,
            )
        file, line = self._file, self._line
        read_now = tuple(name for name in names if self._load(name, self._stack))
        self.result.inclusions.append(Inclusion(kind, file, line, target, read_now))

    def _fresh(self, name: str) -> bool:
        if name in self._stack or len(self._stack) >= _DEEPEST:
            self._note(
                f"The file '{name}' is included by itself, or more than {_DEEPEST} files deep.", hides=True
            )
            return False
        return True

    def _entry(self, text: str) -> None:
        escaped = text.startswith("\\")
        text = text[1:] if escaped else text
        at = text.find("=", 1 if escaped else 0)
        if self._section is None:
            self._note("The line is in no section.")
        elif at < 0:
            self._note("The line has no '='.")
        elif not text[:at].rstrip("+").strip(_BLANK):
            self._note("The line has no name before its '='.")
        else:
            self._section.entries.append(self._parsed(self._section.name, text, at))
            self._sizes[self._section.name] = self._sizes.get(self._section.name, 0) + 1 + len(text) // _UNIT

    def _parsed(self, section: str, text: str, at: int) -> Entry:
        key, value, operator = text[:at], text[at + 1 :], "="
        if key.endswith("+"):
            key, operator = key[:-1], "+="
        elif value.startswith(">"):
            value, operator = value[1:], "=>"
        return Entry(self._file, self._line, section, key.strip(_BLANK), value.strip(_BLANK), operator)

    def _note(self, text: str, hides: bool = False, refuses: bool = False) -> None:
        self.result.oddities.append(Oddity(self._file, self._line, text, hides, refuses))


def _unquoted(text: str) -> str:
    closing = {'"': '"', "<": ">"}.get(text[:1])
    return text[1:-1] if closing and len(text) > 1 and text.endswith(closing) else text
