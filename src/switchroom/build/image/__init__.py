"""Disk images: the system of the kickstarts on a disk of its own, without an installer."""
