"""Claims of papers, run again: each is a file of `benchmarks/configs/claim`, frozen before it runs, and ends with a verdict, whatever it is.

    claim.py      what a claim says, and the study that decides it     metrics.py    one number for each run
    estimates.py  contrasts of arms, with intervals and tests          verdict.py    what the numbers allow to say
    statistics.py numbers that are no contrast of two arms             record.py     run, judge, write down, verify
    picture.py    the effect as a picture                              page.py       the index of all claims
"""
