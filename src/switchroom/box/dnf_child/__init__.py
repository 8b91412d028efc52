"""The dnf child: everything that is done with the dnf and rpm modules, in a process of its own.

It runs on the system's Python, which has those modules, so that a crash inside dnf or rpm, or a kill, ends
this process only. One request comes as JSON on standard input, JSON lines go out on standard output. It is
kept plain enough for Python 3.6 and imports nothing of ours but itself.
"""
