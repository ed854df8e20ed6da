"""How a model learns. Plain keyword arguments; nothing here knows of configs or of tracking."""
