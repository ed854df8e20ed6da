"""How tokenizers split a text, side by side, and what that costs over a corpus."""
