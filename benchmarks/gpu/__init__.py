"""Encore on a GPU: both kinds of model in every precision, trained, played again, killed and resumed, and timed.

`python -m benchmarks gpu` needs an NVIDIA GPU; `--device cpu --tiny` runs the same code small on a CPU, where FP16 is
left out. What is done is written to `results.json` in `--out` after every step, so a time-out loses nothing of it, and
what does not fit into `--minutes` is skipped and named.
"""
