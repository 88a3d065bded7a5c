"""Many seeds at once, with torch's bits."""
