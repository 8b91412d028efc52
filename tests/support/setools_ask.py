"""Asks a compiled SELinux policy. Run by the system's Python, which has setools; the tests' own has not.

    setools_ask.py POLICY < QUESTIONS > ANSWERS

A question is ``[source, target, class, permission]``; its answer is the list of the rules' conditions: ``""``
for a rule without one, ``"boolean=True"`` for one that a boolean switches. An empty list: it is not allowed.
All is JSON.
"""

import json
import sys

import setools  # type: ignore[import-not-found, unused-ignore]


def conditions(policy, source, target, kind, permission):  # type: ignore[no-untyped-def]
    """Return the condition of each rule that allows it, attributes and "self" looked through."""
    query = setools.TERuleQuery(
        policy, ruletype=["allow"], source=source, target=target, tclass=[kind], perms=[permission]
    )
    found = set()
    for rule in query.results():
        try:
            found.add(f"{rule.conditional}={rule.conditional_block}")
        except setools.exception.RuleNotConditional:
            found.add("")
    return sorted(found)


if __name__ == "__main__":
    opened = setools.SELinuxPolicy(sys.argv[1])
    json.dump([conditions(opened, *question) for question in json.load(sys.stdin)], sys.stdout)
