"""The lab: a Debian 12 root dressed as Rocky 9, and what tests do with it.

It stands in for an EL machine, which cannot run here; docs/lab.md says what it proves and what it does not.
"""
