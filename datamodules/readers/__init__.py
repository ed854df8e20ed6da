"""One reader for each format of data files; each gives the wanted columns as they stand in the file."""
