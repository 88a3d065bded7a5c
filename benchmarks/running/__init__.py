"""How it is done: launchers, workers, evaluation."""
