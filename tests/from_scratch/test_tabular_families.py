"""What every tabular method of temporal differences and traces does behind SB3's API. Their equations are tested in their families."""


import numpy as np
import pytest
from stable_baselines3.common.logger import KVWriter, Logger

from from_scratch.core.tabular.control import TabularControl
from from_scratch.core.tabular.prediction import TabularPrediction
from from_scratch.envs import BernoulliBandit
from from_scratch.envs.vector import vectorised
from from_scratch.registry import ENTRIES, find

FAMILIES = ("temporal_difference", "eligibility_traces")
LEARNERS = [entry.load() for entry in ENTRIES.values() if entry.family in FAMILIES and issubclass(entry.load(), TabularPrediction | TabularControl)]
CONTROL = [learner for learner in LEARNERS if not issubclass(learner, TabularPrediction)]
LAKE = vectorised("FrozenLake-v1")


class Lines(KVWriter):
    """Keeps what was logged."""

    def __init__(self):
        self.lines = []

    def write(self, key_values, key_excluded, step=0):
        self.lines.append(dict(key_values))


def make(learner, env=LAKE, **kwargs):
    if issubclass(learner, TabularPrediction):
        return learner("TabularPolicy", env, **{"initial_value": 0.5, **kwargs})
    return learner("TabularPolicy", env, **{"exploration_final_eps": 0.3, "exploration_fraction": 0.5, "initial_value": 0.5, **kwargs})


def tables(model, k=0):
    return model.get_parameters()["policy" if model.n_seeds == 1 else f"policies.{k}"]


def assert_same(one, other):
    assert one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("learner", LEARNERS)
def test_what_is_logged(learner):
    lines = Lines()
    model = make(learner, seed=0)
    model.set_logger(Logger(None, [lines]))
    model.learn(200, log_interval=5)
    expected = {"rollout/ep_rew_mean", "time/episodes", "time/total_timesteps", "train/learning_rate", "train/td_error"}
    assert expected | ({"rollout/exploration_rate"} if learner in CONTROL else set()) <= set(lines.lines[-1])


@pytest.mark.parametrize("learner", CONTROL)
def test_control_predicts_the_greedy_action_or_explores(learner):
    model = make(learner, "FrozenLake-v1", seed=0, exploration_initial_eps=0.5)
    model.q_table[0, 2] = 1
    assert (model.predict(np.zeros(50, dtype=int), deterministic=True)[0] == 2).all()
    assert np.mean(model.predict(np.zeros(2000, dtype=int))[0] == 2) == pytest.approx(0.5 + 0.5 / 4, abs=0.04)


@pytest.mark.parametrize("learner", [learner for learner in LEARNERS if learner not in CONTROL])
def test_prediction_predicts_what_the_given_policy_does(learner, tmp_path):
    pi = np.tile([0.6, 0.3, 0.1, 0.0], (16, 1))
    model = make(learner, "FrozenLake-v1", seed=0, pi=pi).learn(20)
    model.save(tmp_path / "model")
    for each in (model, learner.load(tmp_path / "model")):
        assert (each.predict(np.arange(16), deterministic=True)[0] == 0).all()
        share = np.bincount(each.predict(np.zeros(4000, dtype=int))[0], minlength=4) / 4000
        assert share == pytest.approx([0.6, 0.3, 0.1, 0], abs=0.03) and share[3] == 0


@pytest.mark.parametrize(
    ("pi", "message"),
    [
        (np.ones((4, 4)), r"pi has the shape \(4, 4\).* \[16, 4\] probabilities, or \[16\] numbers of actions"),
        (np.ones((16, 4)), r"pi\[0\] = .* not probabilities"),
        (np.full(16, 4), r"pi has the shape \(16,\)"),
    ],
)
def test_a_policy_that_is_none_is_refused(pi, message):
    with pytest.raises(ValueError, match=message):
        make(next(learner for learner in LEARNERS if learner.__name__ == "TD0"), "FrozenLake-v1", pi=pi)


@pytest.mark.parametrize("name", ["QLearning", "TD0"])
def test_a_step_size_for_each_seed_is_that_seed_s_alone(name):
    learner = next(learner for learner in LEARNERS if learner.__name__ == name)
    stack = make(learner, seeds=[1, 3], learning_rate=[0.1, 0.5]).learn(300)
    alone = make(learner, seeds=[3], learning_rate=0.5).learn(300)
    assert_same(tables(stack, 1), tables(alone))
    member = stack.member(1)
    assert member.learning_rate == 0.5
    for model in (member, alone):
        model.learn(100, reset_num_timesteps=False)
    assert_same(tables(member), tables(alone))
    with pytest.raises(ValueError, match=r"learning_rate has the shape \(2,\), but there are 3 seeds"):
        make(learner, seeds=[1, 2, 3], learning_rate=[0.1, 0.5])


