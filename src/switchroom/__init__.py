"""Switchroom builds a PBX appliance and keeps it alive."""

__version__ = "0.1.0"
