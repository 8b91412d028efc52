"""Stand-ins for Enterprise Linux's own packages: Debian's real binaries under EL's names, paths and units."""

from lab.rpms.publish import ON_BOX, bind, repository

__all__ = ["ON_BOX", "bind", "repository"]
