"""Tuple and Dict actions of PPO, A2C and PPOPenalty: parts side by side, by hand; what environments are given; seeds, files and policies."""

import math

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.callbacks import EvalCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.vec_env import SubprocVecEnv, VecNormalize

import from_scratch as ours
from from_scratch.callbacks import StackEvalCallback
from from_scratch.core.distributions import Joint, distribution, number_of_parameters, remembered
from from_scratch.core.product import Product, acting_space
from from_scratch.core.rng import Rng
from from_scratch.envs import Moving
from from_scratch.policies import Hybrid, HybridActorCriticPolicy

pytestmark = pytest.mark.numerical

NESTED = spaces.Dict({
    "gears": spaces.MultiDiscrete([2, 3]),
    "lamps": spaces.MultiBinary(2),
    "move": spaces.Tuple((spaces.Discrete(3, start=5), spaces.Box(-1, 1, (2, 1), np.float64))),
})  # fmt: skip
CHOICES = spaces.Tuple((spaces.Discrete(2), spaces.Discrete(3)))  # nothing continuous
SPACES = {"nested": NESTED, "choices": CHOICES, "hybrid": Moving().action_space, "dict": Moving(as_dict=True).action_space}
SMALL = {"n_steps": 16, "batch_size": 8, "n_epochs": 2}


class Echo(gym.Env):
    """Ten steps; it refuses what its action space does not contain."""

    def __init__(self, action_space, observation_space=None):
        self.action_space, self.observation_space = action_space, observation_space or spaces.Box(-1, 1, (2,))

    def seen(self):
        time = lambda space: np.full(space.shape, self.t / 10, np.float32)
        parts = self.observation_space
        return {key: time(part) for key, part in parts.items()} if isinstance(parts, spaces.Dict) else time(parts)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return self.seen(), {}

    def step(self, action):
        assert self.action_space.contains(action), action
        self.t += 1
        first = np.ravel(next(iter(action.values())) if isinstance(action, dict) else action[0])[0]
        return self.seen(), float(first), self.t == 10, False, {}


def weights(model):
    return torch.cat([value.flatten().double() for value in model.policy.state_dict().values()])


def make(name, space, observation_space=None, policy="MlpPolicy", **kwargs):
    small = {"n_steps": 8} if name == "A2C" else SMALL
    return getattr(ours, name)(policy, lambda: Echo(space, observation_space), device="cpu", **{**small, **kwargs})


# ------------------------------------------------------------------------------------------------------------------- the vector
def test_parts_stand_one_behind_the_other_and_come_back_as_the_space_says_them():
    product = Product(NESTED)
    assert product.shape == (2 + 2 + 1 + 2,)
    (action,) = product.as_said(np.array([[1, 2, 0, 1, 2, 0.5, -0.25]], np.float32))
    assert NESTED.contains(action)
    assert action["gears"].tolist() == [1, 2] and action["lamps"].tolist() == [0, 1]
    assert action["move"][0] == 7  # the third of 5, 6, 7
    np.testing.assert_array_equal(action["move"][1], [[0.5], [-0.25]])
    np.testing.assert_array_equal(product.as_vector(action), [1, 2, 0, 1, 2, 0.5, -0.25])


@pytest.mark.parametrize("name", SPACES)
def test_every_action_comes_back_from_its_vector(name):
    product = Product(SPACES[name])
    SPACES[name].seed(0)
    for _ in range(20):
        action = SPACES[name].sample()
        (again,) = product.as_said(product.as_vector(action)[None].astype(np.float32))
        assert SPACES[name].contains(again)
        np.testing.assert_array_equal(product.as_vector(again), product.as_vector(action).astype(np.float32))


def test_what_lies_outside_a_box_is_clipped_and_nothing_else_is_touched():
    (what, how), = Product(SPACES["hybrid"]).as_said(np.array([[2, 7, -7]], np.float32))
    assert what == 2 and how.tolist() == [1, -1]