def test_what_a_state_does_not_allow_is_never_chosen():
    for learner in CONTROL:
        chosen = []

        def watch(local, _, chosen=chosen):
            model = local["self"]
            chosen.append(local["actions"][model.state == 0])
            return True

        model = make(learner, "from_scratch/MaximisationBias-v0", seed=0, exploration_initial_eps=1.0, exploration_final_eps=1.0, gamma=1.0)
        model.learn(200, callback=watch)
        assert set(np.concatenate(chosen).tolist()) == {0, 1}, learner
        assert np.isneginf(model.q_table[0, 2:]).all() and np.isfinite(model.q_table[0, :2]).all() and np.isfinite(model.q_table[1]).all(), learner
        assert set(model.predict(np.zeros(100, dtype=int))[0].tolist()) == {0, 1}, learner


@pytest.mark.parametrize(
    ("id", "wrong", "message"),
    [
        ("q_learning", {"learning_rate": 0.0}, "learning_rate=0.0: give a number above 0 and up to 1."),
        ("q_learning", {"learning_rate": 1e9}, "learning_rate=1000000000.0: give a number above 0 and up to 1."),
        ("td0", {"learning_rate": -0.1, "learning_rate_decay": 1.0}, "learning_rate=-0.1: give a number above 0."),
        ("sarsa", {"learning_rate": [0.1, -0.1], "seeds": [0, 1]}, r"learning_rate=\[0.1, -0.1\]: give a number above 0 and up to 1."),
        ("sarsa", {"learning_rate_decay": -1.0}, "learning_rate_decay=-1.0: give a number from 0 on."),
        ("expected_sarsa", {"initial_value": float("nan")}, "initial_value=nan: give a finite number."),
        ("semi_gradient_sarsa", {"learning_rate": float("inf")}, "learning_rate=inf: give a number above 0."),
        ("gtd2", {"beta": -1.0}, "beta=-1.0: give a number from 0 on."),
        ("tdc", {"beta": -1.0}, "beta=-1.0: give a number from 0 on."),
        ("differential_sarsa", {"beta": -0.1}, "beta=-0.1: give a number from 0 on."),
        ("dyna_q_plus", {"kappa": -1e-3}, "kappa=-0.001: give a number from 0 on."),
        ("prioritized_sweeping", {"theta": -1.0}, "theta=-1.0: give a number from 0 on."),
        ("value_iteration", {"theta": -1.0}, "theta=-1.0: give a number from 0 on."),
        ("policy_iteration", {"max_sweeps": 0}, "max_sweeps=0: give a number from 1 on."),
        ("batch_td", {"theta": 0.0}, "theta=0.0: give a number above 0."),
        ("tree_backup", {"target_eps": 2.0}, "target_eps=2.0: a probability or a fraction lies between 0 and 1."),
        ("off_policy_n_step_sarsa", {"target_eps": 2.0}, "target_eps=2.0: a probability or a fraction lies between 0 and 1."),
        ("q_sigma", {"sigma": -1.0}, "sigma=-1.0: a probability or a fraction lies between 0 and 1."),
    ],
)
def test_numbers_that_mean_nothing_are_refused(id, wrong, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        find(id).load()(find(id).policy, "FrozenLake-v1", **wrong)


@pytest.mark.parametrize("wrong", [{"learning_rate": 0.0}, {"learning_rate_decay": -1.0}, {"initial_value": float("nan")}])
def test_numbers_that_mean_nothing_are_refused_by_bandits_too(wrong):
    with pytest.raises(ValueError, match="give a"):
        find("epsilon_greedy_bandit").load()("TabularPolicy", lambda: BernoulliBandit(), **wrong)


Q_LAKE = find("q_learning").load()("TabularPolicy", "FrozenLake-v1", seed=0)


@pytest.mark.parametrize(
    ("id", "env", "wrong", "message"),
    [
        ("q_learning", "CartPole-v1", {}, "Cut it into bins with from_scratch.envs.Discretize, or take .* semi_gradient_sarsa, dqn"),
        ("q_learning", "Blackjack-v1", {}, "Wrap the environment in from_scratch.envs.FlattenTuple"),
        ("value_iteration", "CartPole-v1", {}, "CartPole-v1 has no transition table P .* for Box observations: dqn"),
        ("semi_gradient_sarsa", "CartPole-v1", {}, r'Give bounds=.*; to an algorithm features_kwargs=\{"bounds": \[…\]\}'),
        ("semi_gradient_sarsa", "Blackjack-v1", {}, "Wrap the environment in from_scratch.envs.FlattenTuple"),
        ("td0", "FrozenLake-v1", {"pi": lambda s: 0}, r"pi is a function; a policy of tables is \[16, 4\] probabilities"),
        ("td0", "FrozenLake-v1", {"pi": Q_LAKE}, r"pi is a QLearning, .* give pi=model.q_table.argmax\(-1\)"),
        ("policy_evaluation", "FrozenLake-v1", {"pi": Q_LAKE}, "pi is a QLearning"),
        ("semi_gradient_td", "FrozenLake-v1", {"behaviour": Q_LAKE.policy}, "behaviour is a TabularPolicy, not a policy's numbers"),
    ],
)
def test_a_refusal_names_the_way_out(id, env, wrong, message):
    with pytest.raises(ValueError, match=message):
        find(id).load()(find(id).policy, env, **wrong)


def test_features_go_by_the_names_of_their_classes_too():
    model = find("semi_gradient_sarsa").load()("LinearPolicy", "FrozenLake-v1", features="OneHot")
    assert type(model.x).__name__ == "OneHot"
