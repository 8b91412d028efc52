"""Installer images: an Enterprise Linux ISO in, a Switchroom ISO out."""
