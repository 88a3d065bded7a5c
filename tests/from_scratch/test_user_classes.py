"""Classes belong to whoever writes them, and models to whoever has them: subclasses, copies, pickles, types, and what help() says.

Beside SB3's classes where there are twins, and for every class of the registry otherwise.
"""

import copy
import functools
import gc
import inspect
import io
import pickle
import subprocess
import sys
import typing
import weakref
from pathlib import Path

import cloudpickle
import gymnasium as gym
import numpy as np
import pytest
import stable_baselines3 as sb3
import torch
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.envs import BitFlippingEnv
from stable_baselines3.common.noise import OrnsteinUhlenbeckActionNoise
from stable_baselines3.common.vec_env import VecNormalize

import from_scratch as ours
from from_scratch import stub
from from_scratch.core.arguments import TEXTS, explain
from from_scratch.envs import BernoulliBandit
from from_scratch.envs.vector import vectorised
from from_scratch.registry import ENTRIES
from tests.contract.probes import recorded
from tests.some import some

ROOT = Path(__file__).parents[2]
CONTINUOUS = ("DDPG", "TD3", "SAC")


def replay(**more):
    return {"buffer_size": 300, "learning_starts": 10, "batch_size": 8, "policy_kwargs": {"net_arch": [8]}, **more}


SMALL = {"PPO": {"n_steps": 32, "batch_size": 16, "n_epochs": 2}, "A2C": {}, **{name: replay() for name in ("DQN", *CONTINUOUS)}}
SIX = pytest.mark.parametrize("name", SMALL)
BOTH = pytest.mark.parametrize("library", [sb3, ours], ids=["sb3", "ours"])
OURS = [entry for entry in ENTRIES.values() if entry.is_ours]
EVERY = pytest.mark.parametrize("entry", OURS, ids=lambda entry: entry.id)


def env_of(name):
    return "Pendulum-v1" if name in CONTINUOUS else "CartPole-v1"


def make(cls, name, *args, **more):
    return cls("MlpPolicy", env_of(name), *args, device="cpu", **{**copy.deepcopy(SMALL[name]), **more})


def smallest(entry, cls=None, **more):
    """The smallest problem on which every class of the registry learns something within some dozen steps."""
    if entry.id == "afterstate_td":
        env = vectorised("from_scratch/TicTacToeSelfPlay-v0")
    elif entry.kind == "bandit":
        env = BernoulliBandit if "seeds" in more else BernoulliBandit()
    elif entry.needs == "action_masks":
        env = "from_scratch/InvalidActionGrid-v0"
    elif entry.policy == "MlpPolicy":
        env = "Pendulum-v1" if entry.actions == ("Box",) else "CartPole-v1"
    elif entry.policy == "LinearPolicy":
        env = "from_scratch/RandomWalk5-v0" if entry.predicts else "from_scratch/AccessControl-v0"
    else:
        env = {"RandomPolicy": "CartPole-v1"}.get(entry.policy, "FrozenLake-v1" if entry.unit == "backups" else "from_scratch/TwoByTwo-v0")
    known = (cls or entry.load()).hyperparameters
    small = SMALL.get(entry.class_name, replay() if "replay_buffer_class" in known else {})
    if entry.loop == "dataset":
        more = {"dataset": recorded(gym.make(env)), **more}
    return (cls or entry.load())(entry.policy, env, **{**copy.deepcopy(small), **more})


def weights(model):
    return [value.double().clone() for policy in model._policies for value in policy.state_dict().values()]


def same(a, b):
    return all(torch.equal(torch.nan_to_num(x), torch.nan_to_num(y)) for x, y in zip(a, b, strict=True))


def learn(model, steps=150):
    return model.learn(steps, reset_num_timesteps=False, log_interval=None)


def stored(model):
    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    return file


