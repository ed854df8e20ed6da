"""Searches over experiments."""
