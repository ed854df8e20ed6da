"""What an experiment is and how one is run."""
