"""What users' callbacks and wrappers see of the training loop, and may do to it, is what Stable-Baselines3 shows and allows."""

import copy
import pickle

import gymnasium as gym
import numpy as np
import pytest
import stable_baselines3 as sb3
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback, CallbackList, CheckpointCallback, EvalCallback, EveryNTimesteps, LogEveryNTimesteps
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnvWrapper

import from_scratch as ours
from from_scratch.core.callbacks import Locals, is_users
from from_scratch.core.loops.rollout import UnderWay
from from_scratch.core.vec_env import SerialVecEnv

ON, OFF = ("A2C", "PPO"), ("DQN", "DDPG", "TD3", "SAC")
SMALL = {"A2C": {}, "PPO": {"n_steps": 32, "batch_size": 16, "n_epochs": 2}}
SMALL |= {name: {"learning_starts": 20, "buffer_size": 300, "batch_size": 16, "policy_kwargs": {"net_arch": [16]}} for name in OFF}


class Short(gym.Env):
    """Observations and rewards at random, episodes of 9 steps that a time limit cuts (and every third that terminates)."""

    def __init__(self, action_space):
        self.observation_space, self.action_space, self.episode = spaces.Box(-1, 1, (3,), np.float32), action_space, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t, self.episode = 0, self.episode + 1
        return self.look(), {"reset": self.episode}

    def look(self):
        return self.np_random.random(3).astype(np.float32)

    def step(self, action):
        self.t += 1
        over = self.t == 9
        dies = self.episode % 3 == 0
        return self.look(), float(np.sum(action)), over and dies, over and not dies, {}


BOX, DISCRETE = spaces.Box(-1, 1, (2,), np.float32), spaces.Discrete(3)
KINDS = [("A2C", DISCRETE), ("A2C", BOX), ("PPO", DISCRETE), ("PPO", BOX), ("DQN", DISCRETE), ("DDPG", BOX), ("TD3", BOX), ("SAC", BOX)]
ON_KINDS = KINDS[:4]
named = [f"{name}-{type(space).__name__}" for name, space in KINDS]


def model_of(library, name, space=None, env=None, n_envs=2, **more):
    space = space or (BOX if name in ("DDPG", "TD3", "SAC") else DISCRETE)
    env = env or (lambda: Short(space))
    if not hasattr(env, "step"):
        env = env() if n_envs == 1 else make_vec_env(env, n_envs, seed=0)  # one alone: what is around it is the library's
    return getattr(library, name)("MlpPolicy", env, seed=0, device="cpu", **{**SMALL[name], **more})


def both(name, space, callback, steps=96, **more):
    """The two callbacks after a run of each library."""
    callbacks = []
    for library in (ours, sb3):
        callbacks.append(callback())
        model_of(library, name, space, **more).learn(steps, callback=callbacks[-1])
    return callbacks


def numbers(x):
    """A copy of what can be compared as numbers, None otherwise."""
    if isinstance(x, torch.Tensor):
        return x.detach().numpy().astype(float)
    return np.array(x, float) if isinstance(x, np.ndarray | np.number | int | float | bool) else None


class Reader(BaseCallback):
    """Reads something at every event."""

    def __init__(self, read):
        super().__init__()
        self.read, self.read_so_far = read, []

    def note(self, event):
        for name, value in self.read(self).items():
            self.read_so_far.append((event, self.num_timesteps, name, numbers(value)))

    def _on_training_start(self):
        self.note("training start")

    def _on_rollout_start(self):
        self.note("rollout start")

    def _on_step(self):
        self.note("step")
        return True

    def _on_rollout_end(self):
        self.note("rollout end")


def assert_same(mine, theirs):
    assert [note[:3] for note in mine] == [note[:3] for note in theirs]
    for (*where, a), (*_, b) in zip(mine, theirs, strict=True):
        assert (a is None) == (b is None), where
        if a is not None:
            assert a.shape == b.shape, (where, a.shape, b.shape)
            np.testing.assert_allclose(a, b, atol=1e-5, err_msg=str(where))


