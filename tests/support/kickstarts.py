"""Kickstarts for tests: settings with sensible values, and the scripts of a rendered text."""

from __future__ import annotations

import warnings
from typing import Any, List

from pykickstart.errors import KickstartWarning
from pykickstart.parser import KickstartParser
from pykickstart.version import makeVersion

from switchroom.build.kickstart.defaults import load_defaults
from switchroom.build.kickstart.settings import KickstartSettings, Mode, Offer

VOLUME_ID = "SWITCHROOM TEST 9"
OFFERS = (
    Offer("22", "Asterisk 22 (LTS)", "asterisk22"),
    Offer("certified-22.8", "Asterisk 22.8 (Certified)", "asterisk22.8cert"),
)


def settings(**changes: Any) -> KickstartSettings:
    """Return valid settings of an unattended EL9 kickstart, with changes."""
    values: dict[str, Any] = {
        "el": 9,
        "mode": Mode.UNATTENDED,
        "volume_id": VOLUME_ID,
        "versions": OFFERS,
        "default_version": "22",
    }
    return KickstartSettings(**{**values, **changes})


def handler(text: str, el: int = 9) -> Any:
    """Return what pykickstart understood of a kickstart for an EL major."""
    parsed = makeVersion(load_defaults().major(el).syntax)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KickstartWarning)
        KickstartParser(parsed, followIncludes=False).readKickstartFromString(text)
    return parsed


def scripts(text: str, kind: int, el: int = 9) -> List[str]:
    """Return the scripts of one kind (pykickstart's KS_SCRIPT_*) in the order they run."""
    return [script.script for script in handler(text, el).scripts if script.type == kind]
