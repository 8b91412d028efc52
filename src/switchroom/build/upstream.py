"""Downloads from upstream, or from a copy of its folders: whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import requests

from switchroom.core.errors import SwitchroomError
from switchroom.core.files import staging
from switchroom.core.progress import Reporter, Step

UPSTREAM = "https://downloads.asterisk.org/pub/telephony"
_CHUNK = 1 << 16
_TIMEOUTS = (10.0, 60.0)  # seconds to connect, seconds without a byte
_AS_IT_IS = {"Accept-Encoding": "identity"}  # a .tar.gz must not be decompressed on the way


def has(url: str, root: str = UPSTREAM) -> bool:
    """Return whether a copy of upstream's folder has a file; an address is taken to have all."""
    address = _address(url, root)
    return "://" in address or Path(address).is_file()


def fetch(url: str, path: Path, reporter: Reporter, root: str = UPSTREAM) -> None:
    """Put what lies at ``url`` to ``path``; ``root`` (an address or a folder) stands for upstream's own."""
    address = _address(url, root)
    if "://" in address:
        download(address, path, reporter)
        return
    with staging(path.parent) as scratch:
        try:
            shutil.copyfile(address, scratch / path.name)
        except OSError as error:
            raise SwitchroomError(f"'{address}' cannot be read.", cause=str(error)) from error
        os.replace(scratch / path.name, path)


def _address(url: str, root: str) -> str:
    return root.rstrip("/") + url.removeprefix(UPSTREAM) if url.startswith(f"{UPSTREAM}/") else url


def download(url: str, path: Path, reporter: Reporter) -> None:
    """Fetch ``url`` to ``path``; the file appears when all of it is there."""
    with staging(path.parent) as scratch:
        draft = scratch / path.name
        try:
            with requests.get(url, stream=True, timeout=_TIMEOUTS, headers=_AS_IT_IS) as response:
                response.raise_for_status()
                total = int(response.headers.get("Content-Length") or 0)
                with reporter.step(f"Downloading {path.name}", total=total) as step:
                    _save(response, draft, step)
        except requests.RequestException as error:
            raise SwitchroomError(f"'{path.name}' could not be downloaded.", cause=str(error)) from error
        _require_whole(draft, total, url)
        os.replace(draft, path)


def _save(response: requests.Response, draft: Path, step: Step) -> None:
    with draft.open("wb") as sink:
        for chunk in response.iter_content(_CHUNK):
            sink.write(chunk)
            step.advance(len(chunk))


def _require_whole(draft: Path, total: int, url: str) -> None:
    size = draft.stat().st_size
    if total and size != total:
        raise SwitchroomError(f"'{url}' broke off after {size} of {total} bytes.")
