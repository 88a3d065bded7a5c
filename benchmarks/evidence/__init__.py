"""From a store to every number."""
