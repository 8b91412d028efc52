"""Asterisk's comments: from ``;`` on, or ``;-- … --;`` over lines and nested; an escaped ``;`` is none."""

from __future__ import annotations


class Comments:
    """Takes the comments out of one file, line by line (config_text_file_load in main/config.c)."""

    def __init__(self) -> None:
        self.depth = 0

    def strip(self, line: str) -> str:
        """Return what is left of the next line; an escaped semicolon loses its backslash."""
        kept, begin, at = "", 0, line.find(";")
        start = 0
        while at >= 0:
            if at > start and line[at - 1] == "\\":
                line = line[: at - 1] + line[at:]
                start = at
            elif line.startswith(";--", at) and line[at + 3 : at + 4] != "-":
                kept += "" if self.depth else line[begin:at]
                self.depth += 1
                start = at + 3
            elif self.depth and at >= start + 2 and line[at - 2 : at] == "--":
                self.depth -= 1
                start = begin = at + 1
            elif self.depth:
                start = at + 1
            else:
                return kept + line[begin:at]
            at = line.find(";", start)
        return kept + ("" if self.depth else line[begin:])
