"""AWAC: numbers of another library, and what it does with an environment after a data set: it plays, keeps what it plays, and draws from both."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

from from_scratch import AWAC
from from_scratch.core.data import Transition
from from_scratch.core.replay.growing import Played
from tests.from_scratch.small import of_parameters
from tests.from_scratch.test_weighted_regression import FORCES, THREE, VECTORS, a_model, assert_gradient, batch, differentiated, golden, steps, take

pytestmark = pytest.mark.numerical


class Counts(gym.Env):
    """What is seen is how many steps were played in this episode, over 100; an episode has seven. The reward says which action was taken."""

    observation_space = spaces.Box(-1, 1, (3,), np.float32)

    def __init__(self, actions=FORCES, ends=7):
        self.action_space, self.ends, self.t = actions, ends, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return np.zeros(3, np.float32), {}

    def step(self, action):
        self.t += 1
        return np.full(3, self.t / 100, np.float32), 5 + float(np.sum(action)), self.t == self.ends, False, {}


def an_awac(actions=FORCES, **more):
    return a_model(AWAC, actions, **{"dataset": steps(actions, n=20), "batch_size": 16, "seed": None, "seeds": [0], **more})


# ---------------------------------------------------------------------------------------------------------- numbers of another library
@pytest.fixture
def told():
    given, expected = golden("awac")
    model = a_model(AWAC, temperature=given["lam"], n_action_samples=given["n_action_samples"])
    take(model.policy.actor.layers, given["policy"])
    model.policy.actor.log_std.data.copy_(torch.tensor(expected["policy_logstd"]))
    for k, q in enumerate(model.policy.critic.q_networks):
        take(q, given[f"q{k + 1}"])
    return model, batch(given), torch.tensor(given["policy_noise"]).float().transpose(0, 1)[None], expected


def test_the_actor_s_loss_and_gradient_are_those_of_another_library(told):
    """It sums over its five samples where we take the mean, and its log σ is −6 + 6 sigmoid(p)."""
    model, b, noise, expected = told
    loss, parameters = differentiated(model.actor_loss, model.pi, b, noise)
    assert 5 * loss == pytest.approx(expected["actor_loss"], rel=1e-6)
    largest = max(np.abs(x).max() for x in expected["grad_policy"].values())  # in hundreds: single precision has its 1e-5 of that
    of_five = {name: np.array(x) / largest for name, x in expected["grad_policy"].items()}
    for p in parameters.values():
        p.grad.mul_(5 / largest)
    assert_gradient(parameters, "layers", of_five)
    part = (np.array(expected["policy_logstd"]) + 6) / 6
    np.testing.assert_allclose(parameters["log_std"].grad.numpy() * 6 * part * (1 - part), of_five["logstd"][0], atol=1e-5)


# --------------------------------------------------------------------------------------------------------------- numbers worked by hand
def by_hand(**more):
    """A = ln 1 and ln 3 at λ = 1, and log π = −1 and −2."""
    model = a_model(AWAC, THREE, **more)
    model.of_pairs, model.expected = lambda *_: torch.log(torch.tensor([[[1.0, 3.0]]])), lambda *_: torch.zeros(1, 2)
    model.log_prob = lambda b: torch.tensor([[-1.0, -2.0]])
    return model.actor_loss(Transition(*[torch.zeros(1, 2)] * 5))[0].item()


def test_the_weights_of_a_minibatch_have_the_mean_1():
    """Weights ½ and 3/2: (½ · 1 + 3/2 · 2) / 2."""
    assert by_hand() == pytest.approx(1.75)


def test_weights_that_are_not_normalised_are_exponentials_up_to_a_bound():
    assert by_hand(normalise_weights=False) == pytest.approx((1 * 1 + 3 * 2) / 2)
    assert by_hand(normalise_weights=False, max_weight=2.0) == pytest.approx((1 * 1 + 2 * 2) / 2)


def test_the_value_of_discrete_actions_is_the_sum_over_all_of_them():
    """π = (½, ¼, ¼), and the smaller of two critics' values are 1, 2 and −4."""
    model = a_model(AWAC, THREE)
    pi = model.pi(torch.zeros(1, 1, 3))
    pi.logits = torch.log(torch.tensor([[[0.5, 0.25, 0.25]]]))
    model.pi = lambda obs: pi
    assert model.expected(lambda obs: torch.tensor([[[1.0, 5.0, 0.0, 3.0, 2.0, -4.0]]]), None).item() == pytest.approx(0.5 * 1 + 0.25 * 2 - 0.25 * 4)


