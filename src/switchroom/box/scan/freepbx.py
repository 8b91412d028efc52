"""What FreePBX itself would refuse: its version against the target, its SIP driver, sip devices left."""

from __future__ import annotations

import datetime
import json
import re
from typing import Dict, Iterator, List, Optional, Sequence

from switchroom.box.reading import rooted
from switchroom.box.scan.box import Box
from switchroom.box.scan.losses import Losses
from switchroom.box.scan.model import Finding, Severity
from switchroom.catalog.fit import Combination, check_fit
from switchroom.catalog.model import Catalog
from switchroom.core import process
from switchroom.core.errors import SwitchroomError

CONVERT = "fwconsole convert2pjsip -a"
_SECONDS = 60.0  # a module list takes about two
_MOST = 1 << 20  # bytes; a module list has some thousand
_SETTING = re.compile(r'Setting of "ASTSIPDRIVER" is \([^)\n]{0,80}\)\[([^]\n]{0,80})\]')
_CHAN_SIP = ("chan_sip", "both")


def present(box: Box) -> bool:
    """Return whether the box has FreePBX."""
    return any(rooted(box.root, name).exists() for name in ("/etc/freepbx.conf", "/usr/sbin/fwconsole"))


def gates(losses: Losses, catalog: Catalog, fwconsole: Sequence[str], on: datetime.date) -> Iterator[Finding]:
    """Yield what speaks against the target for FreePBX; what could not be asked is a warning."""
    try:
        versions = _modules(_ask(fwconsole, "ma", "list", "--format=json"))
        yield from _fit(versions, losses, catalog, on)
    except SwitchroomError as error:
        yield _unknown("version", f"FreePBX's version could not be read, so its fit was not judged. {error}")
    if losses.find("module", "chan_sip"):
        yield from _driver(fwconsole, losses)


def _ask(fwconsole: Sequence[str], *words: str) -> str:
    # Its exit code means little: 0 for an unknown setting, for example. What it prints is judged.
    what = f"'fwconsole {' '.join(words)}'"
    result = process.run([*fwconsole, *words], what=what, check=False, timeout=_SECONDS, most=_MOST)
    return str(result.stdout.decode(errors="replace"))


def _modules(text: str) -> Dict[str, str]:
    """Return the version of each module: the list among the JSON documents, one a line."""
    for line in text.splitlines():
        rows = _rows(line)
        if rows:
            return {str(row[0]): str(row[1]) for row in rows}
    raise SwitchroomError("'fwconsole ma list --format=json' printed no list of modules.")


def _rows(line: str) -> List[List[object]]:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return []
    rows = data.get("data") if isinstance(data, dict) else None
    good = isinstance(rows, list) and all(isinstance(row, list) and len(row) > 1 for row in rows)
    return rows if good and rows else []


def _fit(versions: Dict[str, str], losses: Losses, catalog: Catalog, on: datetime.date) -> Iterator[Finding]:
    framework = versions.get("framework") or versions.get("core") or ""
    major = framework.partition(".")[0]
    series = losses.target.series(catalog)
    if series is None or major not in catalog.freepbx:
        text = f"The catalog does not know FreePBX '{framework}' with Asterisk {losses.target.version}."
        yield _unknown("version", text)
        return
    exact = framework if re.fullmatch(r"[0-9]+(\.[0-9]+)*", framework) else None
    fit = check_fit(catalog, Combination(freepbx=major, asterisk=series.key, framework=exact), on)
    for reason in fit.refusals:
        text = f"{reason} Installed are framework {framework} and core {versions.get('core', 'unknown')}."
        yield _finding(Severity.BLOCKING, "asterisk", text)
    for reason in fit.warnings:
        if reason.startswith("FreePBX"):  # the support of Asterisk itself is told of elsewhere
            yield _finding(Severity.WARNING, "asterisk", reason)


def _driver(fwconsole: Sequence[str], losses: Losses) -> Iterator[Finding]:
    driver = _setting(fwconsole)
    if driver is None:
        text = "FreePBX's setting ASTSIPDRIVER could not be read: whether it uses chan_sip was not judged."
        yield _unknown("sip-driver", text)
    elif driver in _CHAN_SIP:
        text = f"FreePBX uses '{driver}' (ASTSIPDRIVER); Asterisk {losses.target.version} has no chan_sip."
        advice = f"{CONVERT}, then fwconsole setting ASTSIPDRIVER chan_pjsip, before the switch"
        yield _finding(Severity.BLOCKING, "sip-driver", text, advice)


def _setting(fwconsole: Sequence[str]) -> Optional[str]:
    try:
        match = _SETTING.search(_ask(fwconsole, "setting", "ASTSIPDRIVER"))
    except SwitchroomError:
        return None
    return match[1] if match else None


def _unknown(name: str, text: str) -> Finding:
    return _finding(Severity.WARNING, f"{name}-unknown", text)


def _finding(severity: Severity, name: str, text: str, replacement: str = "") -> Finding:
    return Finding(f"freepbx:{name}", severity, "freepbx", name, text, replacement=replacement)