# ------------------------------------------------------------------------------------------------------------------ constructors
@BOTH
@SIX
def test_a_constructor_of_one_s_own_decides(name, library):
    class Mine(getattr(library, name)):
        def __init__(self, policy, env, tag="a", *, beta=1.0, **kwargs):
            self.before = 3
            super().__init__(policy, env, **{**kwargs, "gamma": 0.9})
            self.tag, self.beta = tag, beta

    model = make(Mine, name, "b", beta=2.0)

    assert (model.gamma, model.tag, model.beta, model.before) == (0.9, "b", 2.0, 3)
    assert model.learning_rate == getattr(library, name)("MlpPolicy", env_of(name), **copy.deepcopy(SMALL[name])).learning_rate
    loaded = Mine.load(stored(model))
    assert (loaded.gamma, loaded.tag, loaded.beta) == (0.9, "b", 2.0)


@BOTH
@SIX
def test_super_takes_sb3s_positions(name, library):
    class Mine(getattr(library, name)):
        def __init__(self, env, rate):
            super().__init__("MlpPolicy", env, rate, device="cpu", **copy.deepcopy(SMALL[name]))

    assert Mine(env_of(name), 0.25).learning_rate == 0.25


@BOTH
@SIX
def test_a_mixin_in_front_is_asked_first(name, library):
    class Mixin:
        def __init__(self, *args, bonus=1.0, **kwargs):
            super().__init__(*args, **kwargs)
            self.bonus = bonus

    class Mine(Mixin, getattr(library, name)):
        pass

    class Below(Mine):
        pass

    assert make(Below, name, bonus=4.0).bonus == 4.0


@BOTH
@SIX
def test_constructors_by_functools_work(name, library):
    class Partial(getattr(library, name)):
        __init__ = functools.partialmethod(getattr(library, name).__init__, gamma=0.5)

    class Wrapped(getattr(library, name)):
        @functools.wraps(getattr(library, name).__init__)  # it hands on whatever the constructor is marked with
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **{**kwargs, "gamma": 0.25})

    class Below(Wrapped):
        pass

    assert [make(cls, name).gamma for cls in (Partial, Wrapped, Below)] == [0.5, 0.25, 0.25]


@EVERY
def test_every_class_can_be_given_a_constructor_and_a_learn(entry):
    class Mine(entry.load()):
        def __init__(self, policy, env, tag, **kwargs):
            super().__init__(policy, env, **kwargs)
            self.tag = tag

        def learn(self, total_timesteps, callback=None, **kwargs):
            self.has_learnt = True
            return super().learn(total_timesteps, callback, **kwargs)

    class Below(Mine):
        pass

    model = smallest(entry, Below, tag="mine").learn(8, log_interval=None)
    assert (model.tag, model.has_learnt) == ("mine", True)


def test_a_subclass_that_only_declares_fields_gets_its_constructor():
    class Mine(ours.PPO):
        n_steps: int = 64
        beta: float = 1.0
        gamma = 0.5
        n_epochs: typing.ClassVar[int] = 1

    class Below(Mine):
        delta: float = 2.0

    model = Below("MlpPolicy", "CartPole-v1", 1e-3, beta=3.0)
    assert (model.learning_rate, model.n_steps, model.beta, model.gamma, model.n_epochs, model.delta) == (1e-3, 64, 3.0, 0.5, 1, 2.0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'n_epochs'"):
        Below("MlpPolicy", "CartPole-v1", n_epochs=2)


def test_fields_beside_a_constructor_are_its_keywords_and_defaults():
    class Mine(ours.PPO):
        n_steps: int = 64
        beta: float = 1.0
        kept: int = 0
        n_epochs: typing.ClassVar[int] = 1

        def __init__(self, policy, env, *args, **kwargs):
            self.kept = 7
            super().__init__(policy, env, *args, **kwargs)

    model = Mine("MlpPolicy", "CartPole-v1", 1e-3, beta=3.0)
    assert (model.learning_rate, model.n_steps, model.beta, model.kept, model.n_epochs) == (1e-3, 64, 3.0, 7, 1)
    with pytest.raises(TypeError, match="was given n_epochs=10, which Mine fixes as 1"):
        Mine("MlpPolicy", "CartPole-v1", 3e-4, 64, 32, 10)


def test_what_a_class_fixes_stays_fixed_below_it():
    class Mine(ours.DDPG):
        pass

    with pytest.raises(TypeError, match="unexpected keyword argument 'stats_window_size'"):
        Mine("MlpPolicy", "Pendulum-v1", stats_window_size=10)


@SIX
def test_a_member_needs_no_constructor_of_the_user_s(name):
    class Mine(getattr(ours, name)):
        def __init__(self, env, seeds):
            super().__init__("MlpPolicy", env, seeds=seeds, device="cpu", gamma=0.9, **copy.deepcopy(SMALL[name]))

    member, alone = Mine(env_of(name), [1, 2]).learn(64).member(1), Mine(env_of(name), [2]).learn(64)
    assert type(member) is Mine and member.gamma == 0.9
    assert same(weights(learn(member)), weights(learn(alone)))


# ------------------------------------------------------------------------------------------------------------------------ learn
@BOTH
@SIX
def test_a_learn_of_one_s_own_has_its_own_arguments(name, library):
    class Mine(getattr(library, name)):
        def learn(self, total_timesteps, extra, callback=None, log_interval=3, *, more=1, **kwargs):
            self.seen = (extra, callback, log_interval, more)
            return super().learn(total_timesteps, callback, log_interval, **kwargs)

    assert make(Mine, name).learn(16, "extra").seen == ("extra", None, 3, 1)


@BOTH
@SIX
def test_tensorboard_has_a_subclass_under_the_name_of_its_algorithm(name, library, tmp_path):
    class Mine(getattr(library, name)):
        pass

    for cls in (Mine, getattr(library, name)):
        make(cls, name, tensorboard_log=str(tmp_path)).learn(16)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name}_1", f"{name}_2"]


