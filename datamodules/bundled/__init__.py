"""Corpora that the project carries with it, as generators: reviews with a label, and short stories."""
