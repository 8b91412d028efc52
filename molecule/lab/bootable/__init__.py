"""A stand-in for an EL9 DVD from which a system can be installed with dnf, and start.

Its boot loaders are those of the lab's stand-in medium; its BaseOS is the lab's base with Debian's own
kernel, GRUB and dracut, in one package. It stands for a real DVD's packages where disk images are tested.
"""

from lab.bootable.disc import medium

__all__ = ["medium"]
