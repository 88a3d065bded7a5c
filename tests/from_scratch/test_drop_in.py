"""PPO and DQN in Stable-Baselines3's place: the same run from the same seed, the same tools, the same files."""

import gymnasium as gym
import numpy as np
import pytest
import stable_baselines3 as sb3
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback, CheckpointCallback, EvalCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.logger import configure
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecNormalize

import from_scratch as ours

pytestmark = pytest.mark.numerical

DQN_KWARGS = {"learning_starts": 50, "target_update_interval": 60, "buffer_size": 300, "exploration_fraction": 0.5}
RUNS = {  # class, environment, n_envs, hyper-parameters: together they pass every branch of the two files
    "ppo": ("PPO", "CartPole-v1", 1, {"n_steps": 128}),
    "ppo-4-envs": ("PPO", "CartPole-v1", 4, {"n_steps": 32, "ent_coef": 0.01, "normalize_advantage": False}),
    "ppo-box": ("PPO", "Pendulum-v1", 1, {"n_steps": 128, "clip_range_vf": 0.2, "gae_lambda": 0.8}),
    "ppo-box-3-envs": ("PPO", "Pendulum-v1", 3, {"n_steps": 100, "batch_size": 60, "use_sde": False, "learning_rate": lambda left: 1e-3 * left}),
    "ppo-target-kl": ("PPO", "CartPole-v1", 2, {"n_steps": 64, "target_kl": 0.001}),
    "ppo-gsde": ("PPO", "Pendulum-v1", 2, {"n_steps": 64, "use_sde": True, "sde_sample_freq": 4}),
    "ppo-relu-net": ("PPO", "CartPole-v1", 1, {"n_steps": 64, "policy_kwargs": {"net_arch": {"pi": [32], "vf": [16, 16]}, "activation_fn": torch.nn.ReLU}}),
    "ppo-one-hot": ("PPO", "FrozenLake-v1", 2, {"n_steps": 64}),
    "dqn": ("DQN", "CartPole-v1", 1, DQN_KWARGS),
    "dqn-4-envs": ("DQN", "CartPole-v1", 4, {**DQN_KWARGS, "tau": 0.7, "train_freq": 2, "gradient_steps": -1}),
    "dqn-3-step": ("DQN", "CartPole-v1", 1, {**DQN_KWARGS, "n_steps": 3}),
    "dqn-time-limits": ("DQN", "MountainCar-v0", 2, {**DQN_KWARGS, "gamma": 0.9}),
}


def weights(model):
    return torch.cat([value.flatten().double() for value in model.policy.state_dict().values()])


def distance(a, b):
    return (weights(a) - weights(b)).abs().max().item()


def train(library, case, steps=400, **seeding):
    name, env, n_envs, kwargs = RUNS[case]
    env = make_vec_env(env, n_envs) if library is sb3 else env
    extra = {} if library is sb3 else {"n_envs": n_envs}
    return getattr(library, name)("MlpPolicy", env, **kwargs, **seeding, **extra).learn(steps)


@pytest.mark.filterwarnings("ignore:.*truncated mini-batch")
@pytest.mark.parametrize("case", RUNS)
def test_the_same_seed_follows_sb3s_weights_and_logs(case):
    theirs, mine = train(sb3, case, seed=3), train(ours, case, seed=3)
    assert distance(theirs, mine) < 1e-6
    assert distance(theirs, train(sb3, case, steps=200, seed=3)) > 1e-3  # the run did change the weights
    expected, logged = theirs.logger.name_to_value, mine.logger.name_to_value
    assert {key for key in expected if not key.startswith("time/")} == {key for key in logged if not key.startswith("time/")}
    for key in expected:
        if not key.startswith("time/"):
            assert logged[key] == pytest.approx(expected[key], rel=1e-4, abs=1e-6), key


@pytest.mark.filterwarnings("ignore:.*truncated mini-batch")
@pytest.mark.parametrize("case", RUNS)
def test_a_seed_in_the_stack_equals_the_seed_alone(case):
    alone, stack = train(ours, case, seeds=[3]), train(ours, case, seeds=[1, 3, 5])
    assert distance(alone, stack.member(1)) == 0.0
    assert distance(train(ours, case, seed=3), alone) < 1e-6
    assert distance(stack.member(0), stack.member(1)) > 1e-3


@pytest.mark.parametrize("case", ["ppo", "dqn"])
def test_two_thousand_steps_of_ten_seeds_equal_each_alone(case):
    stack = train(ours, case, steps=2000, seeds=range(10))
    for k in (0, 7):
        assert distance(stack.member(k), train(ours, case, steps=2000, seeds=[k])) <= 1e-5


