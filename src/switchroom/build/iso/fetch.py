"""Large files from the web: downloads that go on where they broke off.

What is kept of a download is in two files: ``NAME.part``, and ``NAME.json`` with what the server said about
it, so that a changed file is noticed and not put together from two.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Optional
from urllib.parse import unquote, urlsplit

import requests

from switchroom.core import lock
from switchroom.core.errors import SwitchroomError
from switchroom.core.files import write_atomic
from switchroom.core.progress import Reporter, Step

_CHUNK = 1 << 20
_TIMEOUTS = (10.0, 60.0)  # seconds to connect, seconds without a byte
_ATTEMPTS = 5
_PAUSE_SECONDS = 2.0


def is_url(text: str) -> bool:
    """Return whether a base is an address rather than a path."""
    return urlsplit(text).scheme in ("http", "https")


def file_name(url: str) -> str:
    """Return the last part of an address's path."""
    return Path(unquote(urlsplit(url).path)).name


@dataclass(frozen=True)
class _State:
    """What the server said when a download began."""

    url: str
    validator: str  # a strong ETag, else Last-Modified; empty if there was neither
    size: int  # bytes; 0 if it was not told


def fetch(url: str, folder: Path, reporter: Reporter) -> Path:
    """Download ``url`` into ``folder`` and return the file; one that is there whole is taken as it is.

    What was downloaded before an interruption is not downloaded again, if the server can say that it has
    still the same file. Raises SwitchroomError when it cannot be had; the part stays for the next time.
    """
    path = folder / file_name(url)
    with lock.exclusive(folder / f".{path.name}.lock", what=f"the download of '{path.name}'", wait=1.0):
        if not path.exists():
            _complete(url, path, reporter)
            _part(path).replace(path)
            _state_file(path).unlink(missing_ok=True)
    return path


def _complete(url: str, path: Path, reporter: Reporter) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            if _attempt(url, path, reporter):
                return
        except requests.HTTPError as error:
            raise _failed(path, str(error)) from error
        except requests.RequestException as error:
            if attempt == _ATTEMPTS:
                raise _failed(path, str(error)) from error
        reporter.warn(f"the download of '{path.name}' broke off; it goes on")
        time.sleep(_PAUSE_SECONDS)
    raise _failed(path, "it broke off each time")


def _attempt(url: str, path: Path, reporter: Reporter) -> bool:
    """Go on with a download; return whether it is complete now."""
    part, state = _part(path), _known(url, path)
    have = part.stat().st_size if state and state.validator and part.exists() else 0
    if state and state.size and have == state.size:
        return True
    headers = {"Accept-Encoding": "identity"}
    if state and have:
        headers.update({"Range": f"bytes={have}-", "If-Range": state.validator})
    with requests.get(url, stream=True, timeout=_TIMEOUTS, headers=headers) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            part.unlink()  # longer than the file: a rest of another one
            return False
        answer.raise_for_status()
        goes_on = answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        have = have if answer.status_code == requests.codes.partial_content and goes_on else 0
        state = _begin(url, path, answer, have)
        with reporter.step(f"Downloading {path.name}", state.size) as step:
            step.advance(have)
            _save(answer, part, have, step)
    return not state.size or part.stat().st_size == state.size


def _save(answer: requests.Response, part: Path, have: int, step: Step) -> None:
    with part.open("ab" if have else "wb") as sink:
        for data in answer.iter_content(_CHUNK):
            sink.write(data)
            step.advance(len(data))


def _begin(url: str, path: Path, answer: requests.Response, have: int) -> _State:
    """Write down what is about to be downloaded, before its first byte is kept."""
    etag = answer.headers.get("ETag", "")
    validator = etag if etag and not etag.startswith("W/") else answer.headers.get("Last-Modified", "")
    rest = int(answer.headers.get("Content-Length") or 0)
    state = _State(url, validator, have + rest if rest else 0)
    if not have:
        _part(path).unlink(missing_ok=True)
    write_atomic(_state_file(path), json.dumps(asdict(state)).encode())
    return state


def _known(url: str, path: Path) -> Optional[_State]:
    with contextlib.suppress(OSError, ValueError, TypeError):
        state = _State(**json.loads(_state_file(path).read_text()))
        return state if state.url == url else None
    return None


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _state_file(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _failed(path: Path, cause: str) -> SwitchroomError:
    have = _part(path).stat().st_size if _part(path).exists() else 0
    return SwitchroomError(
        f"'{path.name}' could not be downloaded.",
        cause=cause,
        hint=f"Run the same command again: it goes on behind the {have} bytes that are there.",
    )