@pytest.mark.parametrize(
    ("part", "words"),
    [(spaces.Text(3), r"The part \[1\] of the action space is Text"), (spaces.Box(-np.inf, 1, (2,)), r"The part \[1\] .* finite bounds")],
)
def test_a_part_that_cannot_be_is_named(part, words):
    with pytest.raises(ValueError, match=words):
        acting_space(spaces.Tuple((spaces.Discrete(2), part)))


# ------------------------------------------------------------------------------------------------------------------- by hand
def test_log_probability_entropy_and_divergence_are_the_sums_of_the_parts():
    """A choice of three at ¼, ¼, ½, and a number from N(1, 2²), of which 3 is one standard deviation away."""
    space = Product(spaces.Tuple((spaces.Discrete(3), spaces.Box(-9, 9, (1,)))))
    assert number_of_parameters(space) == 4
    at = lambda p, mean, std: distribution(space, torch.tensor([[[*map(math.log, p), mean]]]), torch.tensor([[[math.log(std)]]]))
    pi, other = at([0.25, 0.25, 0.5], 1.0, 2.0), at([0.5, 0.25, 0.25], 1.0, 1.0)
    assert isinstance(pi, Joint)
    log_normal = -0.5 - math.log(2) - 0.5 * math.log(2 * math.pi)
    assert pi.log_prob(torch.tensor([[[2.0, 3.0]]])).item() == pytest.approx(math.log(0.5) + log_normal, abs=1e-6)
    assert pi.log_prob(torch.tensor([[[0.0, 3.0]]])).item() == pytest.approx(math.log(0.25) + log_normal, abs=1e-6)
    assert pi.entropy().item() == pytest.approx(1.5 * math.log(2) + 0.5 + 0.5 * math.log(2 * math.pi) + math.log(2), abs=1e-6)
    of_choice = 0.25 * math.log(1 / 2) + 0.5 * math.log(2)
    assert pi.kl(other).item() == pytest.approx(of_choice + math.log(1 / 2) + 4 / 2 - 0.5, abs=1e-6)
    again = remembered(space, pi.numbers)
    assert again.entropy().item() == pi.entropy().item()


def test_parts_are_drawn_by_themselves():
    space = Product(spaces.Tuple((spaces.Discrete(2), spaces.Box(-9, 9, (1,)))))
    parameters = np.broadcast_to(np.array([math.log(0.2), math.log(0.8), 3.0], np.float32), (1, 4000, 3))
    drawn = distribution(space, parameters, np.zeros((1, 1, 1), np.float32)).sample(Rng.private([0], space))[0]
    assert drawn[:, 0].mean() == pytest.approx(0.8, abs=0.03) and drawn[:, 1].mean() == pytest.approx(3, abs=0.06)
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.05


def test_the_policy_of_sb3_s_form_says_the_same_as_ours():
    model = make("PPO", NESTED, seeds=[0])
    obs = torch.randn(6, 2)
    actions = torch.as_tensor(np.stack([Product(NESTED).as_vector(NESTED.sample()) for _ in range(6)]), dtype=torch.float32)
    v, log_prob, entropy = model.policy.evaluate_actions(obs, actions)
    with torch.no_grad():
        mine = model.actor_critic.evaluate(obs[None], actions[None])
    for theirs, ours_ in zip((v.flatten(), log_prob, entropy), mine, strict=True):
        torch.testing.assert_close(theirs, ours_[0], atol=1e-6, rtol=1e-6)


# ------------------------------------------------------------------------------------------------------------------- acting
@pytest.mark.parametrize("name", SPACES)
def test_predict_gives_actions_as_the_environment_says_them(name):
    model, obs = make("A2C", SPACES[name], seed=0), np.zeros((5, 2), np.float32)
    for deterministic in (False, True):
        one, _ = model.predict(obs[0], deterministic=deterministic)
        several, _ = model.predict(obs, deterministic=deterministic)
        assert SPACES[name].contains(one) and len(several) == 5 and all(map(SPACES[name].contains, several))
    assert str(model.predict(obs[0], deterministic=True)[0]) == str(model.predict(obs, deterministic=True)[0][0])


