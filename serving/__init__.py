"""A bundle, proved and served: the same text gets the same answer, in whatever company it is asked."""
