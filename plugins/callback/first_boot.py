# Copyright: the Switchroom developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tells the first boot's program how far a playbook is: one JSON object a line on standard output."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: first_boot
type: stdout
short_description: Progress of a playbook as JSON lines
version_added: "0.1.0"
author:
  - The Switchroom developers (@switchroom)
description:
  - Prints an object for each step and each task, for the program that runs the first boot of a box and
    shows them to a person.
  - A step is the first play, which only looks, and then each role of the second, as the playbook's variable
    C(__site_roles) names them. C(event) is V(step) with C(number), C(total) and C(name), or V(task) with
    C(role), C(name), C(outcome), C(seconds) and C(message).
  - What a task with C(no_log) says is not told.
"""

import json
import time

from ansible.plugins.callback import CallbackBase
from ansible.template import Templar

_LONGEST_MESSAGE = 4000


class CallbackModule(CallbackBase):
    """Follows plays, roles and tasks."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "switchroom.pbx.first_boot"

    def __init__(self):
        """Start before the first step."""
        super().__init__()
        self._steps = []  # names
        self._reached = 0  # how many of them began
        self._started = time.monotonic()

    def v2_playbook_on_play_start(self, play):
        """Begin with the first play, and learn from it which steps there will be."""
        if not self._steps:
            self._steps = [play.get_name(), *_roles(play)]
            self._reach(play.get_name())

    def v2_playbook_on_task_start(self, task, is_conditional):  # noqa: ARG002
        """Tell of a role when the first task of its main part begins."""
        self._started = time.monotonic()
        if task._role and "preflight" not in task._role._from_files.get("tasks", ""):
            self._reach(_short(task._role))

    def v2_playbook_on_handler_task_start(self, task):  # noqa: ARG002
        """Handlers belong to the step that runs."""
        self._started = time.monotonic()

    def v2_runner_on_ok(self, result, **kwargs):  # noqa: ARG002
        """Tell of a task that went well."""
        self._task(result, "changed" if result._result.get("changed") else "ok")

    def v2_runner_on_skipped(self, result):
        """Tell of a task that was not needed."""
        self._task(result, "skipped")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        """Tell of a task that failed."""
        self._task(result, "ignored" if ignore_errors else "failed")

    def v2_runner_on_unreachable(self, result):
        """Tell of a box that did not answer."""
        self._task(result, "unreachable")

    def _reach(self, name):
        """Go on to a step, unless it was reached before."""
        if name in self._steps[self._reached :]:
            self._reached = self._steps.index(name, self._reached) + 1
            step = {"number": self._reached, "total": len(self._steps), "name": name}
            self._tell({"event": "step", **step})

    def _task(self, result, outcome):
        role = result._task._role
        event = {"event": "task", "role": _short(role) if role else "", "outcome": outcome}
        event.update(name=result._task.get_name().rpartition(" : ")[2])
        event.update(seconds=round(time.monotonic() - self._started, 1), message=_message(result))
        self._tell(event)

    def _tell(self, event):
        self._display.display(json.dumps(event))


def _roles(play):
    """Return the roles that the playbook will apply to its first box."""
    manager = play.get_variable_manager()
    hosts = manager._inventory.get_hosts(play.hosts)
    variables = manager.get_vars(play=play, host=hosts[0] if hosts else None)
    templar = Templar(loader=play.get_loader(), variables=variables)
    return list(templar.template(variables.get("__site_roles", [])))


def _short(role):
    return role.get_name().rpartition(".")[2]


def _message(result):
    """Return what a task says of its failure or change, without what must not be seen."""
    data = result._result
    if result._task.no_log or data.get("_ansible_no_log") or "censored" in data:
        return "(not shown: it may hold a secret)"
    parts = [
        data,
        *(item for item in data.get("results", []) if isinstance(item, dict) and item.get("failed")),
    ]
    texts = [str(part[key]) for part in parts for key in ("msg", "stderr") if part.get(key)]
    return "\n".join(dict.fromkeys(texts))[:_LONGEST_MESSAGE]
