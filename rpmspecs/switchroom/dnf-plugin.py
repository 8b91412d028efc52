"""For dnf on a command line: our repositories' metadata must be meant for this box, and not be too old.

dnf checks who signed them; a signature vouches for every set that was ever signed. The comparison itself is
the tool's, and so are its words.
"""

import importlib.util

import dnf
import dnf.exceptions

_PLACE = "/usr/share/switchroom/python/switchroom/box/dnf_child/binding.py"


def _load():
    spec = importlib.util.spec_from_file_location("switchroom_binding", _PLACE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


binding = _load()


class Switchroom(dnf.Plugin):
    """Refuses a repository before any package of it is looked at; one that was not loaded does no harm."""

    name = "switchroom"

    def sack(self):
        """Raise dnf's error for the first repository that will not do."""
        for repo in self.base.repos.iter_enabled():
            found = binding.problem(repo, self.base.conf.releasever)
            if found:
                raise dnf.exceptions.RepoError("\n  ".join(found))
