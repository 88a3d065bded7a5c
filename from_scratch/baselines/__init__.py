"""What every study should beat."""
