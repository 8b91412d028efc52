"""Asterisk's configuration files, read as Asterisk reads them but without running anything in them."""

from switchroom.box.conf.model import Configuration, Entry, Inclusion, Oddity, Section
from switchroom.box.conf.reader import read
from switchroom.box.conf.rooted import expand

__all__ = ["Configuration", "Entry", "Inclusion", "Oddity", "Section", "expand", "read"]
