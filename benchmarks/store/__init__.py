"""Where it lies: runs on disk, and other programs' runs."""