def test_the_target_is_valued_at_an_action_of_the_policy_and_nothing_follows_the_end():
    """Q'(s', a') = a', which noise puts at the mean 0 + σ ε: with ε = 1 and log σ = −1 it is 1/e; γ = 0.5 and 0, r = 1."""
    model = a_model(AWAC, spaces.Box(-1, 1, (1,), np.float32))
    model.policy.actor.layers[-1].weight.data.zero_()
    model.policy.actor.log_std.data.fill_(-1.0)
    model.adopt()
    model.of_pairs = lambda critic, obs, action: torch.zeros(1, 2, 2)
    model.q_target = lambda obs, a: a.squeeze(-1).unsqueeze(1).expand(1, 2, 2)
    b = Transition(torch.zeros(1, 2, 3), torch.zeros(1, 2, 1), torch.ones(1, 2), torch.zeros(1, 2, 3), torch.tensor([[0.5, 0.0]]))
    loss = model.critic_loss(b, torch.ones(1, 1, 2, 1))[0].item()
    y = np.array([1 + 0.5 / np.e, 1.0])
    assert loss == pytest.approx(2 * (y**2).mean(), abs=1e-6)  # of two critics that say 0


# --------------------------------------------------------------------------------------------------------------------------- playing
@pytest.mark.parametrize("actions", [FORCES, THREE], ids=["forces", "three"])
def test_steps_of_the_environment_are_counted_and_kept_as_they_were(actions):
    model = an_awac(actions).learn(5).learn_online(9, env=lambda: Counts(actions))
    kept = model.replay_buffer
    assert (model.num_timesteps, kept.n, model.updates.tolist()) == (9, 9, [14])
    np.testing.assert_allclose(kept.parts["obs"][0, :9, 0], np.array([0, 1, 2, 3, 4, 5, 6, 0, 1]) / 100, atol=1e-7)
    np.testing.assert_allclose(kept.parts["next_obs"][0, :9, 0], np.array([1, 2, 3, 4, 5, 6, 7, 1, 2]) / 100, atol=1e-7)
    np.testing.assert_allclose(kept.parts["reward"][0, :9], 5 + kept.parts["action"][0, :9].sum(-1), atol=1e-6)
    assert kept.parts["alive"][0, :9].tolist() == [1, 1, 1, 1, 1, 1, 0, 1, 1]


def test_a_time_limit_is_not_the_end():
    model = an_awac().learn_online(4, env=lambda: gym.wrappers.TimeLimit(Counts(ends=100), 2))
    assert model.replay_buffer.parts["alive"][0, :4].tolist() == [1, 1, 1, 1]
    np.testing.assert_allclose(model.replay_buffer.parts["next_obs"][0, :4, 0], [0.01, 0.02, 0.01, 0.02], atol=1e-7)  # never what follows a reset


def test_batches_are_drawn_from_the_data_set_and_from_what_was_played_as_often_as_there_are_steps():
    """20 steps with a reward of 0, and 10 with rewards above 2."""
    model = an_awac().learn_online(10, env=Counts)
    b = model.memory.sample(6000, 0.9)
    assert (b.reward != 0).float().mean().item() == pytest.approx(1 / 3, abs=0.02)
    assert torch.allclose(b.obs[b.reward != 0].mean(-1), b.obs[b.reward != 0][:, 0]) and (b.discount[b.reward == 0] == 0).all()


def test_every_seed_keeps_what_it_plays_and_learns_what_it_learns_alone():
    together = an_awac(seeds=[3, 5]).learn(4).learn_online(12, env=Counts)
    for k, seed in enumerate([3, 5]):
        alone = an_awac(seeds=[seed]).learn(4).learn_online(12, env=Counts)
        assert torch.equal(of_parameters(together[k]), of_parameters(alone))
        np.testing.assert_array_equal(together[k].replay_buffer.parts["action"], alone.replay_buffer.parts["action"])


def test_what_was_played_goes_on_from_a_file_as_if_it_had_never_stopped(tmp_path):
    model = an_awac().learn_online(6, env=Counts)
    model.save(tmp_path / "model")
    model.save_replay_buffer(tmp_path / "played")
    again = AWAC.load(tmp_path / "model", dataset=model.dataset, device="cpu")
    assert again.replay_buffer.n == 0
    again.load_replay_buffer(tmp_path / "played.pkl")
    for each in (model, again):
        each.learn(5, reset_num_timesteps=False)
    assert torch.equal(of_parameters(model), of_parameters(again))


