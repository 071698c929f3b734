"""Partitions of any size in a folder, as Parquet files; gone on with after a stop; their statistics."""
