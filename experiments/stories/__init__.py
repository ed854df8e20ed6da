"""Stories of a trained language model: written, written again, judged."""