# ------------------------------------------------------------------------------------------------------------ copies and pickles
def twins(model, copied):
    """Train the copy, then the model, on the same random numbers: what the copy had, what both have then, and the model's before."""
    before, state = weights(model), (torch.get_rng_state(), np.random.get_state())
    learn(copied)
    untouched = same(weights(model), before)
    torch.set_rng_state(state[0])
    np.random.set_state(state[1])
    return untouched, weights(copied), weights(learn(model)), before


def normalised():
    return VecNormalize(make_vec_env("CartPole-v1", 2))


PARTS = {
    "optimizers without rows": lambda: ours.PPO("MlpPolicy", "CartPole-v1", n_steps=64, policy_kwargs={"optimizer_class": torch.optim.SGD}),
    "VecNormalize": lambda: ours.PPO("MlpPolicy", normalised(), n_steps=32),
    "noise with a state": lambda: ours.SAC("MlpPolicy", "Pendulum-v1", action_noise=OrnsteinUhlenbeckActionNoise(np.zeros(1), np.ones(1)), **replay()),
    "a fixed temperature": lambda: ours.SAC("MlpPolicy", "Pendulum-v1", ent_coef=0.1, **replay()),
    "a shared extractor": lambda: ours.TD3("MlpPolicy", "Pendulum-v1", **replay(policy_kwargs={"share_features_extractor": True, "net_arch": [8]})),
    "n-step returns": lambda: ours.DQN("MlpPolicy", make_vec_env("CartPole-v1", 4), n_steps=3, **replay()),
    "hindsight": lambda: ours.DQN("MultiInputPolicy", BitFlippingEnv(6), replay_buffer_class=HerReplayBuffer, **replay()),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_deep_copy_has_all_parts_of_its_own(part):
    model = PARTS[part]().learn(64)
    untouched, mine, theirs, before = twins(model, copy.deepcopy(model))
    assert untouched
    assert same(mine, theirs)
    assert not same(mine, before)


def test_a_deep_copy_keeps_what_was_counted_and_measured_so_far():
    model = ours.QLearning("TabularPolicy", "FrozenLake-v1", seed=0, learning_rate_decay=0.6).learn(200, log_interval=None)
    copied = copy.deepcopy(model)
    assert model._n_errors.sum() > 0
    np.testing.assert_array_equal(copied._n_errors, model._n_errors)
    np.testing.assert_array_equal(copied._abs_error, model._abs_error)
    np.testing.assert_array_equal(copied.N, model.N)


@pytest.mark.parametrize("name", ["PPO", "SAC"])
def test_a_user_s_own_way_of_pickling_is_asked(name):
    class Mine(getattr(ours, name)):
        def __getstate__(self):
            return {**self.__dict__, "told": True}

        def __setstate__(self, state):
            self.__dict__.update(state)
            self.back = True

    model = make(Mine, name, seeds=[0]).learn(32)
    copied = copy.deepcopy(model)
    untouched, mine, theirs, before = twins(model, copied)
    assert copied.told and copied.back and untouched
    assert same(mine, theirs)
    assert not same(mine, before)


def test_a_deep_copy_taken_in_a_callback_can_be_trained():
    class Best(BaseCallback):
        def _on_step(self):
            if self.n_calls == 40:
                self.best, self.weights = copy.deepcopy(self.model), weights(self.model)
            return True

    best = Best()
    make(ours.DQN, "DQN", seed=0, verbose=0).learn(64, best)
    assert same(weights(best.best), best.weights)
    assert not same(weights(learn(best.best)), best.weights)


def test_a_deep_copy_of_a_model_that_prints_gets_a_logger_of_its_own(capsys):
    model = make(ours.PPO, "PPO", verbose=1).learn(32)
    copied = copy.deepcopy(model).learn(32)
    assert copied.logger is not model.logger


@SIX
def test_a_shallow_copy_shares_the_networks_as_in_sb3(name):
    def trained(library):
        model = make(getattr(library, name), name, seed=0).learn(32)
        shallow = copy.copy(model)
        if name in ("PPO", "A2C"):
            shallow.ent_coef = 2.0  # an attribute of its own
        shallow.learn(32, reset_num_timesteps=False)
        assert shallow.policy is model.policy
        return [value.double() for value in model.learn(32, reset_num_timesteps=False).policy.state_dict().values()]

    assert max((a - b).abs().max().item() for a, b in zip(trained(ours), trained(sb3), strict=True)) < 1e-5


@SIX
def test_pickles_are_about_as_large_as_sb3s(name):
    def sizes(library):
        model = getattr(library, name)("MlpPolicy", env_of(name), device="cpu", **{key: SMALL[name][key] for key in SMALL[name] if key != "policy_kwargs"})
        model.learn(32)
        file = io.BytesIO()
        torch.save(model.policy, file)
        return [len(part) for part in (cloudpickle.dumps(model), pickle.dumps(model.policy), file.getvalue(), stored(model).getvalue())]

    assert all(mine < 1.1 * theirs for mine, theirs in zip(sizes(ours), sizes(sb3), strict=True))


@SIX
def test_networks_own_their_memory_and_are_copied_and_pickled_by_themselves(name):
    model = make(getattr(ours, name), name).learn(32)
    for part in filter(None, (getattr(model, part, None) for part in ("policy", "q_net", "actor", "critic"))):
        assert all(p.untyped_storage().nbytes() == p.nbytes for p in part.parameters())
        file = io.BytesIO()
        torch.save(part, file)
        file.seek(0)
        for copied in (copy.deepcopy(part), pickle.loads(pickle.dumps(part)), torch.load(file, weights_only=False)):
            kept = [p.clone() for p in part.parameters()]
            assert all(map(torch.equal, copied.parameters(), kept))
            for p in copied.parameters():
                p.data.zero_()
            assert all(map(torch.equal, part.parameters(), kept))


def test_a_class_made_in_a_function_travels_with_its_model():
    class Local(ours.DQN):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **{**kwargs, "gamma": 0.5})

    model = pickle.loads(cloudpickle.dumps(make(Local, "DQN").learn(32)))
    assert model.learn(16).gamma == 0.5


