"""The figures of Sutton & Barto, "Reinforcement Learning: An Introduction" (2nd edition, 2018), run again through our own classes.

    sb3-course figure 6.5        one figure: its picture, and its numbers beside those expected
    sb3-course figure all        every figure

`figure` is what a figure is made of and how its numbers are judged, `run` carries figures out and writes them down, `page` shows them
all together. The figures themselves stand in one module per family.
"""
