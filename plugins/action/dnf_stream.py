# Copyright: the Switchroom developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Brings the tool's dnf driver to the box for the module dnf_stream: a bare box has no tool yet."""

from __future__ import annotations

import os
import tempfile
import typing as t
import zipfile
from pathlib import Path

from ansible.plugins.action import ActionBase

_SOURCE = Path(__file__).resolve().parents[2] / "src"
_PARTS = ("switchroom/__init__.py", "switchroom/box/__init__.py")
_CHILD = "switchroom/box/dnf_child"
_START = "from switchroom.box.dnf_child.__main__ import main\n\nmain()\n"
_NAME = "dnf_stream_driver.zip"


class ActionModule(ActionBase):
    """Puts the driver into the task's own folder on the box, and runs the module with its path."""

    TRANSFERS_FILES = True

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Return what the module returns."""
        self._supports_async = True
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        del tmp
        later = bool(self._task.async_val)
        try:
            arguments = {**self._task.args, "_driver": self._bring()}
            result.update(self._execute_module(module_args=arguments, task_vars=task_vars, wrap_async=later))
        finally:
            if not later:
                self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _bring(self) -> str:
        shell = self._connection._shell
        place: str = shell.join_path(shell.tmpdir, _NAME)
        handle, name = tempfile.mkstemp(suffix=".zip")
        os.close(handle)
        try:
            pack(Path(name))
            self._transfer_file(name, place)
        finally:
            os.unlink(name)
        self._fixup_perms2((shell.tmpdir, place))
        return place


def pack(path: Path) -> None:
    """Write the driver to a file that Python runs."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("__main__.py", _START)
        for name in (*_PARTS, *(f"{_CHILD}/{one.name}" for one in sorted((_SOURCE / _CHILD).glob("*.py")))):
            archive.writestr(name, (_SOURCE / name).read_text(encoding="utf-8"))
