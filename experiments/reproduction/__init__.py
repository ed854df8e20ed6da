"""A run played again, gone on with, forked, compared with another."""
