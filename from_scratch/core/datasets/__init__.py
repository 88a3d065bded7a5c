"""Data sets: steps that somebody recorded, to be learnt from without playing."""

from from_scratch.core.datasets.dataset import BadDataset, Dataset
from from_scratch.core.datasets.recording import Recorder, record
from from_scratch.core.datasets.sources import as_dataset

__all__ = ["BadDataset", "Dataset", "Recorder", "as_dataset", "record"]
