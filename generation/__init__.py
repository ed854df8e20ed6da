"""From a prompt to a text, by whatever model reads tokens."""