# ------------------------------------------------------------------------------------------------------------------ what is in locals
@pytest.mark.parametrize(("name", "space"), KINDS, ids=named)
def test_locals_hold_every_name_of_sb3s_at_every_event_with_the_same_numbers(name, space):
    theirs = Reader(lambda callback: {key: callback.locals[key] for key in sorted(callback.locals)})
    model_of(sb3, name, space).learn(96, callback=theirs)
    names = {name for _, _, name, _ in theirs.read_so_far}
    mine = Reader(lambda callback: {key: callback.locals[key] for key in sorted(callback.locals) if key in names})  # ours have more
    model_of(ours, name, space).learn(96, callback=mine)
    assert_same(mine.read_so_far, theirs.read_so_far)


@pytest.mark.parametrize(("name", "space"), ON_KINDS, ids=named[:4])
def test_at_a_rollouts_end_values_are_those_of_the_last_observation(name, space):
    class AtTheEnd(Reader):
        def _on_rollout_end(self):
            with torch.no_grad():
                expected = self.model.policy.predict_values(torch.as_tensor(self.locals["new_obs"]))
            torch.testing.assert_close(self.locals["values"], expected)
            self.note("end")

    for callback in both(name, space, lambda: AtTheEnd(lambda callback: {})):
        assert callback.n_calls


@pytest.mark.parametrize(("name", "space"), ON_KINDS, ids=named[:4])
def test_the_rollout_buffer_can_be_read_while_it_is_filled(name, space):
    arrays = ("observations", "actions", "rewards", "episode_starts", "values", "log_probs", "advantages", "returns")

    def read(callback):
        buffer = callback.model.rollout_buffer
        return {"pos": buffer.pos, "full": buffer.full, "size": buffer.size(), **{name: getattr(buffer, name) for name in arrays}}

    assert_same(*(callback.read_so_far for callback in both(name, space, lambda: Reader(read))))


@pytest.mark.parametrize("name", ON)
def test_a_buffer_kept_since_training_started_can_be_read_now_and_then(name):
    class Kept(Reader):
        def _on_training_start(self):
            self.buffer = self.model.rollout_buffer

        def _on_step(self):
            return self.n_calls % 7 or self.note("step") or True

    mine, theirs = both(name, DISCRETE, lambda: Kept(lambda callback: {"values": callback.buffer.values, "log_probs": callback.buffer.log_probs}))
    assert len(mine.read_so_far) > 4
    assert_same(mine.read_so_far, theirs.read_so_far)


@pytest.mark.parametrize("name", ON)
def test_a_look_changes_no_bit_of_training_and_no_look_computes_nothing(name, monkeypatch):
    evaluated = []
    for method in ("_judged", "look"):
        known = getattr(UnderWay, method)
        monkeypatch.setattr(UnderWay, method, lambda self, known=known: evaluated.append(1) or known(self))
    weights = []
    for read in (None, lambda c: {}, lambda c: {"v": c.locals["values"]}, lambda c: {"v": c.model.rollout_buffer.values}):
        evaluated.clear()
        model = model_of(ours, name).learn(128, callback=read and Reader(read) if read is None else Reader(lambda c, read=read: read(c) if c.n_calls else {}))
        weights.append(torch.cat([p.flatten() for p in model.policy.state_dict().values()]))
        assert bool(evaluated) == (len(weights) > 2)
    assert all(torch.equal(weights[0], others) for others in weights[1:])


