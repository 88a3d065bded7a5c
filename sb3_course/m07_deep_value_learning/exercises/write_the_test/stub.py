"""Exercise: tests of a replay memory.

Each test gets a class, makes memories of it, and uses `assert`. If the memory is right it comes to its end; if not, an assert fails. An example, for a memory
that forgets what was paid:

    def test_rewards(Memory):
        memory = Memory(size=5, n=1)
        memory.add([0.0], 0, 7.0, [1.0], False, False, {})
        assert memory.sample(1).reward[0] == 7, "the reward is not the one that was stored"

Use what the docstring of Memory promises, and nothing else: other right memories have other attributes inside. Draws are random: a test that fails now and then
on a right memory is no test. Give every step a number that tells it apart, say as its reward, and see which numbers come back.
"""

from typing import NamedTuple

import numpy as np


class Batch(NamedTuple):
    obs: np.ndarray  # [m, n]
    action: np.ndarray  # [m]
    reward: np.ndarray  # [m]
    next_obs: np.ndarray  # [m, n]
    terminated: np.ndarray  # [m], each 0. or 1.


class Memory:
    """The last `size` steps, each with an observation of n numbers. This one is right.

    add(obs, action, reward, next_obs, terminated, truncated, info): stores a step. If size steps are there, the oldest one is forgotten.
        next_obs is what the environment shows next. Where the episode is over (terminated or truncated), the environment has been reset already, and that is
        the first observation of the next episode; the last one of this episode is info["final_obs"], and that is what has to be stored.
        Stored are copies: the caller may use its arrays again. Numbers may be rounded to single precision.
    len(memory): how many steps are there.
    sample(m): a Batch of m of them. Every step that is there is as likely as any other, in each draw anew, so that one may come twice. The fields of a row
        belong to one step. terminated is 1 where the episode terminated, and 0 where it goes on or was only cut (truncated).
    """

    def __init__(self, size, n, seed=0):
        self.obs, self.next_obs = np.zeros((size, n)), np.zeros((size, n))
        self.action, self.reward, self.terminated = np.zeros(size, dtype=int), np.zeros(size), np.zeros(size)
        self.size, self.head, self.filled, self.rng = size, 0, 0, np.random.default_rng(seed)

    def add(self, obs, action, reward, next_obs, terminated, truncated, info):
        k = self.head
        self.obs[k], self.action[k], self.reward[k] = obs, action, reward
        self.next_obs[k] = info["final_obs"] if terminated or truncated else next_obs
        self.terminated[k] = terminated
        self.head, self.filled = (k + 1) % self.size, min(self.filled + 1, self.size)

    def __len__(self):
        return self.filled

    def sample(self, m):
        i = self.rng.integers(self.filled, size=m)
        return Batch(self.obs[i], self.action[i], self.reward[i], self.next_obs[i], self.terminated[i])


def test_ring(Memory):
    """Which steps are there: none but those that were stored, all of them until it is full, and then the newest `size` of them."""
    raise NotImplementedError("your turn: test the ring")


def test_ends(Memory):
    """What is stored of a step within an episode, of one that terminates it, and of one that is cut: next_obs and terminated."""
    raise NotImplementedError("your turn: test the ends of episodes")


def test_copies(Memory):
    """The caller changes its arrays after `add`: what is stored stays what it was."""
    raise NotImplementedError("your turn: test that arrays are not shared")


def test_sampling(Memory):
    """Draws differ, within a batch and from batch to batch; and the fields of a row belong together."""
    raise NotImplementedError("your turn: test the draws")


if __name__ == "__main__":  # not part of the exercise: your tests on the memory above
    for test in (test_ring, test_ends, test_copies, test_sampling):
        test(Memory)
        print(test.__name__, "passes on a memory that is right")