# ----------------------------------------------------------------------------------------------------------------------- freeing
@pytest.fixture(scope="module")
def what_was_there_before_is_not_searched():
    make(ours.DQN, "DQN").learn(32)  # with what a first training imports
    gc.collect()
    gc.freeze()


@pytest.mark.parametrize("entry", some(OURS), ids=lambda entry: entry.id)
def test_a_deleted_model_is_freed_with_its_environment_and_its_memory(entry, what_was_there_before_is_not_searched):
    model = smallest(entry).learn(40, log_interval=None)
    parts = [model, model.env, model.policy, *(getattr(model, name) for name in ("replay_buffer", "rollout_buffer") if hasattr(model, name))]
    references = [weakref.ref(part) for part in parts]
    del model, parts
    gc.collect()
    assert [reference() for reference in references] == [None] * len(references)


def test_a_class_of_the_user_s_is_freed_with_its_models():
    def trained():
        class Mine(ours.PPO):
            pass

        make(Mine, "PPO").learn(32)
        return weakref.ref(Mine)

    reference = trained()
    gc.collect()
    assert reference() is None


# ----------------------------------------------------------------------------------------------------------- numbers of NumPy's
NUMBERS = {
    "PPO": {"n_steps": np.int64(32), "batch_size": np.int64(16), "n_epochs": np.int32(2), "clip_range": np.float64(0.2), "target_kl": np.float64(1)},
    "A2C": {"n_steps": np.int64(8), "gae_lambda": np.float32(0.9)},
    **{name: {"gradient_steps": np.int64(2), "buffer_size": np.int64(300), "batch_size": np.int64(8), "learning_starts": np.int64(10)} for name in CONTINUOUS},
}
NUMBERS["DQN"] = {**NUMBERS["SAC"], "target_update_interval": np.int64(10), "exploration_fraction": np.float64(0.5)}
NUMBERS["TD3"] = {**NUMBERS["TD3"], "policy_delay": np.int64(2), "target_noise_clip": np.float32(0.5)}


