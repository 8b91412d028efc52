#!/usr/bin/python
# Copyright: the Switchroom developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Has several files as they should be, each whole on the disk before it takes its place."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: box_files
short_description: Have several files and folders in one go, safe from a power cut
version_added: "0.1.0"
description:
  - Sees to files and folders one after the other, in one connection to the box.
  - A new content is written beside the old one, flushed to the disk, tried by O(files[].validate), and then
    renamed. Whatever happens, the file is the old one or the new one, whole.
  - Where one fails, those before it have their new content, and it and those after it their old one.
  - Folders that lead to a file are made, also in check mode's telling.
  - Nothing is read or written below a folder that somebody else than the one who writes can change, nor by
    such a link; who may could have root write anywhere. Their own owner and mode may be given to others.
author:
  - The Switchroom developers (@switchroom)
options:
  files:
    description:
      - What to have, in this order.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description:
          - Where, an absolute path.
        type: path
        required: true
      state:
        description:
          - V(absent) removes a file, never a folder.
        type: str
        choices: [file, directory, absent]
        default: file
      content:
        description:
          - What is in the file.
        type: str
        default: ""
      mode:
        description:
          - Its permissions, in octal digits; V(0644) for a file and V(0755) for a folder if not given.
        type: str
      owner:
        description:
          - Its owner's name.
        type: str
      group:
        description:
          - Its group's name.
        type: str
      validate:
        description:
          - A program to try a new content with, split into arguments as a shell would; C(%s) is the new
            file. One that ends with another status than 0 keeps the old one in its place. It does not run
            in check mode.
        type: str
extends_documentation_fragment:
  - switchroom.pbx.box
"""

EXAMPLES = r"""
- name: Write both halves of a unit
  switchroom.pbx.box_files:
    files:
      - path: /etc/systemd/system/example.service
        content: "{{ lookup('ansible.builtin.template', 'example.service.j2') }}"
      - path: /etc/systemd/system/example.timer
        content: "{{ lookup('ansible.builtin.file', 'example.timer') }}"
"""

RETURN = r"""
paths:
  description: The paths where something was, or would be, changed.
  returned: always
  type: list
  elements: str
  sample: [/etc/systemd/system/example.timer]
"""

import os
import shlex
import stat
import tempfile

from ansible.module_utils.basic import AnsibleModule

_FILE = {
    "path": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["file", "directory", "absent"], "default": "file"},
    "content": {"type": "str", "default": ""},
    "mode": {"type": "str"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "validate": {"type": "str"},
}
_LINKS = 40  # as the kernel
_MODES = {"file": "0644", "directory": "0755"}


class Place:
    """One path, as it is and as it should be."""

    def __init__(self, module, wanted):
        self.module, self.wanted, self.path = module, wanted, wanted["path"]
        place = others_place(os.path.dirname(self.path))
        if place:
            raise ValueError(f"Others can change {place}, so nothing is written to {self.path}.")
        self.before = self._read()

    def _read(self):
        if not os.path.isfile(self.path):
            return None
        with open(self.path, "rb") as stream:
            return stream.read()

    def settle(self):
        """Bring the path to what it should be; return a diff, or None where it was so already."""
        change = getattr(self, "_" + self.wanted["state"])()
        if self.wanted["state"] != "absent" and os.path.exists(self.path):
            before, after = {"path": self.path}, {"path": self.path}
            if self._attributes(self.path, (before, after)):
                change = change or {"before": before, "after": after}
        return change

    def _attributes(self, path, sides=None):
        wanted = {**self.wanted, "mode": self.wanted["mode"] or _MODES[self.wanted["state"]]}
        arguments = {**self.module.load_file_common_arguments(wanted, path=self.path), "path": path}
        diff = dict(zip(("before", "after"), sides)) if sides else None
        return self.module.set_fs_attributes_if_different(arguments, False, diff=diff)

    def _directory(self):
        if os.path.isdir(self.path):
            return None
        if not self.module.check_mode:
            os.makedirs(self.path, mode=0o700)
        return self._state("absent", "directory")

    def _absent(self):
        if not os.path.lexists(self.path):
            return None
        if not self.module.check_mode:
            os.unlink(self.path)
            flush(os.path.dirname(self.path))
        return self._state("file", "absent")

    def _file(self):
        after = self.wanted["content"].encode()
        if self.before == after:
            return None
        if not self.module.check_mode:
            self._replace(after)
        return {
            "before_header": self.path,
            "after_header": self.path,
            "before": (self.before or b"").decode(errors="replace"),
            "after": self.wanted["content"],
        }

    def _replace(self, content):
        folder = os.path.dirname(self.path)
        os.makedirs(folder, mode=0o755, exist_ok=True)
        descriptor, new = tempfile.mkstemp(prefix=".new-", dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            self._try(new)
            self._attributes(new)
            os.rename(new, self.path)
        finally:
            if os.path.exists(new):
                os.unlink(new)
        flush(folder)

    def _try(self, new):
        if not self.wanted["validate"]:
            return
        words = [word.replace("%s", new) for word in shlex.split(self.wanted["validate"])]
        code, out, err = self.module.run_command(words)
        if code != 0:
            raise ValueError(f"{self.path} was left as it is: {' '.join((out + err).split())}")

    def _state(self, before, after):
        return {
            "before": {"path": self.path, "state": before},
            "after": {"path": self.path, "state": after},
        }


def others_place(folder):
    """Return the first folder or link on the way to ``folder``, itself included, that others can change."""
    here, links, names, shared = "/", 0, folder.split("/"), ""
    while names:
        here = os.path.normpath(os.path.join(here, names.pop(0)))
        if not os.path.lexists(here):
            return shared or None
        about = os.lstat(here)
        if not own(about) or (writable(about) and not about.st_mode & stat.S_ISVTX):
            return here
        # In a sticky folder, such as /tmp, nobody replaces what is another's; anybody makes what is missing.
        shared = here if writable(about) else ""
        if stat.S_ISLNK(about.st_mode):
            links += 1
            if links > _LINKS:
                return here
            target = os.readlink(here)
            names = target.split("/") + names
            here = "/" if target.startswith("/") else os.path.dirname(here)
    return shared or None


def own(about):
    """Return whether it is root's, or the one's who writes."""
    return about.st_uid in (0, os.geteuid())


def writable(about):
    """Return whether others than its owner and root's group can make and remove what is in it."""
    group = about.st_mode & stat.S_IWGRP and about.st_gid not in (0, os.getegid())
    return bool(group or about.st_mode & stat.S_IWOTH) and not stat.S_ISLNK(about.st_mode)


def flush(folder):
    """Have the names in a folder reach the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def main():
    """Run the module."""
    spec = {"files": {"type": "list", "elements": "dict", "required": True, "options": _FILE}}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    diffs, paths = [], []
    for wanted in module.params["files"]:
        try:
            diff = Place(module, wanted).settle()
        except (OSError, ValueError) as error:
            module.fail_json(msg=str(error), changed=bool(paths), paths=paths)
        if diff:
            diffs.append(diff)
            paths.append(wanted["path"])
    module.exit_json(changed=bool(paths), paths=paths, diff=diffs)


if __name__ == "__main__":
    main()
