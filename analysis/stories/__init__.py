"""What generated stories are worth, by their text and the training stories alone."""
