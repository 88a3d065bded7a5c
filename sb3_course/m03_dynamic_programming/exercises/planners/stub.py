"""Exercise 3: three planners (Sutton & Barto 2018, chapter 4).

An environment with a known model has a table, `env.unwrapped.P`:

    P[s][a] = [(probability, s_next, reward, terminated), ...]        a dict or a list: index it with s = 0, …, len(P) − 1

gym.make puts wrappers around an environment, which do not pass P on: hence `unwrapped`.
Behind a transition with terminated=True nothing follows, so V is 0 there, whatever V[s_next] says.

A worked example: two cells side by side, S and G; reaching G pays 1 and ends the episode. There are four directions, and a move into the wall stays
where it is. With γ = 0.5 the policy that moves in one of the four directions at random has V(S) = ¼ · 1 + ¾ · 0.5 · V(S), so V(S) = 0.4.
"""

import gymnasium as gym
import numpy as np


def policy_evaluation(env, pi, gamma, theta=1e-8, max_sweeps=10_000):
    """V of the policy π(a|s), an array [n_states, n_actions].

        V(s) ← Σ_a π(a|s) Σ p(s', r | s, a) [r + γ V(s')]        for all s, until no value changes by θ or more (eq. 4.5)

    Gives V [n_states]. With γ = 1 a policy that never ends has no finite value: give up after max_sweeps sweeps, and return what there is.
    """
    raise NotImplementedError("your turn: evaluate a policy")


def value_iteration(env, gamma, theta=1e-8, max_sweeps=10_000):
    """V* [n_states].

    V(s) ← max_a Σ p(s', r | s, a) [r + γ V(s')]        for all s, until no value changes by θ or more (eq. 4.10), or for max_sweeps sweeps
    """
    raise NotImplementedError("your turn: find the best values")


def policy_iteration(env, gamma, theta=1e-8, max_sweeps=10_000):
    """V*, the best policy as actions [n_states] of whole numbers, and the number of improvement steps, counting the last one, which changes nothing.

    Begin with action 0 everywhere and evaluate it (each evaluation may begin at V = 0 or at the previous V). Then, in each state, take the action with the
    largest Σ p(s', r | s, a) [r + γ V(s')], but only if it is better than the present one by more than 1e-6; evaluate again; and so on, until no action
    changes (section 4.3).
    If the first step changes two actions, the second one changes one and the third none, improvements is 3.
    With γ = 1 nothing else is asked for: evaluation gives up after max_sweeps sweeps, and the policy is improved with the V that there is.
    Gives V, actions, improvements.
    """
    raise NotImplementedError("your turn: evaluate and improve")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    lake = gym.make("FrozenLake-v1", is_slippery=False)
    print(policy_evaluation(lake, np.full((16, 4), 0.25), 0.99).reshape(4, 4).round(3))