@pytest.mark.parametrize("name", ["PPO", "DQN"])
def test_signatures_are_sb3s_with_our_keywords_at_the_end(name):
    import inspect

    mine, theirs = getattr(ours, name), getattr(sb3, name)
    a, b = inspect.signature(mine).parameters, inspect.signature(theirs).parameters
    assert [(p.name, p.default) for p in list(a.values())[: len(b)]] == [(p.name, p.default) for p in b.values()]
    assert [(p.name, p.kind) for p in list(a.values())[len(b) :]] == [("seeds", inspect.Parameter.KEYWORD_ONLY), ("n_envs", inspect.Parameter.KEYWORD_ONLY)]
    a, b = inspect.signature(mine.learn).parameters, inspect.signature(theirs.learn).parameters
    assert [(p.name, p.default) for p in a.values()] == [(p.name, p.default) for p in b.values()]


def test_models_are_what_tools_take_them_for():
    ppo, dqn = ours.PPO("MlpPolicy", "CartPole-v1"), ours.DQN("MlpPolicy", "CartPole-v1", buffer_size=10)
    assert isinstance(ppo, BaseAlgorithm) and isinstance(ppo, OnPolicyAlgorithm) and not isinstance(ppo, OffPolicyAlgorithm)
    assert isinstance(dqn, BaseAlgorithm) and isinstance(dqn, OffPolicyAlgorithm) and not isinstance(dqn, OnPolicyAlgorithm)


SMALL = {"PPO": {"n_steps": 64}, "DQN": DQN_KWARGS}


@pytest.mark.parametrize("name", ["PPO", "DQN"])
def test_sb3s_callbacks_logger_and_evaluation_work(name, tmp_path):
    model = getattr(ours, name)("MlpPolicy", "CartPole-v1", seed=0, **SMALL[name])
    model.set_logger(configure(str(tmp_path), ["csv"]))
    evaluation = EvalCallback(make_vec_env("CartPole-v1"), eval_freq=100, n_eval_episodes=2, best_model_save_path=tmp_path, log_path=tmp_path, verbose=0)
    model.learn(300, callback=[evaluation, CheckpointCallback(100, tmp_path, save_replay_buffer=True)])
    model.logger.close()
    assert (tmp_path / "best_model.zip").exists() and (tmp_path / "rl_model_200_steps.zip").exists()
    assert len(np.load(tmp_path / "evaluations.npz")["timesteps"]) >= 3
    assert "rollout/ep_rew_mean" in (tmp_path / "progress.csv").read_text().splitlines()[0]
    mean, _ = evaluate_policy(model, make_vec_env("CartPole-v1"), n_eval_episodes=3)
    assert 1 <= mean <= 500


@pytest.mark.parametrize("name", ["PPO", "DQN"])
@pytest.mark.parametrize("direction", ["ours in SB3", "SB3's in ours"])
def test_a_zip_opens_on_the_other_side_predicts_the_same_and_continues(name, direction, tmp_path):
    kwargs = SMALL[name]
    writer, reader = (getattr(ours, name), getattr(sb3, name)) if direction == "ours in SB3" else (getattr(sb3, name), getattr(ours, name))
    model = writer("MlpPolicy", "CartPole-v1", seed=1, **kwargs).learn(300)
    model.save(tmp_path / "model")
    if name == "DQN":
        model.save_replay_buffer(tmp_path / "replay")
    obs = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    continued = []
    for cls in (writer, reader):
        loaded = cls.load(tmp_path / "model", env=make_vec_env("CartPole-v1"))
        np.testing.assert_array_equal(loaded.predict(obs, deterministic=True)[0], model.predict(obs, deterministic=True)[0])
        if name == "DQN":
            loaded.load_replay_buffer(tmp_path / "replay")
        loaded.set_random_seed(5)
        continued.append(loaded.learn(300))
    assert distance(*continued) < 1e-6
    assert distance(continued[0], model) > 1e-3


def test_a_stack_saves_loads_and_predicts_for_all_its_seeds(tmp_path):
    stack = ours.PPO("MlpPolicy", "CartPole-v1", seeds=[3, 5], n_steps=64).learn(128)
    stack.save(tmp_path / "stack")
    loaded = ours.PPO.load(tmp_path / "stack")
    obs = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    actions, _ = loaded.predict(obs, deterministic=True)
    for k in (0, 1):
        np.testing.assert_array_equal(actions[3 * k : 3 * k + 3], stack.member(k).predict(obs[3 * k : 3 * k + 3], deterministic=True)[0])
    with pytest.raises(ValueError, match="5 observations for 2 seeds"):
        loaded.predict(obs[:5])


