"""What is asked: studies, plans, settings, environments."""