def test_a_file_that_holds_something_else_is_refused(tmp_path):
    model = an_awac(seeds=[0, 1]).learn_online(3, env=Counts)
    model.save_replay_buffer(tmp_path / "two")
    with pytest.raises(ValueError, match="what 1 seeds of AWAC played"):
        an_awac().load_replay_buffer(tmp_path / "two.pkl")


def test_callbacks_are_called_at_every_step_and_may_end_it():
    seen = []

    def look(local, _):
        seen.append((local["self"].num_timesteps, local["rewards"].shape, local["actions"].shape))
        return len(seen) < 4

    model = an_awac().learn_online(10, env=Counts, callback=look)
    assert seen == [(t, (1,), (1, 2)) for t in (1, 2, 3, 4)] and model.num_timesteps == 4


def test_gradient_steps_are_those_for_every_step_that_is_played():
    assert an_awac(gradient_steps=3).learn_online(4, env=Counts).updates.tolist() == [12]
    assert an_awac(gradient_steps=0).learn_online(4, env=Counts).updates.tolist() == [0]


def test_the_oldest_steps_go_when_there_is_no_room():
    played = Played(room=4)
    for t in range(3):
        played.add(reward=np.array([[2.0 * t, 2.0 * t + 1]]))  # one seed, two environments
    assert (played.n, played.parts["reward"].tolist()) == (4, [[4, 5, 2, 3]])


def test_without_an_environment_it_says_that_there_is_none():
    with pytest.raises(RuntimeError, match="no environment to play"):
        an_awac().learn_online(3)


def test_dicts_are_kept_and_drawn_too():
    space = spaces.Dict(a=spaces.Box(-1, 1, (2,), np.float32), b=spaces.Box(-1, 1, (1,), np.float32))

    class OfDicts(Counts):
        observation_space = space

        def reset(self, **kwargs):
            super().reset(**kwargs)
            return self.seen(0.5), {}

        def step(self, action):
            _, *rest = super().step(action)
            return self.seen(1.0), *rest

        def seen(self, x):
            return {"a": np.full(2, x, np.float32), "b": np.full(1, x, np.float32)}

    data = steps(FORCES, space, n=4)
    model = a_model(AWAC, FORCES, space, "MultiInputPolicy", dataset=data, batch_size=4).learn_online(6, env=OfDicts)
    b = model.memory.at(np.array([[0, 4, 5]]), 0.9)
    np.testing.assert_array_equal(b.obs["a"][0, 0], data["observations"]["a"][0])
    assert b.obs["a"][0, 1:].tolist() == [[0.5, 0.5], [1.0, 1.0]] and b.next_obs["b"][0, 1:].tolist() == [[1.0], [1.0]]


@pytest.mark.slow
def test_a_policy_from_random_data_becomes_better_by_playing():
    """Pendulum: random play loses some 1200 an episode; what plays on is far better after 6000 steps."""
    from stable_baselines3.common.evaluation import evaluate_policy

    env = gym.make("Pendulum-v1")
    env.action_space.seed(0)
    parts, obs = [], env.reset(seed=0)[0]
    for _ in range(2000):
        a = env.action_space.sample()
        next_obs, r, terminated, truncated, _ = env.step(a)
        parts.append((obs, a, r, next_obs, terminated, truncated))
        obs = env.reset()[0] if truncated else next_obs
    names = ("observations", "actions", "rewards", "next_observations", "terminations", "truncations")
    data = dict(zip(names, map(np.stack, zip(*parts, strict=True)), strict=True))
    model = AWAC("MlpPolicy", "Pendulum-v1", dataset=data, seeds=[0], temperature=5.0, learning_rate=1e-3, policy_kwargs={"net_arch": [64, 64]}, device="cpu")
    model.learn(2000)
    before = evaluate_policy(model, gym.make("Pendulum-v1"), 20)[0]
    after = evaluate_policy(model.learn_online(6000), gym.make("Pendulum-v1"), 20)[0]
    assert after > before + 200


def test_its_policy_has_no_value_network_and_its_deviation_is_at_most_1():
    model = a_model(AWAC)
    assert not hasattr(model.policy, "value") and model.policy.actor.log_std_range == (-6.0, 0.0)
    assert VECTORS.shape == model.observation_space.shape