def test_vecnormalize_statistics_stay_with_their_seed():
    def normalised():
        return VecNormalize(make_vec_env("Pendulum-v1", 2), gamma=0.9)

    theirs = sb3.PPO("MlpPolicy", normalised(), seed=0, n_steps=64).learn(256)
    stack = ours.PPO("MlpPolicy", normalised, seeds=[0, 4], n_steps=64).learn(256)
    assert distance(theirs, stack.member(0)) < 1e-6
    np.testing.assert_allclose(stack.member(0).get_vec_normalize_env().obs_rms.mean, theirs.get_vec_normalize_env().obs_rms.mean, rtol=1e-5)
    assert not np.allclose(stack.member(0).get_vec_normalize_env().obs_rms.mean, stack.member(1).get_vec_normalize_env().obs_rms.mean)


def test_a_replaced_policy_is_trained_not_the_stale_one():
    model = ours.PPO("MlpPolicy", "CartPole-v1", seed=0, n_steps=64).learn(64)
    other = ours.PPO("MlpPolicy", "CartPole-v1", seed=1, n_steps=64)
    model.policy = other.policy
    before = weights(model).clone()
    model.learn(64)
    assert (weights(model) - before).abs().max() > 1e-4


def test_weights_that_left_our_memory_are_taken_back():
    model = ours.PPO("MlpPolicy", "CartPole-v1", seed=0, n_steps=64).learn(64)
    for p in model.policy.parameters():
        p.data = p.data.clone()
    before = weights(model).clone()
    model.learn(64)
    assert (weights(model) - before).abs().max() > 1e-4


def test_values_and_log_probs_are_there_for_a_callback_that_reads_them():
    seen = []

    class Reader(BaseCallback):
        def _on_step(self):
            seen.append((self.locals["values"], self.locals["log_probs"], self.locals["rewards"], self.locals["dones"], self.locals["infos"]))
            return True

    ours.PPO("MlpPolicy", "CartPole-v1", seed=0, n_steps=32, n_envs=2).learn(64, callback=Reader())
    theirs = []

    class TheirReader(BaseCallback):
        def _on_step(self):
            theirs.append((self.locals["values"], self.locals["log_probs"]))
            return True

    sb3.PPO("MlpPolicy", make_vec_env("CartPole-v1", 2), seed=0, n_steps=32).learn(64, callback=TheirReader())
    for mine, their in zip(seen, theirs, strict=True):
        assert mine[0].shape == their[0].shape and mine[1].shape == their[1].shape
        torch.testing.assert_close(mine[0], their[0], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(mine[1], their[1], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: ours.DQN("MlpPolicy", "Pendulum-v1"), ValueError, "DQN needs a Discrete action space"),
        (lambda: ours.DQN("MlpPolicy", "Pendulum-v1"), AssertionError, "The algorithm only supports"),
        (lambda: ours.PPO("MlpPolicy", gym.make("CartPole-v1"), seeds=[1, 2]), ValueError, "give an id or a factory"),
        (lambda: ours.PPO("MlpPolicy", make_vec_env("CartPole-v1", 2), n_envs=3), ValueError, "n_envs=3"),
        (lambda: ours.DQN("MlpPolicy", "CartPole-v1", train_freq=(1, "episode"), seeds=[1, 2]), ValueError, "cannot train in lock-step"),
        (lambda: ours.DQN("MlpPolicy", "CartPole-v1", train_freq=(1, "hour")), ValueError, "must be either 'step' or 'episode'"),
    ],
)
def test_bad_input_gets_one_clear_line(build, error, words):
    with pytest.raises(error, match=words):
        build()


def test_where_two_critics_say_the_same_sacs_actor_follows_the_first_as_in_sb3():
    model = ours.SAC("MlpPolicy", "Pendulum-v1", buffer_size=10)
    model.q = lambda obs, a: torch.stack([a.sum(-1), 3 * a.sum(-1) - 2 * a.sum(-1).detach()], 1)  # equal values, slopes 1 and 3
    action = torch.zeros(1, 4, 1, requires_grad=True)
    model.pi = lambda obs, noise: (action, torch.zeros(1, 4))
    batch = type("Batch", (), {"obs": torch.zeros(1, 4, 3)})
    loss, _ = model.actor_loss(batch, torch.zeros(1, 4, 1), torch.ones(1))
    loss.sum().backward()
    assert action.grad.flatten().tolist() == [-0.25] * 4  # minus the mean of slope 1; sharing it out would give -0.5
