"""Searches over how a trained language model writes."""
