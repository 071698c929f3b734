"""Files: written whole or not at all, read without trust; named arrays in one archive."""
