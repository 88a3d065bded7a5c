"""The verbs of the command line. Each module is imported when its verb is used, so that the others stay fast."""
