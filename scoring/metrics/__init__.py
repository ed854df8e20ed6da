"""Metric scripts for the Hugging Face `evaluate` library, one file each, kept here so that nothing is fetched.

`evaluate.load("scoring/metrics/<name>.py")` accepts each, offline too. `evaluate` finds what a script needs by
matching its lines, so each import stands on a line of its own there, and the scripts import nothing of ours:
`evaluate.load` copies them elsewhere before it imports them. They are heavy to import; only `scoring.scores` does,
late.
"""
