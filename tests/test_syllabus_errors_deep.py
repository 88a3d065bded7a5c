"""Errors of the deep part of the course this project grew from: ours has the correct form, and the wrong form fails the same check.

The tabular ones are tested beside them; the numbers E13 and E15 are the list's.
"""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.wrappers import TimeLimit
from stable_baselines3.common.logger import Logger

import from_scratch as ours
from from_scratch.core.data import Step
from from_scratch.core.loops.episodes import Episodes

GAMMA = 0.5


class Endless(gym.Env):
    """A reward of 1 for ever, whatever one does: every state is worth 1 / (1 − γ). The observation counts the steps."""

    observation_space, action_space = spaces.Box(0, 100, (1,)), spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return np.array([0], np.float32), {}

    def step(self, action):
        self.t += 1
        return np.array([self.t], np.float32), 1.0, False, False, {}


class Cycle(Endless):
    """The same, but the observation goes round: 0, 1, 2, 0, …"""

    def step(self, action):
        obs, *rest = super().step(action)
        return obs % 3, *rest


class Deadly(Endless):
    """The same, but the third step is the last."""

    def step(self, action):
        obs, reward, _, truncated, info = super().step(action)
        return obs, reward, self.t == 3, truncated, info


# ------------------------------------------------------------------------------- E13: `done = terminated or truncated` in DQN's memory
def dqn(env, steps, **kwargs):
    model = ours.DQN("MlpPolicy", lambda: env, seeds=[0], gamma=GAMMA, buffer_size=2000, learning_starts=0, policy_kwargs={"net_arch": [16]}, **kwargs)
    return model.learn(steps)


def test_E13_a_time_limit_is_stored_as_a_time_limit_with_the_true_last_observation():
    buffer = dqn(TimeLimit(Endless(), 3), 9).replay_buffer
    np.testing.assert_array_equal(buffer.dones[:9, 0], [0, 0, 1] * 3)
    np.testing.assert_array_equal(buffer.timeouts[:9, 0], [0, 0, 1] * 3)
    np.testing.assert_array_equal(buffer.next_observations[:9, 0, 0], [1, 2, 3] * 3)  # 3, not the 0 of the next episode


@pytest.mark.parametrize("n_steps", [1, 2])
def test_E13_the_bootstrap_goes_on_behind_a_time_limit_and_stops_at_death(n_steps):
    cut, died = (dqn(env, 9, n_steps=n_steps).memory.sample(300) for env in (TimeLimit(Endless(), 3), Deadly()))
    assert {round(x, 6) for x in cut.discount.flatten().tolist()} <= {GAMMA, GAMMA**2}  # n-step returns are shorter at the end
    assert (cut.discount > 0).all()
    last = died.next_obs[..., 0] == 3
    assert last.any() and (died.discount[last] == 0).all() and (died.discount[~last] > 0).all()


def test_E13_targets_of_the_two_forms_differ_by_what_lies_behind_the_limit():
    model = dqn(TimeLimit(Endless(), 3), 9)
    batch = model.memory.sample(100)
    at_limit = batch.next_obs[0, :, 0] == 3
    v_next = model.q_target(batch.next_obs).amax(-1).detach()[0]
    ours_y = batch.reward[0] + batch.discount[0] * v_next
    wrong_y = batch.reward[0] + GAMMA * (~at_limit) * v_next  # `done` as the mask
    assert at_limit.any() and v_next[at_limit].abs().min() > 0
    torch.testing.assert_close(ours_y[at_limit] - wrong_y[at_limit], GAMMA * v_next[at_limit])
    assert torch.equal(ours_y[~at_limit], wrong_y[~at_limit])


def test_E13_where_only_a_time_limit_ends_episodes_dqn_learns_the_value_of_going_on():
    """V = 2 everywhere. With the limit taken for a death V = 1 in the state before it, 1.5 and 1.75 in those before that."""

    class Wrong(ours.DQN):
        def _store_transition(self, replay_buffer, buffer_action, new_obs, reward, dones, infos):
            infos = [{**info, "TimeLimit.truncated": False} for info in infos]
            super()._store_transition(replay_buffer, buffer_action, new_obs, reward, dones, infos)

    values = {}
    for kind in (ours.DQN, Wrong):
        model = kind(
            "MlpPolicy", lambda: TimeLimit(Cycle(), 3), seeds=[0], gamma=GAMMA, buffer_size=2000, learning_starts=10, learning_rate=0.02, train_freq=1,
            target_update_interval=20, policy_kwargs={"net_arch": [16]},
        ).learn(700)  # fmt: skip
        values[kind] = model.q(torch.tensor([[[0.0], [1.0], [2.0]]])).amax(-1).detach()[0].numpy()
    np.testing.assert_allclose(values[ours.DQN], [2, 2, 2], atol=0.15)
    np.testing.assert_allclose(values[Wrong], [1.75, 1.5, 1], atol=0.15)


# ----------------------------------------------------------------------------------------------- E15: REINFORCE's per-episode whitening
def whiten(x):
    """The error, as it was written: over the returns of one episode."""
    return (x - x.mean()) / (x.std() + 1e-9)


