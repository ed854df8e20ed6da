"""Attention as arrays: words from pieces, norms, rollout, heads, faithfulness."""
