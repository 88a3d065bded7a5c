"""Vectorised environments against Gymnasium's scalar ones in SB3's DummyVecEnv and Monitor: every lane has the same bits."""

import functools
import math

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.toy_text.utils import categorical_sample
from gymnasium.wrappers import TimeLimit, TransformReward
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from from_scratch.envs import FiniteMDP, geometric_chain, two_by_two_grid
from from_scratch.envs.vector import LaneVecEnv, make_vector_env, vectorised
from from_scratch.envs.vector.classic_control import math_cos, square
from from_scratch.policy_gradient.ppo import PPO
from from_scratch.temporal_difference.q_learning import QLearning

N = 5
CLASSIC = ("CartPole-v1", "Pendulum-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Acrobot-v1")


def scalars(env, n=N, **kwargs):
    make = functools.partial(gym.make, env, **kwargs) if isinstance(env, str) else env
    return DummyVecEnv([lambda: Monitor(make()) for _ in range(n)])


def skilful(name, obs):
    """Actions that reach the goals, limits and walls that random ones do not."""
    if name == "CartPole-v1":
        return (obs[:, 2] + obs[:, 3] > 0).astype(np.int64)
    if name == "Pendulum-v1":
        return 3 * np.sign(obs[:, 2:]) + np.float32(0.1)
    if name == "MountainCar-v0":
        return np.where(obs[:, 1] >= 0, 2, 0)
    if name == "MountainCarContinuous-v0":
        return np.where(obs[:, 1:] >= 0, np.float32(1.2), np.float32(-0.9))
    if name == "Acrobot-v1":
        return np.where(obs[:, 4] > 0, 0, 2)
    return np.where(obs == 36, 0, np.where(obs % 12 == 11, 2, 1))  # CliffWalking: up, along the cliff, down


def play_both(env, steps, seed=0, n=N, **kwargs):
    """Play the same actions in both and compare all that they return; True if the lanes ended (terminated, cut short)."""
    name = env if isinstance(env, str) else ""
    scalar, vector = scalars(env, n, **kwargs), make_vector_env(env, n, **kwargs)
    assert scalar.seed(seed) == vector.seed(seed)
    obs, obs_vector = scalar.reset(), vector.reset()
    np.testing.assert_array_equal(obs_vector, obs, strict=True)
    scalar.action_space.seed(seed)
    died = cut = 0
    for t in range(steps):
        actions = np.array([scalar.action_space.sample() for _ in range(n)])
        if name in (*CLASSIC, "CliffWalking-v1"):
            able = np.arange(n) < n // 2 + (t // 500) % 2  # some lanes know what to do; one of them only at times
            actions[able] = skilful(name, obs)[able]
        obs, rewards, dones, infos = scalar.step(actions)
        got, got_rewards, got_dones, got_infos = vector.step(actions)
        for ours, theirs in ((got, obs), (got_rewards, rewards), (got_dones, dones)):
            np.testing.assert_array_equal(ours, theirs, strict=True)
        for lane, (ours, theirs) in enumerate(zip(got_infos, infos, strict=True)):
            assert ours.keys() == theirs.keys()
            assert ours["TimeLimit.truncated"] is theirs["TimeLimit.truncated"]
            if dones[lane]:
                assert {**ours.pop("episode"), "t": 0} == {**theirs.pop("episode"), "t": 0}
                died, cut = died + (not theirs["TimeLimit.truncated"]), cut + theirs["TimeLimit.truncated"]
            for key in ours:
                np.testing.assert_array_equal(ours[key], theirs[key])
        for ours, theirs in zip(vector.reset_infos, scalar.reset_infos, strict=True):
            assert ours.keys() == theirs.keys()
            for key in ours:
                np.testing.assert_array_equal(ours[key], theirs[key])
        if name in CLASSIC:
            np.testing.assert_array_equal(vector.get_attr("state"), [single.unwrapped.state for single in scalar.envs])  # in float64
    return died > 0, cut > 0


@pytest.mark.parametrize("name", CLASSIC)
def test_every_lane_has_the_bits_of_the_scalar_environment(name):
    died, cut = play_both(name, 2000)
    assert (died or name == "Pendulum-v1") and (cut or name == "CartPole-v1")


@pytest.mark.parametrize("name", CLASSIC)
@pytest.mark.parametrize("n", [1, 19])
def test_they_have_them_for_any_number_of_lanes_through_many_resets(name, n):
    assert play_both(name, 300, seed=7, n=n, max_episode_steps=13)[1]


@pytest.mark.parametrize(("name", "cut"), [("FrozenLake-v1", False), ("CliffWalking-v1", False), ("Taxi-v4", True)])
def test_a_table_draws_the_outcomes_of_the_scalar_environment(name, cut):
    assert play_both(name, 1500, seed=3) == (True, cut)  # only Taxi's episodes last until their limit