def test_a_stack_predicts_a_list_for_all_its_seeds():
    stack = make("A2C", NESTED, seeds=range(2))
    actions, _ = stack.predict(np.zeros((4, 2), np.float32), deterministic=True)
    assert len(actions) == 4 and all(map(NESTED.contains, actions))
    np.testing.assert_array_equal(actions[2]["move"][1], stack[1].predict(np.zeros(2, np.float32), deterministic=True)[0]["move"][1])


@pytest.mark.parametrize("wrap", [lambda v: v, VecNormalize], ids=["plain", "VecNormalize"])
def test_sb3s_vector_environments_hand_every_lane_its_action(wrap):
    env = wrap(make_vec_env(lambda: Echo(NESTED), 2, seed=0))
    model = ours.PPO("MlpPolicy", env, seed=0, device="cpu", **SMALL).learn(64)
    assert evaluate_policy(model, env, 2)[0] >= 0


@pytest.mark.slow
def test_processes_are_handed_theirs_too():
    env = make_vec_env(Moving, 2, vec_env_cls=SubprocVecEnv, vec_env_kwargs={"start_method": "fork"})
    ours.PPO("MlpPolicy", env, seed=0, device="cpu", **SMALL).learn(64)
    env.close()


# ------------------------------------------------------------------------------------------------------------------- learning
@pytest.mark.parametrize("algorithm", ["PPO", "A2C", "PPOPenalty"])
@pytest.mark.parametrize("name", ["nested", "choices"])
def test_a_seed_in_a_stack_is_the_seed_alone_to_the_bit(algorithm, name):
    stack, alone = (make(algorithm, SPACES[name], seeds=seeds, n_envs=2).learn(64) for seeds in ([3, 4, 5], [4]))
    assert stack.actor_critic.is_stacked
    assert torch.equal(weights(stack.member(1)), weights(alone))
    assert not torch.equal(weights(alone), weights(make(algorithm, SPACES[name], seeds=[4], n_envs=2)))


DICT_OBS = spaces.Dict({"a": spaces.Box(-1, 1, (2,)), "b": spaces.Box(-1, 1, (1,))})


class Own(Hybrid, ActorCriticPolicy):
    """A user's policy with ways of its own."""

    def forward(self, obs, deterministic=False):
        return super().forward(obs, deterministic)


@pytest.mark.parametrize("name", ["nested", "choices"])
def test_a_users_own_policy_learns_the_same(name):
    ours_, users = (make("PPO", SPACES[name], policy=policy, seeds=[2]).learn(64) for policy in ("MlpPolicy", Own))
    assert ours_.actor_critic.is_stacked and not users.actor_critic.is_stacked
    torch.testing.assert_close(weights(ours_), weights(users), atol=2e-5, rtol=0)


def test_dict_observations_go_with_dict_actions():
    stack, alone = (make("PPO", NESTED, DICT_OBS, "MultiInputPolicy", seeds=seeds).learn(32) for seeds in ([3, 4], [4]))
    assert torch.equal(weights(stack.member(1)), weights(alone))


@pytest.mark.parametrize("algorithm", ["PPO", "A2C"])
def test_a_file_goes_on_as_if_it_had_never_been_one(algorithm, tmp_path):
    model = make(algorithm, NESTED, seeds=[1]).learn(32)
    model.save(tmp_path / "model")
    loaded = type(model).load(tmp_path / "model", env=lambda: Echo(NESTED), device="cpu")
    assert type(loaded.policy) is HybridActorCriticPolicy and loaded.action_space == NESTED
    obs = np.ones((3, 2), np.float32)
    assert str(loaded.predict(obs, deterministic=True)[0]) == str(model.predict(obs, deterministic=True)[0])
    before = weights(model)
    for each in (model, loaded):
        each.learn(32)
    assert torch.equal(weights(loaded), weights(model)) and not torch.equal(weights(model), before)


def test_evaluation_during_training_works_for_one_and_for_a_stack():
    of_sb3 = EvalCallback(make_vec_env(lambda: Echo(NESTED)), eval_freq=16, verbose=0)
    ours.PPO("MlpPolicy", Echo(NESTED), seed=0, device="cpu", **SMALL).learn(48, callback=of_sb3)
    assert np.isfinite(of_sb3.last_mean_reward)
    evaluation = StackEvalCallback(lambda: Echo(NESTED), eval_freq=16, n_eval_episodes=2)
    make("PPO", NESTED, seeds=range(2)).learn(48, callback=evaluation)
    assert np.isfinite(evaluation.scores).all()