@SIX
def test_a_hyper_parameter_may_be_a_number_of_numpys(name):
    given = {**NUMBERS[name], "gamma": np.float32(0.9), "learning_rate": np.float64(1e-3), "seed": 1}
    as_numpy = make(getattr(ours, name), name, **given).learn(np.int64(64))
    as_python = make(getattr(ours, name), name, **{key: value.item() if isinstance(value, np.generic) else value for key, value in given.items()}).learn(64)
    assert same(weights(as_numpy), weights(as_python))


@SIX
def test_train_freq_and_hyper_parameters_set_later_may_be_numbers_of_numpys(name):
    model = make(getattr(ours, name), name, **({} if name in ("PPO", "A2C") else {"train_freq": np.int64(2)}))
    for key in ("batch_size", "gradient_steps", "n_epochs"):
        if hasattr(model, key):
            setattr(model, key, np.int64(getattr(model, key)))
    assert model.learn(64).num_timesteps >= 64
    loaded = type(model).load(stored(model), env=model.env, **({"batch_size": np.int64(8)} if hasattr(model, "batch_size") else {}))
    loaded.learn(32)


# ------------------------------------------------------------------------------------------------------------------------- types
@SIX
def test_a_twin_is_an_instance_of_sb3s_class_but_not_the_other_way_round(name):
    class Mine(getattr(ours, name)):
        pass

    theirs = getattr(sb3, name)
    assert issubclass(getattr(ours, name), theirs) and isinstance(make(Mine, name), theirs)
    assert not issubclass(theirs, getattr(ours, name))
    assert [issubclass(getattr(ours, name), getattr(sb3, other)) for other in SMALL] == [issubclass(theirs, getattr(sb3, other)) for other in SMALL]


@EVERY
def test_the_types_of_a_constructor_are_known(entry):
    hints, parameters = typing.get_type_hints(entry.load().__init__), inspect.signature(entry.load()).parameters
    assert set(hints) == {*parameters, "return"}
    assert all(parameter.annotation == hints[name] for name, parameter in parameters.items())


METHODS = ("load", "save", "set_parameters", "get_parameters", "learn", "predict", "set_env", "set_random_seed", "set_logger", "get_env", "train")


@SIX
@pytest.mark.parametrize("method", METHODS)
def test_methods_have_sb3s_names_and_defaults(name, method):
    def parameters(cls):
        return [(p.name, p.default, p.kind) for p in inspect.signature(getattr(cls, method)).parameters.values()]

    mine = parameters(getattr(ours, name))
    assert [p for p in mine if p[0] not in ("trust", "exact") or p[2] is not inspect.Parameter.KEYWORD_ONLY] == parameters(getattr(sb3, name))
    assert set(typing.get_type_hints(getattr(ours, name).load)) >= {"path", "env", "device", "custom_objects", "print_system_info", "force_reset", "return"}


