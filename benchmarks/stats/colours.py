"""The colours of all pictures: Okabe & Ito 2008, safe for the colour-blind."""

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#7A5AA6", "#5B5B5B")  # Okabe & Ito; the last two added
INK, FAINT, GRID = "#222222", "#8a8a8a", "#e3e3e3"
