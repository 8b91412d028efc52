"""Checks of a rendered kickstart: pykickstart for its commands, shellcheck for its scripts."""

from __future__ import annotations

import contextlib
import io
import json
import re
import warnings
from typing import Any

from pykickstart.errors import KickstartError, KickstartWarning
from pykickstart.parser import KickstartParser, Script
from pykickstart.version import makeVersion

from switchroom.build.kickstart.defaults import load_defaults
from switchroom.core.errors import SwitchroomError
from switchroom.core.process import require, run

_SHELLS = ("/bin/bash", "/usr/bin/bash", "/bin/sh", "/usr/bin/sh")


def check(text: str, el: int) -> None:
    """Raise SwitchroomError, with one line a finding, unless the kickstart is sound for an EL major.

    Errors and deprecations of pykickstart count, and so does everything shellcheck finds in a script. What
    %include brings at installation time is not there to be checked.
    """
    require("shellcheck")
    findings = _Parsed(text, el).findings + _script_findings(text, el)
    if findings:
        raise SwitchroomError(
            f"The kickstart has {len(findings)} fault(s).",
            cause="\n".join(f"line {line}: {message}" for line, message in sorted(findings)),
            hint="Correct the template in 'kickstart/' or the setting the line comes from.",
        )


def packages(text: str, el: int = 9) -> list[str]:
    """Return what the kickstart's %packages asks for: package names, and groups as ``@name``."""
    handler = _Parsed(text, el).handler
    groups = [f"@{group.name}" for group in handler.packages.groupList]
    return sorted([*groups, *handler.packages.packageList])


class _Parsed:
    """A kickstart read by pykickstart that goes on after an error, so that all of them are known."""

    def __init__(self, text: str, el: int) -> None:
        self.handler: Any = makeVersion(load_defaults().major(el).syntax)
        self.findings: list[tuple[int, str]] = []
        parser = _Parser(self.handler, self.findings)
        with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("always")
            parser.read(text)
        self.findings += [
            _located(str(item.message)) for item in caught if issubclass(item.category, KickstartWarning)
        ]


class _Parser(KickstartParser):  # type: ignore[misc]  # pykickstart has no types
    def __init__(self, handler: Any, findings: list[tuple[int, str]]) -> None:
        super().__init__(handler, followIncludes=False, errorsAreFatal=False)
        self._findings = findings

    def read(self, text: str) -> None:
        self._tryFunc(lambda: self.readKickstartFromString(text))

    def _tryFunc(self, fn: Any) -> None:  # noqa: N802  # pykickstart's name
        try:
            fn()
        except KickstartError as error:
            self._findings.append((error.lineno or 0, " ".join(str(error.message).split())))


def _located(message: str) -> tuple[int, str]:
    """Return a warning as line number (0 if it names none) and one line of text."""
    found = re.search(r"\bline (\d+)", message)
    return (int(found[1]) if found else 0), " ".join(message.split())


def _script_findings(text: str, el: int) -> list[tuple[int, str]]:
    findings: list[tuple[int, str]] = []
    for script in _Parsed(text, el).handler.scripts:
        findings += _shellcheck(script)
    return findings


def _shellcheck(script: Script) -> list[tuple[int, str]]:
    if script.interp not in _SHELLS:
        return [(script.lineno, f"a script for '{script.interp}' cannot be checked")]
    shell = script.interp.rpartition("/")[2]
    argv = ["shellcheck", f"--shell={shell}", "--format=json1", "--norc", "-"]
    result = run(argv, what="shellcheck", stdin=script.script.encode(), check=False)
    comments = json.loads(result.stdout)["comments"]
    return [(script.lineno + one["line"], f"SC{one['code']}: {one['message']}") for one in comments]