@EVERY
def test_help_explains_every_argument(entry):
    cls = entry.load()
    text = inspect.getdoc(cls)
    assert list(explain(cls)) == list(inspect.signature(cls).parameters)
    for name, sentence in explain(cls).items():
        assert len(sentence.split()) > 2, f"{name}: say what it means, behind the field or in core/arguments.py"
        assert f"\n    {name} " in text and sentence.split()[-1] in text


def test_a_field_s_comment_is_its_explanation_and_the_common_sentence_stands_where_there_is_none():
    said = explain(ours.PPO)
    assert said["n_steps"] == "T: steps per environment between updates"  # the comment's own words
    assert said["gamma"] == f"γ: {TEXTS['gamma']}"  # its symbol
    assert said["use_sde"] == TEXTS["use_sde"]  # no comment
    assert explain(ours.QLearning)["learning_rate"] == f"α: {TEXTS['learning_rate']}; a sequence has one for each seed"


def test_the_common_sentences_are_those_of_arguments_that_there_are():
    assert set(TEXTS) <= {name for entry in OURS for name in inspect.signature(entry.load()).parameters}


def test_the_stub_says_what_the_fields_say():
    assert stub.HERE.read_text(encoding="utf-8") == stub.text(), "run: python -m from_scratch.stub"
    assert (ROOT / "from_scratch" / "py.typed").is_file()


PROGRAM = """
import gymnasium as gym
from from_scratch import DDPG, PPO, TD3

env = gym.make("CartPole-v1")
model: PPO = PPO("MlpPolicy", env, 3e-4, n_steps=128, seed=0).learn(100)
twin: TD3 = DDPG("MlpPolicy", "Pendulum-v1", seeds=range(3), n_envs=2)
loaded: PPO = PPO.load("model", env=env, device="cpu")

class Mine(PPO):
    def __init__(self, policy: str, env: gym.Env, beta: float = 1.0):
        super().__init__(policy, env, n_steps=16)
        self.beta = beta

Mine("MlpPolicy", env, beta=2.0).learn(3).beta
"""


@pytest.mark.slow
def test_a_type_checker_accepts_sb3s_calls_and_refuses_a_misspelt_argument(tmp_path):
    (tmp_path / "right.py").write_text(PROGRAM)
    (tmp_path / "wrong.py").write_text(f'{PROGRAM}\nPPO("MlpPolicy", env, n_stepz=1)\nPPO("MlpPolicy", env, n_steps="many")\nmodel.learn(9, tb_name="x")\n')
    mypy = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml"]
    right, wrong = (subprocess.run([*mypy, tmp_path / f"{file}.py"], cwd=ROOT, capture_output=True, text=True, check=False) for file in ("right", "wrong"))
    assert right.returncode == 0, right.stdout
    assert 'Unexpected keyword argument "n_stepz" for "PPO"' in wrong.stdout
    assert 'Argument "n_steps" to "PPO" has incompatible type "str"' in wrong.stdout
    assert 'Unexpected keyword argument "tb_name" for "learn"' in wrong.stdout


@pytest.mark.parametrize(("name", "value"), [("net", torch.nn.Linear(2, 2)), ("update", 7)])
@pytest.mark.parametrize("first", [True, False], ids=["before our constructor", "after it"])
def test_an_attribute_that_hides_a_method_of_the_loop_is_refused_by_name(name, value, first):
    class Mine(ours.DQN):
        def __init__(self, *args, **kwargs):
            if first:
                setattr(self, name, value)
            super().__init__(*args, **kwargs)
            setattr(self, name, value)

    with pytest.raises(TypeError, match=f"Mine.{name} is a method that Mine trains by, hidden here by an attribute, a {type(value).__name__}"):
        Mine("MlpPolicy", "CartPole-v1", device="cpu", **SMALL["DQN"]).learn(20)


def test_a_method_of_the_loop_may_be_replaced_by_another_function():
    model, seen = ours.DQN("MlpPolicy", "CartPole-v1", device="cpu", **SMALL["DQN"]), []
    model.update = seen.append
    model.learn(20)
    assert seen