@pytest.mark.parametrize(
    ("name", "kwargs"),
    [
        ("CartPole-v1", {"sutton_barto_reward": True}),
        ("Pendulum-v1", {"g": 9.81}),
        ("MountainCar-v0", {"goal_velocity": 0.03}),
        ("FrozenLake-v1", {"map_name": "8x8", "success_rate": 0.5, "max_episode_steps": 20}),
        ("CliffWalking-v1", {"is_slippery": True, "max_episode_steps": 50}),
        ("Taxi-v4", {"is_rainy": True}),
    ],
)
def test_arguments_of_the_environment_hold_for_all_lanes(name, kwargs):
    play_both(name, 600, seed=1, **kwargs)


def test_random_outcomes_and_starts_of_any_table_are_drawn_alike():
    odd = FiniteMDP([[[(0.3, 1, 0.5, False), (0.2, 0, -1.0, True), (0.5, 1, 2.0, True)]], [[(1.0, 0, 0.1, False)]]], start=[0.4, 0.6])
    assert play_both(lambda: TimeLimit(FiniteMDP([list(row.values()) for row in odd.P.values()], odd.initial_state_distrib), 4), 1500) == (True, True)
    assert play_both(two_by_two_grid, 300) == (True, False)
    assert play_both(lambda: geometric_chain(0.1), 300) == (True, False)


def test_probabilities_that_fall_short_of_one_leave_the_rest_to_the_first_outcome_as_in_categorical_sample():
    class Short(FiniteMDP):
        def _draw(self, probabilities):
            return int(categorical_sample(probabilities, self.np_random))

    assert play_both(lambda: Short([[[(0.1, 0, 1.0, True), (0.2, 0, 2.0, False)], [(0.5, 0, 3.0, False)]]]), 300)[0]


# ------------------------------------------------------------------------------------------------------------------------- the arithmetic
@pytest.mark.parametrize("size", [1, 3, 8, 1000])
def test_functions_of_arrays_have_the_bits_of_functions_of_numbers(size):
    x = np.random.default_rng(size).uniform(-30, 30, (24_000 // size, size))
    numbers = list(x.ravel())  # NumPy's scalars, as Gymnasium has them
    pairs = [(np.cos, np.cos), (np.sin, np.sin), (np.square, np.square), (square, lambda number: number**2), (math_cos, math.cos)]
    for of_array, of_number in pairs:
        np.testing.assert_array_equal(np.concatenate([of_array(row) for row in x]), [of_number(number) for number in numbers])


# ----------------------------------------------------------------------------------------------------------------------- seeds and resets
@pytest.mark.parametrize("name", ["Acrobot-v1", "FrozenLake-v1"])
def test_a_lane_continues_its_stream_over_resets_and_begins_again_when_seeded(name):
    scalar, vector = scalars(name), make_vector_env(name, N)
    for seed in (5, None, 5, 8):
        if seed is not None:
            scalar.seed(seed)
            vector.seed(seed)
        np.testing.assert_array_equal(vector.reset(), scalar.reset())
        for _ in range(30):
            actions = np.ones(N, np.int64)
            np.testing.assert_array_equal(vector.step(actions)[0], scalar.step(actions)[0])


def test_lanes_without_a_seed_differ():
    assert len(np.unique(make_vector_env("CartPole-v1", N).reset(), axis=0)) == N


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("CartPole-v1", {"low": -0.2, "high": 0.1}),
        ("Pendulum-v1", {"x_init": 0.3}),
        ("MountainCar-v0", {"high": 0.2}),
        ("MountainCarContinuous-v0", {"low": -1.2, "high": 0.2}),
        ("Acrobot-v1", {"low": -1, "high": 1}),
    ],
)
def test_reset_options_serve_one_reset(name, options):
    scalar, vector = scalars(name, max_episode_steps=3), make_vector_env(name, N, max_episode_steps=3)
    for venv in (scalar, vector):
        venv.seed(2)
        venv.set_options(options)
    for _ in range(2):  # the second has none
        np.testing.assert_array_equal(vector.reset(), scalar.reset())
    for _ in range(7):
        actions = np.array([scalar.action_space.sample() for _ in range(N)])
        np.testing.assert_array_equal(vector.step(actions)[0], scalar.step(actions)[0])


