"""Measurements against peers; each part prints its figures and writes its section of results.md."""
