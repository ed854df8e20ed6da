"""Parts of a step that are written otherwise than torch does, each held to torch's result by a test."""
