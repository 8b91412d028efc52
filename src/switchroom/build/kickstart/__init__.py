"""Kickstarts: rendered from templates of small parts, then checked as far as possible without Anaconda."""
