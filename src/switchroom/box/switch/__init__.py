"""Moves a box from one engine to another, and back when that fails; survives any crash on the way."""