def batch_of(*episodes, cut=()):
    """A batch of episodes, each a list of rewards; those numbered in `cut` were cut short by a time limit. A first reward above 2 is
    the second action's."""
    batch = Episodes(len(episodes), 1)
    for i, rewards in enumerate(episodes):
        for t, reward in enumerate(rewards):
            done = t == len(rewards) - 1
            info = {"TimeLimit.truncated": i in cut, "terminal_observation": np.ones(1, np.float32)} if done else {}
            step = Step(None, np.array([reward], np.float32), np.array([done]), [info])
            batch.add(np.array([[float(t)]], np.float32), np.array([(t + (rewards[0] > 2)) % 2]), step)
    return batch


class Played(gym.Env):
    """Only its spaces are used."""

    observation_space, action_space = spaces.Box(0, 10, (1,)), spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        return np.zeros(1, np.float32), {}

    def step(self, action):
        return np.zeros(1, np.float32), 1.0, True, False, {}


def model_of(name, batch, **kwargs):
    """A model about to learn from the batch, with its logger."""
    model = getattr(ours, name)("MlpPolicy", Played(), seed=0, episodes_per_update=batch.n, policy_kwargs={"optimizer_class": torch.optim.SGD}, **kwargs)
    model.set_logger(Logger(None, []))
    model.episodes = batch
    return model


def gradient_of(name, batch, **kwargs):
    model = model_of(name, batch, learning_rate=0.0, **kwargs)
    model.train()
    return -model.pi.rows.grad[0].clone()


@pytest.mark.filterwarnings(r"ignore:std\(\)")
@pytest.mark.parametrize("normalize_returns", [False, True])
@pytest.mark.parametrize("name", ["REINFORCE", "REINFORCEBaseline"])
def test_E15_an_episode_of_one_step_gives_a_finite_update(name, normalize_returns):
    assert torch.isnan(whiten(torch.tensor([1.0]))).all()  # the wrong form: the deviation of one number
    model = model_of(name, batch_of([1.0], [3.0]), normalize_returns=normalize_returns, learning_rate=0.1)
    before = [p.clone() for p in model.policy.actor.parameters()]
    model.train()
    assert all(torch.isfinite(p).all() for p in model.policy.parameters())
    assert any(not torch.equal(p, q) for p, q in zip(model.policy.actor.parameters(), before, strict=True))
    alone = model_of(name, batch_of([1.0]), learning_rate=0.1)
    alone.train()
    assert all(torch.isfinite(p).all() for p in alone.policy.parameters())


@pytest.mark.parametrize("normalize_returns", [False, True])
def test_E15_a_good_episode_still_counts_for_more_than_a_bad_one(normalize_returns):
    good, bad = [10.0, 10.0], [1.0, 1.0]
    torch.testing.assert_close(whiten(torch.tensor([20.0, 10.0])), whiten(torch.tensor([2.0, 1.0])))  # the wrong form: the same weights for both
    seen = []

    class Watched(ours.REINFORCE):
        def loss(self, steps, weight):
            seen.append(weight[0].tolist())
            return super().loss(steps, weight)

    model = Watched("MlpPolicy", Played(), seed=0, gamma=1.0, episodes_per_update=2, normalize_returns=normalize_returns)
    model.set_logger(Logger(None, []))
    model.episodes = batch_of(good, bad)
    model.train()
    weight = seen[0]
    assert weight[0] - weight[2] > 1 and weight[1] - weight[3] > 0.5
    if not normalize_returns:
        assert weight == [20, 10, 2, 1]


def test_E15_the_update_is_of_the_whole_batch_and_whitening_one_episode_alone_is_refused():
    one, two = gradient_of("REINFORCE", batch_of([1.0, 2.0])), gradient_of("REINFORCE", batch_of([5.0]))
    torch.testing.assert_close(gradient_of("REINFORCE", batch_of([1.0, 2.0], [5.0])), (one + two) / 2)
    with pytest.raises(ValueError, match="would normalise within one episode"):
        ours.REINFORCE("MlpPolicy", Played(), normalize_returns=True, episodes_per_update=1)


def test_E15_a_cut_episode_is_bootstrapped_with_the_baseline_and_taken_as_it_is_without():
    assert not torch.allclose(gradient_of("REINFORCEBaseline", batch_of([1.0, 1.0], cut=[0])), gradient_of("REINFORCEBaseline", batch_of([1.0, 1.0])))
    assert torch.equal(gradient_of("REINFORCE", batch_of([1.0, 1.0], cut=[0])), gradient_of("REINFORCE", batch_of([1.0, 1.0])))
    assert "biased" in ours.REINFORCE.__doc__  # and says so


def test_E15_the_factor_gamma_power_t_is_there_when_asked_for():
    late = batch_of([0.0, 4.0])  # in its second step only the second action's weight differs
    seen = {}
    for gamma_power in (False, True):

        class Watched(ours.REINFORCE):
            def loss(self, steps, weight, gamma_power=gamma_power):
                seen[gamma_power] = weight[0].tolist()
                return super().loss(steps, weight)

        model = Watched("MlpPolicy", Played(), seed=0, gamma=0.5, gamma_power=gamma_power, episodes_per_update=1)
        model.set_logger(Logger(None, []))
        model.episodes = late
        model.train()
    assert seen == {False: [2, 4], True: [2, 2]}