# ------------------------------------------------------------------------------------------------------------------- refusals
@pytest.mark.parametrize("name", ["TRPO", "NaturalPG", "DQN", "SAC", "REINFORCE"])
def test_elsewhere_the_way_out_is_said_in_one_line(name):
    with pytest.raises(AssertionError, match=r"The algorithm only supports .* Tuple and Dict actions are for PPO, A2C and what is derived from them\.$"):
        getattr(ours, name)("MlpPolicy", "from_scratch/Moving-v0")


def test_state_dependent_exploration_is_refused():
    with pytest.raises(ValueError, match=r"can only be used with continuous actions"):
        ours.PPO("MlpPolicy", "from_scratch/Moving-v0", use_sde=True)


def test_a_policy_without_parts_is_told_how_to_have_them():
    class Mine(ActorCriticPolicy):
        pass

    with pytest.raises(ValueError, match=r"Mine has no actions of several parts; .* class Mine\(from_scratch.policies.Hybrid, …\)"):
        ours.PPO(Mine, "from_scratch/Moving-v0")


# ------------------------------------------------------------------------------------------------------------------- the environment
def placed(heading=0.0, at=(0.0, 0.0), disc=(0.5, 0.0), **more):
    env = Moving(**more)
    env.reset(seed=0)
    env.at, env.disc, env.heading, env.speed = np.array(at), np.array(disc), heading, 0.0
    return env


def test_the_car_speeds_up_and_is_paid_for_coming_nearer():
    env = placed()
    obs, reward, over, _, _ = env.step((0, np.array([1.0, 9.0], np.float32)))
    assert reward == pytest.approx(0.01)  # 0.1 of time at a speed of 0.1
    np.testing.assert_allclose(obs, [0.01, 0, 0.1, 1, 0, 0.49, 0, 0.49], atol=1e-6)
    assert not over


def test_it_turns_by_the_other_number_and_sees_the_disc_on_its_other_side():
    env = placed()
    obs, reward, *_ = env.step((1, np.array([1.0, 0.5], np.float32)))
    c, s = math.cos(math.pi / 8), math.sin(math.pi / 8)
    np.testing.assert_allclose(obs, [0, 0, 0, c, s, 0.5 * c, -0.5 * s, 0.5], atol=1e-6)
    assert reward == 0


@pytest.mark.parametrize("as_dict", [False, True])
def test_standing_on_the_disc_ends_it_well_and_leaving_ends_it_badly(as_dict):
    say = lambda what, how: {"what": what, "how": how} if as_dict else (what, how)
    env, still = placed(disc=(0.05, 0.0), as_dict=as_dict), np.zeros(2, np.float32)
    _, reward, over, _, info = env.step(say(2, still))
    assert (reward, over, info["is_success"]) == (1, True, True)
    env = placed(at=(0.99, 0.0), heading=0.0, as_dict=as_dict)
    env.speed = 1.0
    _, reward, over, _, info = env.step(say(0, still))
    assert reward == pytest.approx(-1.1) and over and not info["is_success"]


def test_passing_over_the_disc_is_not_standing_on_it():
    env = placed(disc=(0.05, 0.0))
    env.speed = 0.1
    assert env.step((0, np.zeros(2, np.float32)))[2] is False


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ppo_learns_to_drive_and_to_stop():
    stack = ours.PPO("MlpPolicy", "from_scratch/Moving-v0", seeds=range(3), n_envs=8, n_steps=256, batch_size=256, ent_coef=0.01, gamma=0.98, device="cpu")
    stack.learn(200_000)
    for k, model in enumerate(stack):
        returns, _ = evaluate_policy(model, make_vec_env("from_scratch/Moving-v0", 4, seed=100), 40, deterministic=False)
        assert returns > 1.2, k  # 1 for stopping on the disc, and about 0.8 for the way
