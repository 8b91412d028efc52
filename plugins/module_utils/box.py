# Copyright: the Switchroom developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Asks the tool on a box and returns what it says; all that the modules of this collection share."""

from __future__ import annotations

import json
import typing as t

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

MISSING = (
    "The box has no 'switchroom' command. Install the package 'switchroom' (role switchroom.pbx.switchroom)."
)


def ask(module: AnsibleModule, *words: str) -> tuple[int, dict[str, t.Any]]:
    """Run ``switchroom WORDS --json`` and return its exit code and its last JSON document.

    Ends the module where the tool is missing or prints no JSON.
    """
    command = module.get_bin_path("switchroom")
    if command is None:
        module.fail_json(msg=MISSING)
    code, out, err = module.run_command([command, *words, "--json"])
    document = last_document(out)
    if document is None:
        module.fail_json(msg=f"'switchroom {words[0]}' gave no answer.", rc=code, stdout=out, stderr=err)
    return code, document


def last_document(text: str) -> dict[str, t.Any] | None:
    """Return the last JSON object of an output: a single document, or the last line of many."""
    lines = text.strip().splitlines()
    for candidate in (text, lines[-1] if lines else ""):
        try:
            document = json.loads(candidate)
        except ValueError:
            continue
        if isinstance(document, dict):
            return document
    return None


def fail(module: AnsibleModule, code: int, document: dict[str, t.Any], **more: t.Any) -> t.NoReturn:
    """End the module with the tool's own words: what is wrong, why, what to do next."""
    cause = document.get("cause", "")
    said = (sentence(code, document), cause, document.get("hint", ""))
    module.fail_json(msg="\n".join(filter(None, said)), rc=code, cause=cause, answer=document, **more)


def sentence(code: int, document: dict[str, t.Any]) -> str:
    """Return what went wrong: an error's message, or how a switch ended and why."""
    if document.get("error"):
        return document["error"]
    if document.get("outcome"):
        running = document.get("running")
        state = f"Asterisk {running} runs" if running else "no Asterisk runs"
        ended = f"The switch to {document['target']} ended as '{document['outcome']}', {state}"
        return f"{ended}: {document['reason']}"
    return f"The tool ended with exit code {code}."
