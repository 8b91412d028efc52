"""Foundations every room stands on: errors, processes, progress, files."""
