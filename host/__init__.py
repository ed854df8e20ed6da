"""What a command runs on: files and locks, and libraries that fail. Everything else may import it."""
