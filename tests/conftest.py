"""For all tests: one thread per process, nothing on the screen, and the same examples from Hypothesis every time."""

import gc
import os

# Before torch and NumPy are imported: they read these once.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
os.environ["SDL_VIDEODRIVER"] = "dummy"
os.environ["MPLBACKEND"] = "Agg"

from hypothesis import settings  # noqa: E402

settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")


def pytest_collection_finish() -> None:
    """What is imported by now stays: no collection of garbage needs to walk through it again."""
    gc.collect()
    gc.freeze()
