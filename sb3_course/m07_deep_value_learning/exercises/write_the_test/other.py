"""Tests of a replay memory once more: long random histories beside a plain list of what should be there."""

from collections import Counter

import numpy as np


def history(Memory, size, n_steps, seed=1):
    """A memory, and the list of (reward, next_obs, terminated) that it should hold."""
    draws, memory, right = np.random.default_rng(seed), Memory(size, 1, seed=3), []
    for k in range(1, n_steps + 1):  # an empty place holds zeros
        how = draws.integers(3)
        info = {"final_obs": np.array([k + 0.25])} if how else {}
        memory.add(np.array([k * 1.0]), k % 7, k + 0.0, np.array([-1.0 if how else k + 0.25]), how == 1, how == 2, info)
        right.append((k, k + 0.25, float(how == 1)))
    return memory, right[-size:]


def seen(memory, m=2000):
    batch = memory.sample(m)
    return batch, {(int(r), float(x[0]), float(t)) for r, x, t in zip(batch.reward, batch.next_obs, batch.terminated)}


def test_ring(Memory):
    for size, n_steps in ((4, 1), (4, 3), (4, 4), (4, 5), (4, 6), (4, 8), (4, 9), (7, 23)):
        memory, right = history(Memory, size, n_steps)
        numbers = Counter(memory.sample(2000).reward.astype(int).tolist())
        if len(memory) != len(right) or sorted(numbers) != [k for k, *_ in right]:
            raise AssertionError(f"{n_steps} steps in a memory of {size}: {sorted(numbers)}")


def test_ends(Memory):
    memory, right = history(Memory, 30, 30)
    assert seen(memory)[1] == set(right)


def test_copies(Memory):
    memory, one = Memory(10, 1), np.zeros(1)
    for k in range(10):  # the environment has one array, and writes into it
        one[:] = k
        other = one + 0.5
        final = other.copy()
        memory.add(one, 0, k, other, k % 2 == 1, False, {"final_obs": final})
        other[:], final[:] = -7, -7
    batch = memory.sample(500)
    assert np.array_equal(batch.obs[:, 0], batch.reward)
    assert np.array_equal(batch.next_obs[:, 0], batch.reward + 0.5)


def test_sampling(Memory):
    memory, _ = history(Memory, 10, 10)
    batches = [memory.sample(30) for _ in range(20)]
    rewards = np.stack([batch.reward for batch in batches])
    assert len(np.unique(rewards, axis=0)) > 15 and len(np.unique(rewards[0])) > 1
    for batch in batches:
        for obs, action, reward, next_obs, _ in zip(*batch):
            assert obs[0] == reward and action == int(reward) % 7 and next_obs[0] == reward + 0.25
