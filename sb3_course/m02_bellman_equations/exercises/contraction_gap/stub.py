"""P1 with gaps: what each step of the proof needs. Read it first: sb3-course lesson show P1

Each statement below is false as it stands, because its proof uses an assumption that it does not make.

    A  "For every discount 0 ≤ γ ≤ 1, T* has one fixed point only."
       Let T*V = V and T*U = U. Then ‖V − U‖ = ‖T*V − T*U‖ ≤ γ ‖V − U‖. This is possible only if ‖V − U‖ = 0.

    B  "For all weights w(s'|s, a) ≥ 0, the backup max_a [r + γ Σ w V(s')] brings V and U nearer to each other by the factor γ."
       |(TV)(s) − (TU)(s)| ≤ γ max_a Σ w |V(s') − U(s')| ≤ γ max_a Σ w ‖V − U‖ ≤ γ ‖V − U‖.

    C  "Whatever the distance: T* brings V and U nearer to each other by the factor γ."
       In each state |(T*V)(s) − (T*U)(s)| ≤ γ ‖V − U‖. So the distance of T*V and T*U is at most γ ‖V − U‖.

    D  "If a sweep changes no value by more than θ, all values are right to θ."
       ‖T*V − V*‖ ≤ ‖T*V − V‖ ≤ θ, since T*V is nearer to V* than V is.

Tables are as in the other exercises, P[s][a] = [(probability, s_next, reward, terminated), ...], and value functions are lists or arrays [n_states].
Two states are enough everywhere, and often one.
"""

ASSUMPTIONS = {
    "a": "the discount γ is less than 1",
    "b": "the policy is deterministic",
    "c": "the weights of an action in a state sum to at most 1",
    "d": "the distance is the largest difference over all states",
    "e": "every state can be reached from every other state",
    "f": "the bound on the error is γ / (1 − γ) times the last change",
    "g": "the rewards are positive",
}


def missing():
    """Which of the ASSUMPTIONS each statement lacks: {"A": "?", "B": "?", "C": "?", "D": "?"}, with letters for the question marks."""
    raise NotImplementedError("your turn: name what is missing")


def two_fixed_points():
    """Against A: P, V, U with T*V = V and T*U = U for γ = 1, where V and U differ."""
    raise NotImplementedError("your turn: two fixed points")


def spreading_weights():
    """Against B: P, V, U. In P the probabilities may be any weights ≥ 0; with γ = 0.9 the largest difference of T*V and T*U is larger than that of V and U."""
    raise NotImplementedError("your turn: weights with which a backup spreads")


def spreading_distance():
    """Against C: P, V, U, with true probabilities and γ = 0.9, where √Σ_s [(T*V)(s) − (T*U)(s)]² is larger than √Σ_s [V(s) − U(s)]²."""
    raise NotImplementedError("your turn: a distance in which a backup spreads")


def early_stop():
    """Against D: P, V. With γ = 0.9 one sweep changes no value of V by more than 0.01, and T*V is off by more than 0.05 in some state."""
    raise NotImplementedError("your turn: a stop that comes too early")
