"""What ``switchroom switch`` does besides switching: give up, clear up, list."""

from __future__ import annotations

from typing import Callable, Sequence

from switchroom.box import packages
from switchroom.box.packages import Offer
from switchroom.box.paths import Paths
from switchroom.box.switch import cancel as cancelling
from switchroom.box.switch import preflight, status
from switchroom.box.switch.survey import Box
from switchroom.box.worker import locks
from switchroom.cli import switch_menu
from switchroom.cli.context import Context
from switchroom.core.errors import ExitCode, SwitchroomError


def cancel(paths: Paths, context: Context) -> int:
    """Ask the switch that is under way to give up."""
    under_way = status.read(paths).transaction
    if under_way is None:
        raise SwitchroomError(
            "No switch is under way, so there is none to give up.",
            hint="See where the box stands with: switchroom status",
            code=ExitCode.REFUSED,
        )
    cancelling.request(paths, under_way.id)
    context.result(
        {"event": "cancel", "id": under_way.id},
        "Asked to give up; it is heard until Asterisk is stopped. Watch with: switchroom status --follow",
    )
    return ExitCode.DONE


def prune(paths: Paths, context: Context, dry_run: bool, agreed: Callable[[str], bool]) -> int:
    """Remove the engines that are neither active nor previous, after a question."""
    with locks.client(paths, context.reporter.warn):
        busy = list(preflight.alone(paths))
        if busy:
            raise SwitchroomError(busy[0].message, hint=busy[0].hint, code=ExitCode.REFUSED)
        unwanted = packages.unneeded(paths)
        names = packages.packages_of(unwanted)
        words = f"Remove {', '.join(engine.name for engine in unwanted)}: {', '.join(names)}"
        if unwanted and not dry_run and agreed(words):
            return _removed(packages.prune(paths, unwanted), context)
    context.result(
        {"event": "prune", "removed": [], "would_remove": list(names)},
        words if unwanted else "Nothing to remove: only the active and the previous engine are installed.",
    )
    return ExitCode.DONE


def _removed(names: Sequence[str], context: Context) -> int:
    context.result({"event": "prune", "removed": list(names)}, f"Removed: {', '.join(names)}")
    return ExitCode.DONE


def show_list(menu: switch_menu.Menu, offers: Sequence[Offer], box: Box, context: Context) -> int:
    """List the engines there are."""
    shown = [
        {
            "series": offer.series,
            "engine": offer.engine.name,
            "installed": offer.installed,
            "repository": offer.repository,
        }
        for offer in offers
    ]
    context.result({"event": "list", "engines": shown}, menu.table(box.catalog, box.today))
    return ExitCode.DONE
