"""Whether ``switchroom status`` tells the truth, compared with what the host saw for itself."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Optional

from campaign.sight import Sight

_CODES = {"kept": 0, "rolled-back": 1, "abandoned": 1, "failed": 1, "attention": 4}
NOT_BEGUN = "not begun"


def result(sight: Sight) -> str:
    """Return how the switch ended by its journal, ``not begun`` when there is none."""
    return str(_end(sight).get("outcome", "no end")) if sight.journal_end else NOT_BEGUN


def check(sight: Sight) -> Iterator[str]:
    """Give a sentence for each thing that the status says and that is not so."""
    running = sight.running[0] if sight.running else None
    facts: Mapping[str, object] = {
        "active": sight.selected,
        "running": running,
        "service": "active",
        "transaction": None,
        "installed": list(sight.prefixes),
    }
    for name, fact in facts.items():
        if sight.status.get(name, "nothing") != fact:
            yield f"The status says {name} is {sight.status.get(name, 'nothing')!r}; it is {fact!r}."
    last = sight.status.get("last") or {}
    if last != _end(sight):
        yield f"The status says the last switch ended as {last}; its journal says {_end(sight)}."
    if last and running and last.get("running") != running:
        yield f"The status says that {last.get('running')} came out of it; {running} runs."


def check_code(sight: Sight, code: Optional[str]) -> Iterator[str]:
    """Compare the exit code of the admin's command, where it lived to give one, with the end."""
    meant = _CODES.get(result(sight))
    if code is not None and meant is not None and code.strip() != str(meant):
        yield f"The command ended with {code.strip()}; '{result(sight)}' means {meant}."


def _end(sight: Sight) -> Mapping[str, Any]:
    data: Mapping[str, Any] = (sight.journal_end or {}).get("data", {})
    return data
