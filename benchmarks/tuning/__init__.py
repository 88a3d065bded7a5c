"""Hyper-parameters searched for with Optuna: what may be drawn, who draws it, how a drawn setting is scored, and how all of that is told.

A *trial* is one setting, trained with several seeds (in lock-step where the class can) and scored by the IQM of their final evaluations. The seeds are none
of those that a study evaluates on, and what was found says so: `compare` refuses a study in which they meet.

    space.py    what may be drawn, as data: spaces/*.yaml, a family each
    tuning.py   what is searched: the record that a folder is begun with, and what its seeds are
    samplers.py who draws, who ends trials early, with every argument that they were given
    trial.py    one setting, trained and scored
    search.py   workers over Optuna's journal; what was killed is tried again
    record.py   trials.json: everything that was found, as plain data that is read without Optuna
    best.py     best.yaml: the settings found, as a suite for `compare`, and for `train`
    page.py     index.html: the tuning's report, its pictures in figures.py
"""
