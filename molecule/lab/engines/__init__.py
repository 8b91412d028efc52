"""Engines that only the lab has: repacked, relabelled and broken ones, packaged by the project's own spec."""
