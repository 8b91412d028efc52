"""The only door: parses the command line, runs one command, turns failures into words and exit codes."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import logging
import os
import signal
import sys
from typing import Callable, List, Mapping, NoReturn, Optional, Sequence, Tuple

import switchroom
from switchroom.cli.context import Context, named
from switchroom.core import words
from switchroom.core.errors import ExitCode, SwitchroomError, from_os_error
from switchroom.core.progress import Reporter

# Commands of the build host need packages that a box does not carry; there they are simply not offered.
_BOX_COMMANDS: Tuple[str, ...] = ("catalog", "firstboot", "health", "resume", "status", "switch")
_BUILD_COMMANDS: Tuple[str, ...] = ("build", "repo")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_BUILD_MODULES = {"catalog": "catalog_update"}  # where a build host's command does more than a box's


def entry() -> NoReturn:
    """Run the command line and exit; a reader that goes away (``| head``) ends it silently.

    What the caller set to happen at a signal holds until a command begins, and again when it has ended.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        code = main(ready=_interruptible)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered must not be written again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = int(ExitCode.FAILED)
    for number, handler in before.items():
        signal.signal(number, handler)
    sys.exit(code)


def main(argv: Optional[Sequence[str]] = None, ready: Callable[[], None] = lambda: None) -> int:
    """Run one command and return its exit code; failures become words, never a traceback.

    ``ready`` is called when all is imported and the command is about to begin.
    """
    with words.filtered():
        return _run(list(sys.argv[1:] if argv is None else argv), ready)


def _run(arguments: Sequence[str], ready: Callable[[], None]) -> int:
    as_json = "--json" in arguments
    try:
        args = make_parser(arguments).parse_args(arguments)
        logging.basicConfig(level=logging.DEBUG if args.verbose else logging.WARNING, format="%(message)s")
        ready()
        return int(args.handler(args, Context(json=as_json, reporter=Reporter(events=as_json))))
    except SwitchroomError as error:
        return report(error, as_json)
    except BrokenPipeError:
        raise
    except OSError as error:
        return report(from_os_error(error), as_json)
    except KeyboardInterrupt:
        return report(SwitchroomError("Interrupted.", code=ExitCode.INTERRUPTED), as_json)
    except Exception as error:
        return report(_unexpected(error), as_json)


def _unexpected(error: Exception) -> SwitchroomError:
    logging.debug("where it happened:", exc_info=error)
    return SwitchroomError(
        f"Something happened that nobody expected: {type(error).__name__}: {error}",
        hint="This is a defect of switchroom. Run it again with --verbose, and report what it prints.",
    )


def _interruptible() -> None:
    """Make Ctrl-C and SIGTERM end a command in order: children stopped, scratch removed."""
    for number in _SIGNALS:
        signal.signal(number, _interrupt)


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def report(error: SwitchroomError, as_json: bool) -> int:
    """Print a failure for a person on standard error, or for a machine on standard output."""
    if as_json:
        print(words.to_json(error.as_dict(), indent=2))
        return int(error.code)
    lines = [f"error: {words.line(error.message)}"]
    lines += [f"  | {line}" for line in error.cause.splitlines()]
    lines += [f"  hint: {words.line(error.hint)}"] if error.hint else []
    print("\n".join(lines), file=sys.stderr)
    return int(error.code)


def make_parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of the command that the arguments name, or of all that this machine can run."""
    modules = _BUILD_MODULES if _builds() else {}
    return _parser(named(arguments, _available()), arguments, modules)


def make_box_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands that a box has."""
    return _parser(_BOX_COMMANDS, (), {})


def _parser(
    names: Sequence[str], arguments: Sequence[str], modules: Mapping[str, str]
) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="switchroom", description=switchroom.__doc__)
    parser.add_argument("--version", action="version", version=f"switchroom {switchroom.__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in names:
        module = importlib.import_module(f"switchroom.cli.{modules.get(name, name)}")
        module.register(subparsers, arguments[1:])
    return parser


def _available() -> List[str]:
    return [*_BOX_COMMANDS, *(_BUILD_COMMANDS if _builds() else ())]


def _builds() -> bool:
    return importlib.util.find_spec("switchroom.build") is not None
