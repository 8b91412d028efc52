"""How a transaction ended."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import Any, Mapping, Optional

from switchroom.catalog.convert import to_dataclass, to_plain
from switchroom.core.errors import ExitCode, reading


class End(enum.Enum):
    """The ways a transaction can end."""

    KEPT = "kept"
    ROLLED_BACK = "rolled-back"
    ABANDONED = "abandoned"
    FAILED = "failed"
    ATTENTION = "attention"


_CODES = {End.KEPT: ExitCode.DONE, End.ATTENTION: ExitCode.ATTENTION}


@dataclass(frozen=True)
class Figures:
    """What a switch cost; None where it was not measured.

    ``outage_ms`` is the longest time without an answer to SIP, ``refused_ms`` how long new calls were
    refused (the outage included), ``calls_ended`` the calls that the stop cut, ``forced`` whether Asterisk
    had to be killed. ``about`` marks times taken from the journal because the tool itself was interrupted.
    """

    outage_ms: Optional[int] = None
    refused_ms: Optional[int] = None
    calls_ended: Optional[int] = None
    forced: bool = False
    about: bool = False

    @property
    def sentence(self) -> str:
        """The figures in words; empty when nothing was stopped."""
        if self.outage_ms is None:
            return ""
        about = "about " if self.about else ""
        calls = "an unknown number of" if self.calls_ended is None else self.calls_ended
        return f"Outage {about}{self.outage_ms} ms, {calls} calls ended."


@dataclass(frozen=True)
class Outcome:
    """The end of a transaction.

    Engines are named by version and build, as ``22.10.1-1``. ``running`` is the one that answers now (None:
    none does), ``reason`` one sentence, empty when kept, ``cause`` the evidence, ``hint`` what to do next,
    exact commands included.
    """

    id: str
    outcome: End
    source: str
    target: str
    running: Optional[str]
    reason: str
    cause: str
    hint: str
    seconds: float
    figures: Figures

    @property
    def code(self) -> ExitCode:
        """The exit code it means."""
        return _CODES.get(self.outcome, ExitCode.FAILED)

    @property
    def sentence(self) -> str:
        """What a person needs to know in one line."""
        runs = f"Asterisk {self.running} runs" if self.running else "NO ENGINE RUNS"
        why = f" ({self.reason.rstrip('.')})" if self.reason else ""
        return f"{self.outcome.value}: {runs}{why}. {self.figures.sentence}".rstrip()

    def as_dict(self) -> Mapping[str, Any]:
        """Return it as what JSON knows, ``exit_code`` included."""
        return {**to_plain(self), "exit_code": int(self.code)}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Outcome:
        """Return the outcome that ``as_dict`` gave; raises SwitchroomError (ATTENTION) for anything else."""
        with reading("How the switch ended", code=ExitCode.ATTENTION):
            found = to_dataclass(Outcome, {key: value for key, value in data.items() if key != "exit_code"})
            if not re.fullmatch(r"\w[\w.-]*", found.id):  # it names a folder
                raise ValueError(f"'{found.id}' is no name of a switch")
            return found
