"""Other counterexamples."""


def missing():
    return dict(zip("ABCD", "bcae"))


def never_arrives():
    def alpha(n):
        return 0.5**n if n < 1000 else 0.5**1000

    return alpha


def never_settles():
    return lambda n: max(0.05, n**-0.8)


def never_tried():
    P = {0: {a: [(0.5, 1, 0.0, False), (0.5, 1, 0.1, False)] for a in range(3)}, 1: {a: [(1.0, 1, 0.0, True)] for a in range(3)}}
    P[0][2] = [(1.0, 1, -1.0, False)]  # a toll, before the only way to something
    P[0][1] = [(1.0, 1, 0.2, True)]
    P[1][2] = [(1.0, 0, 5.0, True)]
    return P


def shared_entries():
    leads, pays, costs = [(1.0, 1, 0.0, False)], [(1.0, 2, 2.0, False)], [(1.0, 0, -2.0, True)]
    return [[leads, leads], [pays, leads], [costs, costs]], [0, 1, 1]
