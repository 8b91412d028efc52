"""The menu of ``asterisk-version-switch`` called bare on a terminal."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Callable, List, Optional, Sequence, Tuple

from switchroom.box.engines import Engine
from switchroom.box.packages import Offer
from switchroom.box.switch import target
from switchroom.catalog.model import Catalog, Series, Status
from switchroom.cli.catalog_text import table

ROLLBACK, STATUS, QUIT = "r", "s", "q"


@dataclass(frozen=True)
class Menu:
    """What there is to choose from: the offers of each series, newest first."""

    series: Tuple[Tuple[Offer, ...], ...]
    active: Optional[Engine]
    previous: Optional[Engine]

    def text(self, catalog: Catalog, today: datetime.date) -> str:
        """Return the menu, at most 80 columns wide."""
        active = f"Asterisk {self.active.name} is active." if self.active else "No engine is active."
        return "\n".join([active, "", self.table(catalog, today), "", *self._letters()])

    def table(self, catalog: Catalog, today: datetime.date) -> str:
        """Return the table of the series."""
        rows = [("", "SERIES", "NEWEST", "ON THIS BOX", "SUPPORTED")]
        for number, offers in enumerate(self.series, 1):
            known = catalog.series.get(offers[0].series)
            label = known.label if known else f"Asterisk {offers[0].series}"
            cells = (label, offers[0].engine.name, self._here(offers), _support(known, today))
            rows.append((f"{number:>3}", *cells))
        return table(rows)

    def choice(self, word: str) -> Optional[str]:
        """Return the engine's name, or the letter, that a person's answer means; None if it means nothing."""
        word = word.strip().lower()
        if word.isdigit() and 1 <= int(word) <= len(self.series):
            return self.series[int(word) - 1][0].engine.name
        letters = [*([ROLLBACK] if self.previous else []), STATUS, QUIT]
        return word if word in letters else None

    def _letters(self) -> List[str]:
        back = [f"  {ROLLBACK}  go back to Asterisk {self.previous.name}"] if self.previous else []
        return [*back, f"  {STATUS}  show where this box stands", f"  {QUIT}  quit, change nothing"]

    def _here(self, offers: Sequence[Offer]) -> str:
        """Return the mark of a series: its engine that matters most to somebody who wants to switch."""
        engines = [offer.engine for offer in offers if offer.installed]
        marks = (("active", [self.active]), ("previous", [self.previous]), ("installed", engines))
        for word, marked in marks:
            for engine in engines:
                if engine in marked:
                    return word if engine == offers[0].engine else f"{engine.name} {word}"
        return ""


def menu_of(offers: Sequence[Offer], active: Optional[Engine], previous: Optional[Engine]) -> Menu:
    """Return the menu of what is offered and installed."""
    return Menu(tuple(target.by_series(offers).values()), active, previous)


def ask(menu: Menu, read: Callable[[str], str]) -> str:
    """Ask until the answer means something, and return it; the end of the input means ``q``."""
    while True:
        try:
            chosen = menu.choice(read("Choose: "))
        except EOFError:
            return QUIT
        if chosen:
            return chosen


def agreed(read: Callable[[str], str]) -> bool:
    """Ask whether to go on; only "y" or "yes" is one."""
    try:
        return read("Go on? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _support(series: Optional[Series], today: datetime.date) -> str:
    status = series.status(today) if series else Status.UNKNOWN
    if series is None or series.end_of_life is None or status in (Status.UNKNOWN, Status.FIXTURE):
        return status.value
    if status is Status.END_OF_LIFE:
        return f"ended {series.end_of_life}"
    only = " (security)" if status is Status.SECURITY_ONLY else ""
    return f"until {series.end_of_life}{only}"
