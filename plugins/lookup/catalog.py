# Copyright: the Switchroom developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The facts of the release catalog on the controller, so that no playbook names a version literally."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: catalog
short_description: Look up which releases exist, fit together and are supported
version_added: "0.1.0"
author:
  - The Switchroom developers (@switchroom)
description:
  - Answers from the catalog that this collection ships, or on a box from the newer one of
    C(switchroom-release).
  - Whether a release is supported is computed from its dates, for today or for O(day).
options:
  _terms:
    description:
      - What to look up, one answer for each.
      - V(asterisk) is what the version O(version) means, V(runtime) the newest stream of O(kind) on
        O(el) that
        O(freepbx) takes, V(fit) whether everything that is named goes together, V(sounds) the packages
        of upstream's prompts and music.
    type: list
    elements: str
    choices: [asterisk, runtime, fit, sounds]
    required: true
  version:
    description:
      - For V(asterisk). A series (V(22)), a version (V(22.10.1)), a build (V(22.10.1-2)), or a
        certified branch or
        version; the newest supported LTS series where it is empty.
      - For V(runtime). A stream (V(8.2)), which must be one that O(freepbx) takes; the newest of those where
        it is empty.
    type: str
    default: ""
  kind:
    description: For V(runtime).
    type: str
    choices: [php, nodejs, mariadb]
  el:
    description: The EL major, for example V(9). For V(runtime) and V(fit).
    type: str
  freepbx:
    description: The FreePBX major, for example V(17). For V(runtime) and V(fit).
    type: str
  asterisk:
    description: A series or an exact version. For V(fit).
    type: str
  php:
    description: A version of PHP. For V(fit).
    type: str
  node:
    description: A version of Node.js. For V(fit).
    type: str
  framework:
    description: The version of FreePBX's framework module. For V(fit).
    type: str
  packages:
    description: For V(sounds). Packages to check; it fails where one is named like upstream's and is none.
    type: list
    elements: str
    default: []
  day:
    description: The day, YYYY-MM-DD, as of which support is judged.
    type: str
  overlay:
    description: Files to merge over the catalog, in this order. They need the Python module C(jsonschema).
    type: list
    elements: path
    default: []
"""

EXAMPLES = r"""
- name: The newest LTS series, for example 22
  ansible.builtin.debug:
    msg: "{{ lookup('switchroom.pbx.catalog', 'asterisk').series }}"

- name: The PHP that FreePBX 17 takes on EL9
  ansible.builtin.debug:
    msg: "{{ lookup('switchroom.pbx.catalog', 'runtime', kind='php', freepbx='17', el='9').name }}"

- name: Stop where releases do not go together
  vars:
    fit: "{{ lookup('switchroom.pbx.catalog', 'fit', freepbx='17', asterisk='22', el='10') }}"
  ansible.builtin.assert:
    that: fit.fits
    fail_msg: "{{ fit.refusals | join(' ') }}"
"""

RETURN = r"""
_raw:
  description:
    - For V(asterisk) RV(_raw) has C(version) as asked for, C(series), C(package) (what dnf is asked
      for on a box without
      an engine), C(known) (whether the catalog has the series), C(supported), C(end_of_life) and C(label).
    - For V(runtime) the stream, with C(version), C(form) (module or package), C(name), C(since),
      C(released),
      C(end_of_life) and C(supported).
    - For V(fit) C(fits), C(refusals) and C(warnings).
    - For V(sounds) C(kind), C(language) and C(format) by the package's name.
  type: list
  elements: dict
"""

import sys
from pathlib import Path

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

# The catalog's own code lies in the collection; it is read there, not installed anywhere.
_SOURCE = str(Path(__file__).resolve().parents[2] / "src")
sys.path.insert(0, _SOURCE)
try:
    from switchroom.catalog import questions
    from switchroom.core.errors import SwitchroomError
finally:
    sys.path.remove(_SOURCE)

_COMBINED = ("freepbx", "asterisk", "php", "node", "el", "framework")


class LookupModule(LookupBase):
    """Answers from the catalog."""

    def run(self, terms, variables=None, **kwargs):
        """Return one answer for each term."""
        self.set_options(var_options=variables, direct=kwargs)
        try:
            book = questions.open_book(self.get_option("day"), self.get_option("overlay"))
            return [self._answer(book, term) for term in terms]
        except SwitchroomError as error:
            raise AnsibleLookupError(f"{error.message} {error.cause} {error.hint}".strip()) from error

    def _answer(self, book, term):
        if term == "asterisk":
            return book.asterisk(self.get_option("version"))
        if term == "runtime":
            return book.runtime(*(self.get_option(name) for name in ("kind", "el", "freepbx", "version")))
        if term == "fit":
            return book.fit(**{name: self.get_option(name) for name in _COMBINED})
        if term == "sounds":
            return book.sounds(self.get_option("packages"))
        raise AnsibleLookupError(
            f"The catalog has no answers about '{term}'; ask for asterisk, runtime, fit or sounds."
        )
