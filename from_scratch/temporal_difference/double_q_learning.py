"""Double Q-learning (van Hasselt 2010, "Double Q-learning"; Sutton & Barto 2018, §6.7).

    for each step of each episode:
        choose A from S by the ε-greedy policy derived from Q1 + Q2
        take action A, observe R, S'
        with probability ½:   Q1(S, A) ← Q1(S, A) + α [R + γ Q2(S', argmax_a Q1(S', a)) − Q1(S, A)]
        otherwise:            Q2(S, A) ← Q2(S, A) + α [R + γ Q1(S', argmax_a Q2(S', a)) − Q2(S, A)]
        S ← S'

One table says which action is best, the other what it is worth: the largest of noisy estimates is not taken for its own estimate.
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.tabular.learner import TabularControl, greedy


class DoubleQLearning(TabularControl):
    Q12: np.ndarray  # [S, 2, n_states, n_actions]  Q1 and Q2; Q is their mean, on which the agent acts

    @property
    def n_more_draws(self) -> int:  # type: ignore[override]
        return 1 + self.n_actions  # which table learns, and ties between its actions

    def tables(self) -> dict[str, np.ndarray]:
        q = self.first_q()
        return {"Q": q, **self.with_counts(Q12=np.stack([q, q]))}

    def iterate(self) -> None:
        u, first = self.draw(), 2 + self.n_actions
        step = self.play(self.choose(self.state, u))
        for e, (s, a, r, s_next, discount) in enumerate(step.lanes()):
            self.update(s, a, r, s_next, discount, w=(u[:, e, first] < 0.5).astype(np.int64), ties=u[:, e, first + 1 :])

    def update(
        self, s: np.ndarray, a: np.ndarray, r: np.ndarray, s_next: np.ndarray, discount: np.ndarray, w: np.ndarray, ties: np.ndarray | None = None
    ) -> None:
        """One update of Q1 (w = 0) or Q2 (w = 1) of every seed. All arguments are [S], discount is γ, and 0 where the episode terminated;
        ties [S, n_actions] choose among actions that are equally good, the first without."""
        Q, i = self.Q12, self.i
        best = greedy(Q[i, w, s_next], ties)
        δ = r + discount * Q[i, 1 - w, s_next, best] - Q[i, w, s, a]
        Q[i, w, s, a] += self.step_size(w, s, a) * δ  # eq. (6.10)
        self.Q[i, s, a] = Q[i, :, s, a].mean(-1)
        self.keep(δ)
