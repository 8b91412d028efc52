"""Dial tone: what it is on this box, what it was before, and whether it is back."""