def test_a_reward_that_is_nearly_all_torque_has_the_bits_of_a_float32_squared():
    scalar, vector = scalars("Pendulum-v1", 200), make_vector_env("Pendulum-v1", 200)
    rng = np.random.default_rng(0)
    for _ in range(40):
        for venv in (scalar, vector):
            venv.seed(0)
            venv.set_options({"x_init": 1e-9, "y_init": 1e-9})  # upright and at rest: angle and speed cost nothing
            venv.reset()
        actions = rng.uniform(-2, 2, (200, 1)).astype(np.float32)
        np.testing.assert_array_equal(vector.step(actions)[1], scalar.step(actions)[1])


def test_what_a_step_returned_is_not_changed_by_the_next():
    for name, action in (("CartPole-v1", np.ones(N, np.int64)), ("Taxi-v4", np.ones(N, np.int64)), ("Pendulum-v1", np.ones((N, 1), np.float32))):
        venv = make_vector_env(name, N, max_episode_steps=2)
        venv.seed(0)
        venv.reset()
        kept = [venv.step(action) for _ in range(5)]
        venv.reset()
        again = make_vector_env(name, N, max_episode_steps=2)
        again.seed(0)
        again.reset()
        for obs, _, dones, infos in kept:
            now, _, _, now_infos = again.step(action)
            np.testing.assert_array_equal(obs, now)
            if dones[0]:
                np.testing.assert_array_equal(infos[0]["terminal_observation"], now_infos[0]["terminal_observation"])


# ------------------------------------------------------------------------------------------------------------------------- the algorithms
@pytest.mark.parametrize("name", ["CartPole-v1", "Pendulum-v1"])
def test_ppo_learns_the_same_weights(name):
    settings = {"n_steps": 25, "batch_size": 50, "n_epochs": 2, "seeds": [3, 4]}
    ordinary = PPO("MlpPolicy", name, n_envs=4, **settings).learn(200)
    vector = PPO("MlpPolicy", lambda: make_vector_env(name, 4), **settings).learn(200)
    for k in range(2):
        theirs = ordinary.member(k).policy.state_dict()
        assert all((value == theirs[key]).all() for key, value in vector.member(k).policy.state_dict().items())
    assert [{**info, "t": 0} for info in vector.ep_info_buffer] == [{**info, "t": 0} for info in ordinary.ep_info_buffer]


def test_q_learning_learns_the_same_table():
    ordinary = QLearning("TabularPolicy", "FrozenLake-v1", n_envs=4, seeds=[3]).learn(20_000)
    vector = QLearning("TabularPolicy", lambda: make_vector_env("FrozenLake-v1", 4), seeds=[3]).learn(20_000)
    assert ordinary.q_table.any()
    np.testing.assert_array_equal(vector.q_table, ordinary.q_table)


@pytest.mark.parametrize("n_envs", [1, 3])
def test_all_seeds_in_one_block_learn_what_each_learns_alone(n_envs):
    block = QLearning("TabularPolicy", vectorised("FrozenLake-v1"), n_envs=n_envs, seeds=range(5, 9), gamma=0.9).learn(3000 * n_envs)
    assert block.Q.any(axis=(1, 2)).all()
    for k, seed in enumerate(range(5, 9)):
        alone = QLearning("TabularPolicy", "FrozenLake-v1", n_envs=n_envs, seeds=[seed], gamma=0.9).learn(3000 * n_envs)
        np.testing.assert_array_equal(block.Q[k], alone.Q[0])
    assert [{**info, "t": 0} for info in block.ep_info_buffers[3]] == [{**info, "t": 0} for info in alone.ep_info_buffer]


@pytest.mark.parametrize("name", ["FrozenLake-v1", "CartPole-v1"])
def test_a_member_of_a_block_goes_on_with_a_copy_of_its_lanes(name):
    new = {"FrozenLake-v1": lambda: QLearning("TabularPolicy", vectorised(name), seeds=[1, 2, 3]),
           "CartPole-v1": lambda: PPO("MlpPolicy", vectorised(name), n_envs=2, n_steps=16, batch_size=8, seeds=[1, 2, 3])}[name]  # fmt: skip
    stack = new().learn(150)
    member = stack.member(1).learn(150, reset_num_timesteps=False)
    stack.learn(150, reset_num_timesteps=False)
    weights = stack.member(1).policy.state_dict()
    assert all((value == weights[key]).all() for key, value in member.policy.state_dict().items())


def test_an_environment_may_bring_its_own_vectorised_form():
    class Still(gym.Env):
        observation_space, action_space = gym.spaces.Discrete(1), gym.spaces.Discrete(2)

        class lanes(LaneVecEnv):
            def begin(self, lane, options):
                return 0

            def advance(self, actions):
                return actions.astype(float), np.zeros(self.num_envs, bool)

            def observe(self):
                return np.zeros(self.num_envs, np.int64)

    model = QLearning("TabularPolicy", vectorised(Still), seeds=range(50), gamma=0.0).learn(500)
    np.testing.assert_allclose(model.Q[:, 0], [[0, 1]] * 50, atol=1e-3)


