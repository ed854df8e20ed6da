"""Statistics of runs and recipes: whether one is better, by how much, and how sure that is."""
