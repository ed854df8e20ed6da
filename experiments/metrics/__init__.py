"""Metric scripts for the Hugging Face `evaluate` library, kept here so that nothing is fetched.

Each folder holds one script that `evaluate.load("experiments/metrics/<name>")` accepts, offline too.
`evaluate` finds what a script needs by matching its lines, so `import datasets` and `import evaluate`
stand on lines of their own there, and the scripts import nothing of ours: `evaluate.load` copies
them elsewhere before it imports them. They are heavy to import; only `experiments.scoring` does, late.
"""
