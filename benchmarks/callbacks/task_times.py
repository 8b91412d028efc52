"""Writes how long each task took, from its start to the next one's start, as JSON lines to $TASK_TIMES.

One object a line, with role, task, action and seconds; a task counts until all hosts are done with it.
"""

from __future__ import annotations

import json
import os
import time

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Times tasks by when they start."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_times"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args, **kwargs):
        """Open the file."""
        super().__init__(*args, **kwargs)
        self._file = open(os.environ["TASK_TIMES"], "w", encoding="utf-8")  # noqa: SIM115 -- open until the end
        self._task, self._since = None, 0.0

    def v2_playbook_on_task_start(self, task, is_conditional):  # noqa: ARG002 -- Ansible's own signature
        """End the task before and begin this one."""
        self._begin(task)

    def v2_playbook_on_handler_task_start(self, task):
        """Begin a handler."""
        self._begin(task)

    def v2_playbook_on_stats(self, stats):  # noqa: ARG002 -- the same
        """End the last task."""
        self._end()
        self._file.close()

    def _begin(self, task):
        self._end()
        self._task, self._since = task, time.monotonic()

    def _end(self):
        if self._task is None:
            return
        role = self._task._role.get_name() if self._task._role else ""
        seconds = round(time.monotonic() - self._since, 3)
        line = {"role": role, "task": self._task.name, "action": self._task.action, "seconds": seconds}
        self._file.write(json.dumps(line) + "\n")
