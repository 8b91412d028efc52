"""Broken inputs made from real ones: seeded, so that a finding comes back, and few enough for every run.

``SWITCHROOM_FUZZ=1000 pytest tests/unit/test_fuzz_*.py`` runs a thousand times as many, and
``SWITCHROOM_FUZZ_SEED=7`` others than those of every run.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Callable, Iterator, List, Sequence

from switchroom.core import words
from switchroom.core.errors import SwitchroomError

COUNT = 40  # inputs a target in every run
SECONDS = 20.0  # one input, on a busy machine; what goes back and forth takes hours
TIMES = int(os.environ.get("SWITCHROOM_FUZZ", "1"))
SEED = int(os.environ.get("SWITCHROOM_FUZZ_SEED", "1"))

# What readers have stumbled on: ends of things, numbers too large, bytes that are no text, nested brackets.
_TOKENS = (
    *(
        b"\0",
        b"\n",
        b"\r\n",
        b"\xff",
        b"\xed\xa0\x80",
        b"\xc2\x9b",
        b"\x1b[2J",
        "\u202e".encode(),
        b"\t",
        b" ",
    ),
    *(
        b'"',
        b"'",
        b"\\",
        b"=",
        b"=>",
        b"+=",
        b";",
        b";--",
        b"--;",
        b"#include ",
        b"#exec ",
        b"[",
        b"](",
        b"(!)",
    ),
    *(
        b"{",
        b"}",
        b"${",
        b"$[",
        b"(",
        b")",
        b",",
        b":",
        b"!",
        b"/",
        b"../",
        b"*",
        b"?",
        b"[z-a]",
        b"{a,b}",
        b"&a;",
    ),
    *(b"-1", b"0", b"99999", b"1e999", b"NaN", b"null", b"true", b"[]", b"{}", b"9" * 5000, b"-" * 300),
    *(b"[" * 3000, b"(" * 3000, b"a" * 9000, b"\n" * 500, b"asterisk -rx '", b"Contact: ", b"Transport: "),
)


def hold(target: str, samples: Sequence[bytes], read: Callable[[bytes], object], tmp_path: Path) -> None:
    """Read every input; what comes of it must be a value or a SwitchroomError, within the time."""
    said: List[str] = []
    for data in mutated(samples, target):
        begin = time.monotonic()
        try:
            read(data)
        except SwitchroomError as error:
            said.append(words.line(error.message))
        except Exception as error:
            (found := tmp_path / "found").write_bytes(data)
            raise AssertionError(
                f"{type(error).__name__} from {target}: {data[:300]!r}, see '{found}'"
            ) from error
        assert time.monotonic() - begin < SECONDS, (target, data[:300])
    assert all(said)


def lay(root: Path, name: str, data: bytes) -> None:
    """Write a file below a root, with its folders."""
    path = root / name.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def mutated(samples: Sequence[bytes], target: str) -> Iterator[bytes]:
    """Yield broken inputs for a target, whose name is part of the seed; the samples themselves come first."""
    yield from samples
    for number in range(COUNT * TIMES):
        chance = random.Random(f"{SEED} {target} {number}")  # noqa: S311 - to be repeated, not to be secret
        data = bytearray(chance.choice(samples))
        for _ in range(chance.choice((1, 1, 2, 3, 8))):
            chance.choice(_CHANGES)(data, chance)
        yield bytes(data)


def _place(data: bytearray, chance: random.Random) -> int:
    return chance.randrange(len(data) + 1)


def _insert(data: bytearray, chance: random.Random) -> None:
    at = _place(data, chance)
    data[at:at] = chance.choice(_TOKENS)


def _replace(data: bytearray, chance: random.Random) -> None:
    at, token = _place(data, chance), chance.choice(_TOKENS)
    data[at : at + len(token)] = token


def _delete(data: bytearray, chance: random.Random) -> None:
    at = _place(data, chance)
    del data[at : at + chance.choice((1, 2, 10, 200))]


def _repeat(data: bytearray, chance: random.Random) -> None:
    at, size = _place(data, chance), chance.choice((1, 5, 40))
    data[at:at] = data[at : at + size] * chance.choice((2, 20, 400))


def _flip(data: bytearray, chance: random.Random) -> None:
    if data:
        data[chance.randrange(len(data))] = chance.randrange(256)


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[_place(data, chance) :]


def _swap_lines(data: bytearray, chance: random.Random) -> None:
    lines = data.split(b"\n")
    chance.shuffle(lines)
    data[:] = b"\n".join(lines)


_CHANGES: Sequence[Callable[[bytearray, random.Random], None]] = (
    *(_insert, _insert, _replace, _replace),
    *(_delete, _repeat, _flip, _cut, _swap_lines),
)
