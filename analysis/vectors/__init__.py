"""What vectors of words say of them: likeness, neighbours, analogies, tests that people answered, and training."""
