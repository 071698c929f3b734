"""What people do with partitions and local maps: statistics, dynamics, comparisons, tables."""
