"""One run: trained, scored, exported, recorded."""
