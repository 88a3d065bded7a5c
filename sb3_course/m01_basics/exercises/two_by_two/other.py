"""The grid once more, from the geometry: rows, columns and walls."""


def table():
    P = []
    for s in range(4):
        row, column = divmod(s, 2)
        outcomes = []
        for down, right in ((0, -1), (1, 0), (0, 1), (-1, 0)):
            there = 2 * min(max(row + down, 0), 1) + min(max(column + right, 0), 1)
            if s == 3:
                outcomes.append([(1.0, 3, 0.0, True)])
            else:
                outcomes.append([(1.0, there, float(there == 3), there == 3)])
        P.append(outcomes)
    return P


def mistakes(syllabus):
    P, found = table(), []
    for name in sorted(syllabus):
        a = ["Left", "Down", "Right", "Up"].index(name)
        for s in range(4):
            _, there, reward, _ = P[s][a][0]
            if syllabus[name][s] != (there, reward):
                found.append([name, s])
    return found
