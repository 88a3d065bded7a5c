"""The course, and the command line over the library and the harness."""
