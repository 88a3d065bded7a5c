"""docs/code_beside_code.md: what it says of Stable-Baselines3 and of this project stands in their sources, and in their defaults."""

import inspect
from pathlib import Path

import pytest
from stable_baselines3 import PPO, SAC
from stable_baselines3.common import buffers, off_policy_algorithm, on_policy_algorithm, utils
from stable_baselines3.common.vec_env import dummy_vec_env

import from_scratch

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "code_beside_code.md").read_text(encoding="utf-8")

SAID = {  # a row -> where SB3 has it, and the words
    "adds γ V(s′) to the last reward": (on_policy_algorithm.OnPolicyAlgorithm.collect_rollouts, "rewards[idx] += self.gamma * terminal_value"),
    "where `info` says `TimeLimit.truncated` and not terminated": (dummy_vec_env.DummyVecEnv.step_wait, "truncated and not terminated"),
    "unless the last step ended an episode": (buffers.RolloutBuffer.compute_returns_and_advantage, "1.0 - dones"),
    "advantage + V: the λ-return": (buffers.RolloutBuffer.compute_returns_and_advantage, "self.returns = self.advantages + self.values"),
    "10⁻⁸ added to the deviation": (PPO.train, "advantages.std() + 1e-8"),
    "one sample alone is left as it is": (PPO.train, "len(advantages) > 1"),
    "the mean of r − 1 − ln r": (PPO.train, "(th.exp(log_ratio) - 1) - log_ratio"),
    "leaves time limits out of the dones": (buffers.ReplayBuffer._get_samples, "(1 - self.timeouts["),
    "`terminal_observation` of `info`": (off_policy_algorithm.OffPolicyAlgorithm._store_transition, '"terminal_observation"'),
    "half of it": (SAC.train, "0.5 * sum("),
    "Python, NumPy and torch for the whole process": (utils.set_random_seed, "np.random.seed(seed)"),
}


@pytest.mark.parametrize("words", SAID)
def test_what_the_page_says_of_sb3_stands_in_its_source(words):
    where, source = SAID[words]
    assert words in PAGE
    assert source in inspect.getsource(where)


@pytest.mark.parametrize("of", [PPO, from_scratch.PPO])
def test_ppo_has_the_defaults_that_the_page_names(of):
    default = {name: parameter.default for name, parameter in inspect.signature(of).parameters.items()}
    assert [default[name] for name in ("batch_size", "n_epochs", "max_grad_norm", "target_kl")] == [64, 10, 0.5, None]


@pytest.mark.parametrize("of", [SAC, from_scratch.SAC])
def test_sac_has_the_defaults_that_the_page_names(of):
    default = {name: parameter.default for name, parameter in inspect.signature(of).parameters.items()}
    assert [default[name] for name in ("ent_coef", "target_entropy", "learning_starts", "train_freq", "gradient_steps")] == ["auto", "auto", 100, 1, 1]


def test_sac_s_steps_are_taken_in_the_order_that_the_page_names():
    source = inspect.getsource(SAC.train)
    places = [source.index(words) for words in ("ent_coef_optimizer.step()", "critic.optimizer.step()", "actor.optimizer.step()", "polyak_update(")]
    assert places == sorted(places)
    ours = inspect.getsource(from_scratch.SAC.update)
    places = [ours.index(words) for words in ("temperature_loss", "critic_loss", "actor_loss", "q_target.track")]
    assert places == sorted(places)
