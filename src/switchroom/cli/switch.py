"""``switchroom switch``, also ``asterisk-version-switch``: move this box to another Asterisk."""

from __future__ import annotations

import argparse
import datetime
import sys
from dataclasses import replace
from typing import Sequence, Tuple

from switchroom.box import engines, packages
from switchroom.box.console import Console
from switchroom.box.engines import Engine
from switchroom.box.packages import Offer
from switchroom.box.paths import Paths
from switchroom.box.scan import text
from switchroom.box.settings import load_settings
from switchroom.box.switch import preflight, prepare, target
from switchroom.box.switch.scanned import as_findings, look_ahead
from switchroom.box.switch.survey import Box, Survey, selected_engine, survey
from switchroom.catalog.load import load_catalog
from switchroom.cli import status, switch_actions, switch_follow, switch_menu, switch_options, switch_words
from switchroom.cli.context import Context, Subparsers
from switchroom.core.errors import ExitCode, SwitchroomError


def register(subparsers: Subparsers, _words: Sequence[str]) -> None:
    """Add the command."""
    switch_options.add_switch_command(subparsers, _run)


def _run(args: argparse.Namespace, context: Context) -> int:
    try:
        return int(_Session(args, context).run())
    except SwitchroomError as error:
        if not context.json:
            raise
        switch_follow.print_json({"event": "error", **error.as_dict()})
        return int(error.code)


class _Session:
    """One call of the command."""

    def __init__(self, args: argparse.Namespace, context: Context) -> None:
        self._args, self._context = args, context
        self._terminal = not context.json and sys.stdin.isatty() and sys.stdout.isatty()
        switch_options.refuse_nonsense(args, self._terminal)
        preflight.require_root()
        self._paths = Paths()
        settings, today = load_settings(self._paths), datetime.datetime.now(datetime.timezone.utc).date()
        self._box = Box(self._paths, settings, load_catalog(), today, Console())
        self._wish = switch_options.wish(args, settings)

    def run(self) -> int:
        """Do the one thing that the options name."""
        if self._args.cancel:
            return switch_actions.cancel(self._paths, self._context)
        if self._args.prune:
            return switch_actions.prune(self._paths, self._context, self._args.dry_run, self._agreed)
        if self._args.rollback:
            return self._rollback()
        offers = self._offers()
        if self._args.list:
            return switch_actions.show_list(self._menu(offers), offers, self._box, self._context)
        if self._args.target:
            return self._switch(target.find(self._args.target, offers))
        return self._choose(offers)

    def _offers(self) -> Tuple[Offer, ...]:
        """Return what there is; without a repository, an installed engine that was named exactly will do."""
        try:
            return packages.offers(self._args.channel, reporter=self._context.reporter)
        except SwitchroomError as error:
            local = packages.offers(offline=True)
            if not target.names_exactly(self._args.target, local):
                raise
            self._context.reporter.warn(f"{error.message} Only what is installed is looked at.")
            return local

    def _rollback(self) -> int:
        previous = engines.previous(self._paths)
        if previous is None:
            raise SwitchroomError(
                "There is no previous engine on this box to go back to.",
                hint="Name one; 'asterisk-version-switch --list' shows what there is.",
                code=ExitCode.REFUSED,
            )
        offer = target.find(previous.name, packages.offers(offline=True))
        # It ran here before: neither its age nor the illness that it shall cure keeps it back.
        granted = ("health", f"end-of-life:{offer.series}")
        self._wish = replace(self._wish, local=True, acknowledged=self._wish.acknowledged + granted)
        return self._switch(offer)

    def _menu(self, offers: Tuple[Offer, ...]) -> switch_menu.Menu:
        return switch_menu.menu_of(offers, engines.active(self._paths), engines.previous(self._paths))

    def _choose(self, offers: Tuple[Offer, ...]) -> int:
        menu = self._menu(offers)
        print(menu.text(self._box.catalog, self._box.today))
        choice = switch_menu.ask(menu, input)
        if choice == switch_menu.QUIT:
            return ExitCode.DONE
        if choice == switch_menu.STATUS:
            return status.show(self._paths, self._context)
        if choice == switch_menu.ROLLBACK:
            return self._rollback()
        return self._switch(target.find(choice, offers))

    def _switch(self, offer: Offer) -> int:
        source = selected_engine(self._paths)
        if self._args.check:
            return self._check(source, offer)
        if offer.engine == source:
            return self._nothing_to_do(offer)
        known = survey(self._box, self._wish, source, offer, self._context.reporter)
        if self._args.dry_run:
            return self._dry_run(known)
        if self._terminal:
            print(switch_words.dry_run(known, self._wish))
        prepare.refuse(known.findings, self._wish, offer.engine)
        if not self._agreed(switch_words.consequences(known, self._wish)):
            return ExitCode.DONE
        return self._go(known)

    def _check(self, source: Engine, offer: Offer) -> int:
        found = look_ahead(
            self._paths,
            self._box.catalog,
            self._box.today,
            source,
            offer,
            channel=self._args.channel,
            reporter=self._context.reporter,
        )
        code = self._code(as_findings(found))
        self._context.result(
            {"event": "check", "findings": [one.as_dict() for one in found], "exit_code": code}, text(found)
        )
        return code

    def _nothing_to_do(self, offer: Offer) -> int:
        name = offer.engine.name
        self._context.result(
            {"event": "result", "outcome": "nothing to do", "target": name, "exit_code": 0},
            f"Nothing to do: Asterisk {name} is active already.",
        )
        return ExitCode.DONE

    def _dry_run(self, known: Survey) -> int:
        code = self._code(known.findings)
        verdict = "It would be refused." if code else "It would go."
        self._context.result(
            {"event": "dry-run", **known.as_dict(), "exit_code": code},
            f"{switch_words.dry_run(known, self._wish)}\n\n{verdict} Nothing was changed.",
        )
        return code

    def _code(self, found: Sequence[preflight.Finding]) -> int:
        stopping = preflight.refusals(found, self._wish.acknowledged)
        return int(ExitCode.REFUSED if stopping else ExitCode.DONE)

    def _agreed(self, consequences: str) -> bool:
        """Return whether to go on: a person at a terminal is asked, a program has asked already."""
        if not self._terminal or self._args.yes:
            return True
        print(f"\n{consequences}\n")
        if switch_menu.agreed(input):
            return True
        print("Nothing was changed.")
        return False

    def _go(self, known: Survey) -> int:
        command = ("switchroom", *sys.argv[1:])
        plan = prepare.hand_over(self._box, self._wish, known, command, self._context.reporter)
        if not self._args.detach:
            return status.follow(self._paths, plan.id, self._context)
        self._context.result(
            {"event": "detached", "id": plan.id},
            f"Under way as '{plan.id}'. Watch it with: switchroom status --follow",
        )
        return ExitCode.DONE