def test_they_are_evaluated_and_normalised_like_any_vec_env():
    model = PPO("MlpPolicy", "CartPole-v1", seed=0)
    rewards = []
    for venv in (scalars("CartPole-v1"), make_vector_env("CartPole-v1", N)):
        venv.seed(0)
        rewards.append(
            evaluate_policy(model, VecNormalize(venv, training=False, norm_reward=False), n_eval_episodes=10, return_episode_rewards=True, warn=True)
        )
    assert rewards[0] == rewards[1]


# -------------------------------------------------------------------------------------------------------------------------------- asking
def test_attributes_are_those_that_lanes_have_in_common_or_each_for_itself():
    venv = make_vector_env("CartPole-v1", 3)
    venv.seed(0)
    obs = venv.reset()
    np.testing.assert_array_equal(np.float32(venv.get_attr("state", [0, 2])), obs[[0, 2]])
    assert venv.get_attr("gravity", 1) == [9.8] and venv.get_attr("spec")[2].id == "CartPole-v1" and venv.render_mode is None
    assert len({id(stream) for stream in venv.get_attr("np_random")}) == 3
    assert venv.env_is_wrapped(Monitor) == [True] * 3 and venv.env_is_wrapped(TimeLimit) == [False] * 3
    assert not venv.has_attr("lastaction")
    assert make_vector_env("FrozenLake-v1", 2).get_attr("unwrapped")[0].P[0]


def test_a_constant_is_set_for_all_lanes():
    scalar, vector = scalars("CartPole-v1"), make_vector_env("CartPole-v1", N)
    vector.set_attr("gravity", 20.0)
    for single in scalar.envs:
        single.unwrapped.gravity = 20.0
    for venv in (scalar, vector):
        venv.seed(0)
        venv.reset()
    for _ in range(30):
        np.testing.assert_array_equal(vector.step(np.ones(N, np.int64))[0], scalar.step(np.ones(N, np.int64))[0])
    with pytest.raises(ValueError, match="gravity of CartPole-v1 is one number for all 5 lanes"):
        vector.set_attr("gravity", 1.0, [0])
    with pytest.raises(AttributeError, match="render_mode of CartPole-v1 cannot be set; what can be is: gravity"):
        vector.set_attr("render_mode", "human")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: make_vector_env("Blackjack-v1", 2), "has no vectorised form"),
        (lambda: make_vector_env("CartPole-v1", 0), "n_envs=0"),
        (lambda: make_vector_env("CartPole-v1", 2, render_mode="rgb_array"), "draws no pictures"),
        (lambda: make_vector_env("Taxi-v4", 2, fickle_passenger=True), "fickle_passenger=True of Taxi-v4 is not vectorised, only False is"),
        (lambda: make_vector_env(lambda: TransformReward(gym.make("CartPole-v1"), abs), 2), "TransformReward around CartPole-v1 would be left out"),
        (lambda: make_vector_env(two_by_two_grid, 2, render_mode=None), "arguments go with an id"),
    ],
)
def test_what_cannot_be_made_is_said_in_one_line(make, message):
    with pytest.raises(ValueError, match=message) as error:
        make()
    assert "\n" not in str(error.value)


def test_a_monitor_file_that_would_not_be_written_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Monitor around CartPole-v1 would be left out"):
        make_vector_env(lambda: Monitor(gym.make("CartPole-v1"), str(tmp_path / "log")), 2)


def test_what_cannot_be_done_is_said_in_one_line():
    venv = make_vector_env("CartPole-v1", 2)
    with pytest.raises(RuntimeError, match=r"call reset\(\) before step\(\)"):
        venv.step(np.zeros(2, np.int64))
    venv.reset()
    for actions in (np.array([0, 2]), np.array([-1, 0]), np.array([0.0, 1.0])):
        with pytest.raises(ValueError, match="must be integers from 0 to 1"):
            venv.step(actions)
    with pytest.raises(ValueError, match=r"Actions of shape \(3,\) for 2 lanes"):
        venv.step(np.zeros(3, np.int64))
    with pytest.raises(AttributeError, match="not objects with methods"):
        venv.env_method("close")
    for draw in (venv.render, venv.get_images):
        with pytest.raises(NotImplementedError, match="draws no pictures"):
            draw()


def test_a_table_without_first_states_is_refused():
    env = two_by_two_grid()
    del env.initial_state_distrib
    with pytest.raises(ValueError, match="no initial_state_distrib"):
        make_vector_env(lambda: env, 2)
