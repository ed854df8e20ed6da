"""Scores of a model, how sure they are, and what a task is judged by."""