@pytest.mark.parametrize("name", ON)
def test_values_of_a_stack_are_those_of_its_seeds(name):
    def values_of(seeds):
        kept = []
        model = getattr(ours, name)("MlpPolicy", lambda: Short(DISCRETE), seeds=seeds, n_envs=2, device="cpu", **SMALL[name])
        model.learn(20, callback=lambda local, all: kept.append((local["values"].clone(), local["log_probs"].clone(), local["obs_tensor"].clone())) or True)
        return kept

    for together, first, second in zip(values_of([3, 5]), values_of([3]), values_of([5]), strict=True):
        for x, a, b in zip(together, first, second, strict=True):
            torch.testing.assert_close(x, torch.cat([a, b]), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("name", ON)
def test_locals_are_a_dict_to_whoever_takes_them_as_a_whole(name):
    class Whole(BaseCallback):
        def _on_step(self):
            def of(**names):
                return names

            copies = self.locals.copy(), copy.copy(self.locals), self.locals | {}
            for whole in (dict(self.locals), {**self.locals}, of(**self.locals), dict(self.locals.items()), *copies):
                assert type(whole) is dict and whole["values"].shape == (2, 1) and len(whole) == len(self.locals) == len(list(self.locals))
            assert "values" in self.locals and self.locals.get("log_probs").shape == (2,) and self.locals.setdefault("obs_tensor").shape == (2, 3)
            assert "nothing" not in self.locals and self.locals.get("nothing", 7) == 7 and isinstance(self.locals, dict)
            with pytest.raises(KeyError, match="nothing"):
                self.locals["nothing"]
            assert any(value is self.locals["values"] for value in self.locals.values()) and {"values", "obs_tensor"} <= self.locals.keys()
            self.locals["mine"] = self.n_calls
            return True

    assert model_of(ours, name).learn(20, callback=Whole()).num_timesteps >= 20


class OwnLocals(BaseCallback):
    """Sees nothing but what update_locals is given."""

    def on_training_start(self, locals_, globals_):
        self.locals, self.given = {}, []

    def update_locals(self, locals_):
        self.given.append(numbers(locals_["values"]))
        self.locals = dict(locals_)

    def _on_step(self):
        assert type(self.locals) is dict
        self.given.append(numbers(self.locals["log_probs"]))
        return True


@pytest.mark.parametrize("name", ON)
def test_a_callback_that_keeps_locals_in_its_own_way_finds_everything_in_them(name):
    mine, theirs = (callback.given for callback in both(name, DISCRETE, OwnLocals, 70))
    assert len(mine) == len(theirs) > 70
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("name", ON)
def test_a_rollout_by_hand_shows_its_values_too(name):
    kept = []
    for library in (ours, sb3):
        reader = Reader(lambda callback: {"values": callback.locals["values"], "obs": callback.locals["obs_tensor"]} if callback.n_calls else {})
        model = model_of(library, name, n_steps=32)
        _, callback = model._setup_learn(64, reader)
        assert model.collect_rollouts(model.env, callback, model.rollout_buffer, n_rollout_steps=32)
        kept.append(reader.read_so_far)
    assert_same(*kept)


def test_a_dict_of_locals_is_not_told_twice():
    shown = Locals({"a": 1})
    shown.show({"b": 2}, {"values": lambda: pytest.fail("nobody asked")})
    shown.update(shown)
    shown.update({"c": 3})
    assert "values" in shown and dict.keys(shown) == {"a", "b", "c"}


# ----------------------------------------------------------------------------------------------------- callbacks that change the weights
def in_place(policy):
    with torch.no_grad():
        for p in policy.parameters():
            p.mul_(1.1)


def by_data(policy):
    for p in policy.parameters():
        p.data *= 1.1


def by_numpy(policy):
    policy.value_net.bias.detach().numpy()[0] += 1


class Changer(BaseCallback):
    """Changes the weights at some steps; the last change is taken back."""

    def __init__(self, change, at):
        super().__init__()
        self.change, self.at = change, at

    def _on_step(self):
        if self.n_calls in self.at:
            before = copy.deepcopy(self.model.policy.state_dict())
            self.change(self.model.policy)
        if self.n_calls == max(self.at):
            self.model.policy.load_state_dict(before)
        return True


@pytest.mark.parametrize("change", [in_place, by_data, by_numpy])
@pytest.mark.parametrize(("name", "space"), ON_KINDS, ids=named[:4])
def test_what_was_played_before_a_change_of_weights_is_judged_by_the_weights_that_played_it(name, space, change):
    def read(callback):
        buffer = callback.model.rollout_buffer
        return {name: getattr(buffer, name) for name in ("values", "log_probs", "returns", "rewards")} if buffer.full else {}

    def make():
        return CallbackList([Changer(change, (3, 4, 11, 12)), Reader(read)])

    mine, theirs = both(name, space, make, 40)
    assert_same(mine.callbacks[1].read_so_far, theirs.callbacks[1].read_so_far)


@pytest.mark.parametrize("name", ON)
def test_a_callback_behind_one_that_changed_the_weights_reads_the_values_from_before(name):
    def make():
        reader = Reader(lambda callback: {"values": callback.locals["values"], "buffer": callback.model.rollout_buffer.values} if callback.n_calls else {})
        return CallbackList([Changer(in_place, (3, 9)), reader])

    mine, theirs = both(name, DISCRETE, make, 24)
    assert_same(mine.callbacks[1].read_so_far, theirs.callbacks[1].read_so_far)


@pytest.mark.parametrize("name", ON)
def test_what_a_callback_writes_into_the_buffer_in_mid_rollout_stays(name):
    class Writer(BaseCallback):
        def _on_step(self):
            if self.n_calls % 5 == 3:
                buffer = self.model.rollout_buffer
                buffer.values[buffer.pos - 1] = 5.0
                buffer.rewards[buffer.pos - 1] -= 1.0
            return True

        def _on_rollout_end(self):
            self.returns = self.model.rollout_buffer.returns.copy()

    mine, theirs = both(name, DISCRETE, Writer, 60)
    np.testing.assert_allclose(mine.returns, theirs.returns, atol=1e-5)


@pytest.mark.parametrize(("name", "space"), ON_KINDS, ids=named[:4])
def test_what_a_callback_has_stored_in_place_of_what_was_played_keeps_the_values_of_what_was_played(name, space):
    class Relabels(Reader):
        def _on_step(self):
            if self.n_calls % 4 == 1:
                self.locals["actions"][:] = 1
            if self.n_calls % 4 == 2:
                self.model._last_obs = self.model._last_obs * 0
            return True

        def _on_rollout_end(self):
            self.note("rollout end")

    def read(callback):
        return {name: getattr(callback.model.rollout_buffer, name) for name in ("observations", "actions", "values", "log_probs")}

    assert_same(*(callback.read_so_far for callback in both(name, space, lambda: Relabels(read), 60)))


def test_a_best_models_callback_that_changes_the_weights_is_noticed():
    runs = []
    for library in (ours, sb3):
        reader = Reader(lambda callback: {"values": callback.model.rollout_buffer.values} if callback.model.rollout_buffer.full else {})
        scoring = EvalCallback(make_vec_env(lambda: Short(DISCRETE), seed=1), Changer(in_place, (1, 2)), eval_freq=5, n_eval_episodes=1, verbose=0, warn=False)
        model_of(library, "PPO").learn(40, callback=[scoring, reader])
        runs.append(reader.read_so_far)
    assert_same(*runs)


# ------------------------------------------------------------------------------------------------------------------- whose callback it is
def test_callbacks_of_users_are_told_from_sb3s_wherever_they_sit():
    env = make_vec_env("CartPole-v1")
    user = Reader(lambda callback: {})
    of_users = [user, EveryNTimesteps(5, user), CallbackList([EveryNTimesteps(5, user)]), EvalCallback(env, callback_after_eval=user), EvalCallback(env, user)]
    of_sb3 = [None, CallbackList([]), CheckpointCallback(5, "."), LogEveryNTimesteps(5), EvalCallback(env), CallbackList([LogEveryNTimesteps(5)])]

    class OwnList(CallbackList):
        pass

    model = model_of(ours, "PPO")
    as_objects = [model._init_callback(callback) for callback in ([user], lambda local, all: True, None)]
    assert [is_users(callback) for callback in (*of_users, OwnList([]), *as_objects[:2])] == [True] * 8
    assert [is_users(callback) for callback in (*of_sb3, as_objects[2])] == [False] * 7


# --------------------------------------------------------------------------------------------------------------- stopping and stumbling
@pytest.mark.parametrize(("name", "space"), ON_KINDS, ids=named[:4])
@pytest.mark.parametrize("at", [5, 23])
def test_a_callback_that_stops_training_leaves_the_model_as_sb3_does(name, space, at):
    class Stops(BaseCallback):
        def _on_step(self):
            return self.n_calls < at

    left = []
    for library in (ours, sb3):
        callback = Stops()
        model = model_of(library, name, space).learn(96, callback=callback)
        buffer = model.rollout_buffer
        state = {"steps": model.num_timesteps, "calls": callback.n_calls, "pos": buffer.pos, "full": buffer.full, "seen": model._last_obs}
        arrays = {key: getattr(buffer, key) for key in ("observations", "actions", "rewards", "values", "log_probs")}
        left.append([("", 0, key, numbers(value)) for key, value in {**state, **arrays}.items()])
        assert type(buffer) is RolloutBuffer
    assert_same(*left)


@pytest.mark.parametrize("name", ON)
@pytest.mark.parametrize("event", ["_on_step", "_on_rollout_start", "_on_rollout_end"])
def test_a_model_learns_on_after_a_callback_raised(name, event):
    class Raises(BaseCallback):
        def _on_step(self):
            return True

    def stumble(self):
        if self.num_timesteps >= (0 if event == "_on_rollout_start" else 6):
            raise KeyboardInterrupt
        return True

    setattr(Raises, event, stumble)
    weights = []
    for library in (ours, sb3):
        model = model_of(library, name)
        with pytest.raises(KeyboardInterrupt):
            model.learn(64, callback=Raises())
        assert type(model.rollout_buffer) is RolloutBuffer
        model.learn(64)
        weights.append(torch.cat([p.flatten() for p in model.policy.state_dict().values()]))
    torch.testing.assert_close(*weights, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", ON)
def test_copies_and_pickles_of_a_buffer_in_mid_rollout_are_plain_and_hold_its_values(name):
    class Copies(BaseCallback):
        def _on_step(self):
            buffer = self.model.rollout_buffer
            for other in (copy.copy(buffer), copy.deepcopy(buffer), pickle.loads(pickle.dumps(buffer))):
                assert type(other) is RolloutBuffer and other.pos == buffer.pos and set(vars(other)) == set(vars(sb3_buffer))
                np.testing.assert_array_equal(other.values, buffer.values)
            assert buffer.pos == 0 or buffer.values[buffer.pos - 1].all()
            return True

    sb3_buffer = model_of(sb3, name).rollout_buffer
    model_of(ours, name).learn(12, callback=Copies())


@pytest.mark.parametrize("name", ON)
def test_a_callback_may_take_minibatches_from_the_full_buffer(name):
    class Takes(BaseCallback):
        def _on_step(self):
            return True

        def _on_rollout_end(self):
            self.sizes = [len(batch.old_values) for batch in self.model.rollout_buffer.get(4)]

    weights = []
    for library in (ours, sb3):
        model = model_of(library, name).learn(96, callback=(callback := Takes()))
        assert sum(callback.sizes) == 2 * model.n_steps
        weights.append(torch.cat([p.flatten() for p in model.policy.state_dict().values()]))
    torch.testing.assert_close(*weights, atol=1e-5, rtol=1e-4)


def test_a_stack_too_learns_the_same_after_a_callback_took_minibatches():
    class Takes(Reader):
        def _on_rollout_end(self):
            if self.read(self):
                list(self.model.rollout_buffer.get())

    weights = []
    for takes in (False, True):
        model = ours.PPO("MlpPolicy", lambda: Short(BOX), seeds=[0, 1], n_envs=2, device="cpu", **SMALL["PPO"])
        model.learn(64, callback=Takes(lambda callback, takes=takes: {"": 1} if takes and callback.n_calls else {}))
        weights.append(torch.cat([p.flatten() for p in model.policies.state_dict().values()]))
    assert torch.equal(*weights)


@pytest.mark.parametrize("name", ON)
def test_a_method_put_on_the_rollout_buffer_is_called(name):
    rewards = []
    for library in (ours, sb3):
        model = model_of(library, name)
        add = model.rollout_buffer.add
        model.rollout_buffer.add = lambda obs, action, reward, *rest, add=add: add(obs, action, 2 * reward, *rest)
        model.learn(64)
        rewards.append(model.rollout_buffer.returns)
    np.testing.assert_allclose(*rewards, atol=1e-4)


@pytest.mark.parametrize("name", ON)
def test_advantages_are_estimated_by_the_buffers_gamma_and_lambda_and_time_limits_by_the_models(name):
    returns = []
    for library in (ours, sb3):
        model = model_of(library, name)
        model.rollout_buffer.gamma, model.rollout_buffer.gae_lambda, model.gamma, model.gae_lambda = 0.5, 0.3, 0.7, 0.9
        model.learn(32)
        returns.append(model.rollout_buffer.returns)
    np.testing.assert_allclose(*returns, atol=1e-5)


# --------------------------------------------------------------------------------------------------------------------- what is handed out
class Moves(Short):
    """Infos and observations that the environment goes on changing: an observation until the next reset."""

    def __init__(self, action_space):
        super().__init__(action_space)
        self.position, self.path, self.seen = np.zeros(2), [], None

    def reset(self, **kwargs):
        self.seen = np.zeros(3, np.float32)
        return super().reset(**kwargs)

    def look(self):
        self.seen[:] = super().look()
        return self.seen

    def step(self, action):
        obs, reward, terminated, truncated, _ = super().step(action)
        self.position += 1
        self.path.append(self.t)
        info = {"position": self.position, "path": self.path, "of": {"deep": [self.path]}, "t": self.t, "pair": (1, self.path)}
        return obs, reward, terminated, truncated, info


class Keeps(BaseCallback):
    """Keeps what it is shown, by reference."""

    def __init__(self):
        super().__init__()
        self.kept = []

    def _on_step(self):
        self.kept.append({name: self.locals[name] for name in ("infos", "new_obs", "rewards", "dones", "actions")})
        return True


@pytest.mark.parametrize(("name", "space"), KINDS, ids=named)
def test_infos_and_arrays_that_a_callback_keeps_do_not_change_later(name, space):
    mine, theirs = both(name, space, Keeps, 40, env=lambda: Moves(space), n_envs=1, **({"learning_starts": 100} if name in OFF else {}))
    assert [info["position"].tolist() for info in (step["infos"][0] for step in mine.kept[:3])] == [[1, 1], [2, 2], [3, 3]]
    for a, b in zip(mine.kept, theirs.kept, strict=True):
        for x, y in zip(a["infos"], b["infos"], strict=True):
            assert x.keys() == y.keys()
            for key in set(x) - {"terminal_observation", "episode", "position"}:
                assert x[key] == y[key] and type(x[key]) is type(y[key])
            for key in {"terminal_observation", "position"} & set(x):
                np.testing.assert_array_equal(x[key].shape, y[key].shape)
        for key in ("new_obs", "rewards", "dones"):
            np.testing.assert_allclose(np.array(a[key], float), np.array(b[key], float), atol=1e-5, err_msg=key)


def test_infos_of_a_stack_too_are_its_users():
    keeps = Keeps()
    ours.PPO("MlpPolicy", lambda: Moves(DISCRETE), seeds=[0, 1], **SMALL["PPO"]).learn(8, callback=keeps)
    assert [[info["path"] for info in step["infos"]] for step in keeps.kept[:3]] == [[[1], [1]], [[1, 2], [1, 2]], [[1, 2, 3], [1, 2, 3]]]


def test_infos_are_as_deeply_copied_as_sb3s_and_of_the_same_types():
    class Attributes(dict):
        text = property(lambda self: self["text"])

    class Odd(Short):
        def step(self, action):
            obs, reward, terminated, truncated, _ = super().step(action)
            self.info = Attributes(array=np.zeros(2), objects=np.array([[1], "a"], object), scalar=np.float64(1), me={"a": {"b": [1]}}, none=None, text="x")
            return obs, reward, terminated, truncated, self.info

    infos = []
    for kind in (SerialVecEnv, DummyVecEnv):
        env = kind([lambda: Odd(DISCRETE)])
        env.seed(0)
        env.reset()
        info = env.step([0])[3][0]
        inner = env.envs[0].info
        assert type(info) is Attributes and info.text == "x" and info["me"]["a"]["b"] is not inner["me"]["a"]["b"] and info["array"] is not inner["array"]
        inner["objects"][0].append(2)
        assert info["objects"][0] == [1]
        infos.append({key: type(value) for key, value in info.items()})
    assert infos[0] == infos[1]


def test_the_terminal_observation_is_of_the_environments_own_type():
    class Integers(Short):
        def __init__(self):
            super().__init__(DISCRETE)
            self.observation_space = spaces.Discrete(5)

        def look(self):
            return int(self.np_random.integers(5))

    seen = []
    for kind in (SerialVecEnv, DummyVecEnv):
        env = kind([Integers])
        env.seed(0)
        env.reset()
        infos = [env.step([0])[3][0] for _ in range(9)]
        seen.append((type(infos[-1]["terminal_observation"]), infos[-1]["terminal_observation"], env.reset_infos))
    assert seen[0] == seen[1]


# -------------------------------------------------------------------------------------------------------------------------- statistics
class Joins(VecEnvWrapper):
    """An outer wrapper with episodes of its own: of three steps."""

    def reset(self):
        self.n = 0
        return self.venv.reset()

    def step_wait(self):
        obs, rewards, dones, infos = self.venv.step_wait()
        self.n += 1
        if self.n % 3 == 0:
            for info in infos:
                info["episode"] = {"r": float(self.n), "l": 3, "t": 0.0}
        for info in infos:
            info["is_success"] = True
        return obs, rewards, dones, infos


@pytest.mark.parametrize(("name", "space"), KINDS, ids=named)
def test_an_episode_that_a_wrapper_reports_at_a_step_that_is_no_end_is_counted(name, space):
    statistics = []
    for library in (ours, sb3):
        env = Joins(make_vec_env(lambda: Short(space), 2, seed=0))
        model = model_of(library, name, space, env=env).learn(96)
        statistics.append(([(episode["r"], episode["l"]) for episode in model.ep_info_buffer], list(model.ep_success_buffer)))
    assert statistics[0] == statistics[1]
    assert len(statistics[0][0]) > len(statistics[0][1]) > 0


def test_a_table_counts_such_episodes_too():
    class JoinsOne(gym.Wrapper):
        def step(self, action):
            obs, reward, terminated, truncated, info = self.env.step(action)
            self.n = getattr(self, "n", 0) + 1
            return obs, reward, terminated, truncated, {**info, **({"episode": {"r": 1.0, "l": 3, "t": 0.0}} if self.n % 3 == 0 else {})}

    env = SerialVecEnv([lambda: JoinsOne(gym.make("Taxi-v4"))])
    model = ours.QLearning("TabularPolicy", env, seed=0).learn(30)
    assert len(model.ep_info_buffer) == 10


# ----------------------------------------------------------------------------------------------------------------------------------- NaN
class Breaks(Short):
    """One number that is not finite, at the 35th step of the first environment that is made."""

    def __init__(self, action_space, what, value, at=35):
        super().__init__(action_space)
        self.what, self.value, self.at, self.n = what, value, at, 0

    def step(self, action):
        obs, reward, *rest = super().step(action)
        self.n += 1
        if self.n == self.at and self.what == "observation":
            obs[1] = self.value
        return obs, self.value if self.n == self.at and self.what == "reward" else reward, *rest


REFUSED = [kind for kind in KINDS if kind[0] in ("A2C", "PPO", "SAC")]


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("what", ["observation", "reward"])
@pytest.mark.parametrize(("name", "space"), REFUSED, ids=[f"{name}-{type(space).__name__}" for name, space in REFUSED])
def test_a_number_that_is_not_finite_stops_training_where_it_does_in_sb3(name, space, what, value):
    stopped = []
    for library in (ours, sb3):
        model = model_of(library, name, space, env=lambda: Breaks(space, what, value), n_envs=1)
        with pytest.raises(ValueError, match=f"Expected parameter {'loc' if space is BOX else 'logits'}") as raised:
            model.learn(400)
        stopped.append(model.num_timesteps)
        if library is ours:
            said = str(raised.value)
            assert "\n" not in said and "VecCheckNan" in said
            assert f"has {value} at" in said or f"is {value}" in said or "loss is NaN" in said
            if name in ON or what == "observation":
                assert all(p.isfinite().all() for p in model.policy.parameters())
    assert stopped[0] == stopped[1]


@pytest.mark.parametrize(("name", "space"), [kind for kind in KINDS if kind not in REFUSED])
@pytest.mark.parametrize("what", ["observation", "reward"])
def test_where_sb3_goes_on_with_nan_so_do_we(name, space, what):
    for library in (ours, sb3):
        assert model_of(library, name, space, env=lambda: Breaks(space, what, np.nan), n_envs=1).learn(60).num_timesteps == 60


def test_the_seed_the_environment_and_the_step_are_named():
    made = []

    def third_of_four():
        made.append(1)
        return Breaks(DISCRETE, "reward", np.nan, 3) if len(made) == 3 else Short(DISCRETE)

    with pytest.raises(ValueError, match="the reward of environment 0 of seed 9 at step 3 of this rollout of 32 is nan"):
        ours.PPO("MlpPolicy", third_of_four, seeds=[7, 9], n_envs=2, **SMALL["PPO"]).learn(64)


def test_weights_that_have_become_nan_are_refused_in_the_act_and_after_the_last_update():
    model = model_of(ours, "PPO").learn(64)
    with torch.no_grad():
        model.policy.action_net.bias[0] = np.nan
    with pytest.raises(ValueError, match=r"Expected parameter logits .* the observation is finite, so the weights are not"):
        model.learn(64)
    model = model_of(ours, "A2C")
    model.vf_coef = float("inf")  # which the constructor refuses
    with pytest.raises(ValueError, match=r"Expected parameter logits .* a weight is NaN after 10 steps"):
        model.learn(10)


@pytest.mark.parametrize("space", [spaces.MultiDiscrete([2, 3]), spaces.MultiBinary(2)])
def test_nan_is_refused_for_every_kind_of_action(space):
    for library in (ours, sb3):
        with pytest.raises(ValueError, match="Expected parameter logits"):
            model_of(library, "PPO", space, env=lambda: Breaks(space, "observation", np.nan), n_envs=1).learn(64)


def test_our_own_policy_gradients_refuse_nan_too():
    with pytest.raises(ValueError, match=r"Expected parameter logits .* the observation has nan at"):
        ours.REINFORCE("MlpPolicy", lambda: Breaks(DISCRETE, "observation", np.nan), seed=0).learn(100)
