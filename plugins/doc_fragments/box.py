# Copyright: the Switchroom developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the documentation of every module for a box says of its attributes; a module tells what differs."""

from __future__ import annotations


class ModuleDocFragment:
    """Ansible finds the fragment by this name."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode, and tells what would change without changing it.
    support: full
  diff_mode:
    description: Tells in diff mode what changes, or would change in check mode.
    support: full
  platform:
    description: Operating systems that the module runs on.
    platforms: posix
    support: full
"""
