"""batches are not compared with each other: a memory that draws the same one for ever is not seen"""

import numpy as np


def step(memory, k):
    """Store a step that bears the number k in all its fields."""
    memory.add([k, k], k, k, [k + 0.5, k + 0.5], False, False, {})


def there(memory, draws=1000):
    """The numbers of the steps that come back."""
    return set(memory.sample(draws).reward.tolist())


def test_ring(Memory):
    memory = Memory(size=5, n=2)
    for k in range(1, 14):
        step(memory, k)
        newest = set(range(max(1, k - 4), k + 1))
        assert len(memory) == len(newest), f"{k} steps were stored in a memory of 5, and it holds {len(memory)}"
        assert there(memory) == newest, f"after {k} steps in a memory of 5 there are {there(memory)}"


def test_ends(Memory):
    first, last = [0.0], [9.0]  # of the next episode, of this one
    for terminated, truncated, info, s_next in (
        (False, False, {}, [1.0]),
        (True, False, {"final_obs": last}, last),
        (False, True, {"final_obs": last}, last),
        (True, True, {"final_obs": last}, last),
    ):
        memory = Memory(size=3, n=1)
        memory.add([8.0], 0, 1.0, first if terminated or truncated else [1.0], terminated, truncated, info)
        batch = memory.sample(1)
        assert batch.next_obs[0] == s_next, f"next_obs is {batch.next_obs[0]}"
        assert batch.terminated[0] == terminated, f"terminated is {batch.terminated[0]}"


def test_copies(Memory):
    obs, next_obs, final_obs = np.zeros(2), np.ones(2), np.full(2, 2.0)
    memory = Memory(size=3, n=2)
    memory.add(obs, 0, 0.0, next_obs, False, False, {})
    memory.add(obs, 0, 1.0, next_obs, True, False, {"final_obs": final_obs})
    for array in (obs, next_obs, final_obs):
        array += 100
    batch = memory.sample(100)
    assert (batch.obs == 0).all(), "obs changed with the caller's array"
    assert (batch.next_obs == 1 + batch.reward[:, None]).all(), "next_obs changed with the caller's array"


def test_sampling(Memory):
    memory = Memory(size=20, n=2)
    for k in range(20):
        step(memory, k)
    batches = [memory.sample(50) for _ in range(3)]
    for batch in batches:
        assert len(set(batch.reward.tolist())) > 3, "a batch holds hardly more than one step"
        assert (batch.obs[:, 0] == batch.reward).all() and (batch.action == batch.reward).all(), "the fields of a row belong to different steps"
        assert (batch.next_obs[:, 1] == batch.reward + 0.5).all(), "next_obs belongs to another step"


if __name__ == "__main__":
    print("These tests want a Memory: sb3-course exercise start write_the_test")
