"""Exported policies: equal to the model, whatever stands before it; what cannot be equal is not written. TorchScript everywhere, ONNX where it is installed."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import PPO as TheirPPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack, VecNormalize

from from_scratch import DQN, PPO, SAC, SARSA, BootstrappedDQN, MaskableDQN, RandomAgent, RecurrentPPO, SemiGradientSARSA
from from_scratch.deploy import CannotExport, NotEqual, export, load_policy
from from_scratch.deploy.exporting import Graph
from from_scratch.deploy.runtime import recorded, replayed
from from_scratch.registry import find
from tests.contract.probes import Masked, Walk, assert_same_state, make, train

has_onnx = all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript", "onnxruntime"))
needs_onnx = pytest.mark.skipif(not has_onnx, reason="the extra export (onnx, onnxscript, onnxruntime) is not installed")

BOX, IMAGE = spaces.Box(-1, 1, (3,), np.float32), spaces.Box(0, 255, (40, 36, 1), np.uint8)
SMALL = {"n_steps": 16, "batch_size": 8, "n_epochs": 1, "seed": 0, "device": "cpu"}
TINY_CNN = {"features_extractor_kwargs": {"features_dim": 8}}


class Shows(gym.Env):
    """Draws observations from its space, in episodes of seven steps."""

    def __init__(self, observation_space=BOX, action_space=None):
        self.observation_space, self.action_space = observation_space, action_space or spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        if seed is not None:
            self.observation_space.seed(seed)
        self.t = 0
        return self.observation_space.sample(), {}

    def step(self, action):
        self.t += 1
        return self.observation_space.sample(), 1.0, self.t >= 7, False, {}


def ppo(observation_space=BOX, action_space=None, wrap=lambda venv: venv, policy="MlpPolicy", cls=PPO, **more):
    """A model that has learnt from one rollout, so that its weights and statistics are none of the first ones."""
    venv = wrap(DummyVecEnv([lambda: Shows(observation_space, action_space)]))
    return cls(policy, venv, **{**SMALL, **more}).learn(16)


def exported(model, path, n=40, **more):
    written = export(model, path, n_observations=n, **more)
    return load_policy(written.path), written


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore:You are trying to run PPO on the GPU:UserWarning")  # as SB3's
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
@pytest.mark.parametrize("suffix", [".pt", pytest.param(".onnx", marks=needs_onnx)])
@pytest.mark.parametrize("cls", [PPO, SAC, RecurrentPPO])
def test_a_model_on_a_gpu_becomes_a_file_for_the_cpu(tmp_path, cls, suffix):
    kind = spaces.Box(-2, 2, (2,), np.float32)
    more = {"learning_starts": 8, "batch_size": 8} if cls is SAC else {"n_steps": 16, "batch_size": 8}
    policy = "MlpLstmPolicy" if cls is RecurrentPPO else "MlpPolicy"
    model = cls(policy, DummyVecEnv([lambda: Shows(BOX, kind)]), seed=0, device="cuda", **more).learn(16)
    exported(model, tmp_path / f"policy{suffix}")  # which compares it with the model
    assert all(parameter.is_cuda for parameter in model.policy.parameters())


# --------------------------------------------------------------------------------------------------------------- what stands before it
@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda: ppo(action_space=spaces.Box(-2, 3, (2, 2), np.float32)), id="numbers, clipped"),
        pytest.param(lambda: ppo(action_space=spaces.Box(-2, 3, (2,), np.float32), use_sde=True, policy_kwargs={"squash_output": True}), id="gSDE, squashed"),
        pytest.param(lambda: ppo(action_space=spaces.MultiDiscrete([3, 4])), id="several choices"),
        pytest.param(lambda: ppo(action_space=spaces.MultiBinary(4)), id="bits"),
        pytest.param(lambda: ppo(spaces.Dict(a=BOX, b=spaces.Discrete(4)), policy="MultiInputPolicy"), id="Dict observations"),
        pytest.param(lambda: ppo(spaces.MultiDiscrete([3, 4])), id="one-hot observations"),
        pytest.param(lambda: ppo(IMAGE, policy="CnnPolicy", policy_kwargs=TINY_CNN, wrap=lambda v: VecFrameStack(v, 2)), id="images, turned, stacked"),
        pytest.param(lambda: ppo(wrap=lambda v: VecFrameStack(VecNormalize(v), 3)), id="frames, each normalised"),
        pytest.param(lambda: ppo(wrap=lambda v: VecNormalize(VecFrameStack(v, 3))), id="frames, normalised together"),
        pytest.param(
            lambda: ppo(spaces.Dict(a=BOX, b=spaces.Discrete(4)), policy="MultiInputPolicy", wrap=lambda v: VecNormalize(v, norm_obs_keys=["a"])),
            id="one key normalised",
        ),
        pytest.param(lambda: ppo(cls=RecurrentPPO, policy="MlpLstmPolicy", wrap=lambda v: VecFrameStack(VecNormalize(v), 2)), id="LSTM, frames, normalised"),
        pytest.param(lambda: ppo(cls=TheirPPO), id="Stable-Baselines3's own"),
    ],
)
def test_what_was_exported_is_given_what_the_environment_says_and_does_what_the_model_does(build, tmp_path):
    model = build()
    policy, written = exported(model, tmp_path / "policy.pt")

    assert written.comparison.n == 40 and written.comparison.largest <= 1e-5 and written.comparison.ties == 0
    assert policy.about["checked"]["n"] == 40
    assert list(tmp_path.iterdir()) == [written.path]


def test_actions_of_several_parts_are_said_as_the_environment_takes_them(tmp_path):
    space = spaces.Dict(gear=spaces.Discrete(3, start=2), force=spaces.Box(-1, 1, (2,), np.float32))
    policy, _ = exported(ppo(action_space=space), tmp_path / "policy.pt")

    action, _ = policy.predict(np.zeros(3))
    assert space.contains(action)
    assert [space.contains(each) for each in policy.predict(np.zeros((2, 3)))[0]] == [True, True]


def test_numbers_come_from_the_statistics_at_the_time_of_the_export(tmp_path):
    model = ppo(action_space=spaces.Box(-1, 1, (1,), np.float32), wrap=lambda v: VecNormalize(v, clip_obs=2.0))
    normaliser, x = model.get_vec_normalize_env(), np.array([0.3, -0.2, 9.0], np.float32)
    policy, _ = exported(model, tmp_path / "policy.pt")

    expected = model.predict(normaliser.normalize_obs(x), deterministic=True)[0]
    np.testing.assert_allclose(policy.predict(x)[0], expected, atol=1e-6)
    np.testing.assert_allclose(policy.predict(np.array([0.3, -0.2, 99.0]))[0], expected, atol=1e-6)  # both are cut to 2


def test_a_model_without_its_environment_is_given_its_statistics_and_frames(tmp_path):
    model = ppo(wrap=lambda v: VecFrameStack(VecNormalize(v), 2))
    model.save(tmp_path / "model")
    model.get_vec_normalize_env().save(str(tmp_path / "vecnormalize.pkl"))
    alone = PPO.load(tmp_path / "model", device="cpu")
    policy, written = exported(alone, tmp_path / "policy.pt", vec_normalize=tmp_path / "vecnormalize.pkl", frame_stack=2)

    assert written.comparison.source == "drawn from its observation space"
    assert policy.observation_space["shape"] == [3] and policy.remembers
    same, _ = exported(model, tmp_path / "same.pt")
    obs = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    assert replayed(policy, obs) == replayed(same, obs)


# ------------------------------------------------------------------------------------------------------------------------ ways of acting
def test_a_state_goes_in_and_comes_out_and_is_forgotten_where_an_episode_starts(tmp_path):
    policy, _ = exported(ppo(cls=RecurrentPPO, policy="MlpLstmPolicy"), tmp_path / "policy.pt")
    obs = np.ones((2, 3), np.float32)

    _, first = policy.predict(obs)
    _, second = policy.predict(obs, first, np.array([True, False]))
    assert [part.shape for part in first] == [(1, 2, 256), (1, 2, 256)]
    np.testing.assert_allclose(second[0][:, 0], first[0][:, 0], atol=1e-6)
    assert np.abs(second[0][:, 1] - first[0][:, 1]).max() > 1e-3


def test_masks_are_an_input_and_none_allows_all(tmp_path):
    policy, written = exported(train(make(find("maskable_dqn"), Masked, MaskableDQN, seed=3)), tmp_path / "policy.pt", n=100)
    obs = np.zeros((3, 3), np.float32)

    assert policy.takes_masks and written.recorded.masks is not None and not written.recorded.masks.all()
    free = policy.predict(obs)[0]
    np.testing.assert_array_equal(policy.predict(obs, action_masks=np.eye(2, dtype=bool)[[0, 1, 0]])[0], [0, 1, 0])
    np.testing.assert_array_equal(policy.predict(obs, action_masks=np.zeros((3, 2)))[0], free)  # where none is left, all are


def test_a_table_is_exported_as_what_it_does_in_each_state(tmp_path):
    model = train(make(find("sarsa"), Walk, SARSA, seed=3))
    policy, _ = exported(model, tmp_path / "policy.pt")

    np.testing.assert_array_equal(policy.predict(np.arange(4))[0], model.q_table.argmax(-1))


@pytest.mark.parametrize(
    ("features", "arguments"),
    [("tile_coding", {"n_tilings": 4, "n_tiles": 3}), ("state_aggregation", {}), ("rbf", {"n_centres": 4, "normalise": True}),
     ("polynomial", {"order": 3}), ("fourier", {"order": 3, "step_per_feature": True}), ("coarse_coding", {"n_fields": 5})],
)  # fmt: skip
def test_features_are_computed_in_the_file(features, arguments, tmp_path):
    bounds = [[-1.2, 0.6], [-0.07, 0.07]]
    model = SemiGradientSARSA("LinearPolicy", "MountainCar-v0", features=features, features_kwargs={**arguments, "bounds": bounds}, seed=0).learn(200)
    policy, _ = exported(model, tmp_path / "policy.pt")
    rng = np.random.default_rng(1)
    obs = np.stack([rng.uniform(*bound, 200) for bound in bounds], -1).astype(np.float32)

    np.testing.assert_array_equal(policy.predict(obs)[0], model.predict(obs, deterministic=True)[0])


def test_heads_vote_and_values_come_out_beside_the_action(tmp_path):
    env = lambda: Shows(action_space=spaces.Discrete(2))
    heads = BootstrappedDQN("MlpPolicy", env, seed=0, device="cpu", policy_kwargs={"net_arch": [8]})
    policy, _ = exported(heads, tmp_path / "heads.pt")
    assert [each["name"] for each in policy.outputs] == ["action"]

    policy, _ = exported(DQN("MlpPolicy", env, seed=0, device="cpu", policy_kwargs={"net_arch": [8]}), tmp_path / "dqn.pt")
    assert [each["name"] for each in policy.outputs] == ["action", "values"]
    action, values = policy.run([np.ones((4, 3), np.float32)])
    np.testing.assert_array_equal(action, values.argmax(-1))


def test_a_policy_of_a_user_s_own_is_asked_by_its_predict(tmp_path):
    class Opposite(PPO.policy_aliases["MlpPolicy"]):
        def _predict(self, observation, deterministic=False):
            return 2 - super()._predict(observation, deterministic)

    model, plain = ppo(policy=Opposite), ppo()
    policy, _ = exported(model, tmp_path / "policy.pt")
    other, _ = exported(plain, tmp_path / "other.pt")
    obs = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)

    np.testing.assert_array_equal(policy.predict(obs)[0], model.predict(obs, deterministic=True)[0])
    assert other.about["policy"] == "ActorCriticPolicy" and policy.about["policy"] == "Opposite"


# ------------------------------------------------------------------------------------------------------------------------------ sampling
def test_sampled_actions_have_the_model_s_distribution(tmp_path):
    model = ppo()
    export(model, tmp_path / "policy.pt", n_observations=20, stochastic=True)
    policy, x = load_policy(tmp_path / "policy.pt", seed=0), np.array([0.5, -0.5, 0.1], np.float32)
    drawn = policy.predict(np.tile(x, (20_000, 1)), deterministic=False)[0]
    p = model.policy.get_distribution(model.policy.obs_to_tensor(x)[0]).distribution.probs.detach().numpy()[0]

    np.testing.assert_allclose(np.bincount(drawn, minlength=3) / 20_000, p, atol=0.015)  # four standard deviations


def test_sampled_numbers_are_squashed_into_their_bounds(tmp_path):
    env = lambda: Shows(action_space=spaces.Box(-2, 3, (1,), np.float32))
    model = SAC("MlpPolicy", env, seed=0, device="cpu", policy_kwargs={"net_arch": [8]})
    export(model, tmp_path / "policy.pt", n_observations=20, stochastic=True)
    drawn = load_policy(tmp_path / "policy.pt", seed=0).predict(np.zeros((5000, 3)), deterministic=False)[0]

    assert drawn.shape == (5000, 1) and drawn.dtype == np.float32 and -2 <= drawn.min() < -1.5 and 2.5 < drawn.max() <= 3
    assert abs(drawn.mean() - 0.5) < 0.2


def test_without_the_distribution_nothing_is_sampled(tmp_path):
    policy, _ = exported(ppo(), tmp_path / "policy.pt")
    with pytest.raises(ValueError, match="export it with stochastic=True"):
        policy.predict(np.zeros(3), deterministic=False)


# ------------------------------------------------------------------------------------------------------------------------------ refusals
def test_what_differs_is_not_written_and_what_was_there_stays(tmp_path, monkeypatch):
    target = tmp_path / "policy.pt"
    target.write_bytes(b"the one before")
    forward = Graph.forward
    monkeypatch.setattr(Graph, "forward", lambda self, *given: (lambda found: ((found[0] + 1) % 3, *found[1:]))(forward(self, *given)))

    with pytest.raises(NotEqual, match=r"observation 0 of 20 \(played in its environment\): the model does \d, what was exported \d\. Nothing was written"):
        export(ppo(), target, n_observations=20)
    assert target.read_bytes() == b"the one before" and list(tmp_path.iterdir()) == [target]


def test_a_difference_of_numbers_is_measured_in_units_of_their_range(tmp_path, monkeypatch):
    forward, by = Graph.forward, 0.0
    monkeypatch.setattr(Graph, "forward", lambda self, *given: (lambda found: (found[0] + by, *found[1:]))(forward(self, *given)))
    model = ppo(action_space=spaces.Box(-100, 100, (1,), np.float32))

    by = 0.001
    assert export(model, tmp_path / "a.pt", n_observations=10).comparison.largest == pytest.approx(5e-6, rel=0.05)
    by = 0.01
    with pytest.raises(NotEqual):
        export(model, tmp_path / "b.pt", n_observations=10)


def test_a_tie_of_two_values_is_told_and_is_no_difference(tmp_path, monkeypatch):
    import torch

    forward = Graph.forward
    last = lambda found: (found[1].shape[-1] - 1 - found[1].flip(-1).argmax(-1), *found[1:])
    monkeypatch.setattr(Graph, "forward", lambda self, *given: last(forward(self, *given)))
    model = DQN("MlpPolicy", lambda: Shows(), seed=0, device="cpu", policy_kwargs={"net_arch": [8]})
    with torch.no_grad():
        for p in model.q_net.q_net[-1].parameters():
            p.zero_()  # all values are 0: the model takes the first action, what is exported here the last

    assert export(model, tmp_path / "policy.pt", n_observations=10).comparison.ties == 10


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: RandomAgent("RandomPolicy", "CartPole-v1"), "RandomAgent draws its actions even when it is asked to be deterministic"),
        (lambda: train(make(find("fqe"), seed=3)), "FQE says what another policy is worth"),
        (lambda: SemiGradientSARSA("LinearPolicy", "MountainCar-v0", features_kwargs={"memory_size": 64}), "TileCoding, have no form as tensors"),
    ],
)
def test_what_is_no_function_of_tensors_is_refused_in_a_line(build, says, tmp_path):
    with pytest.raises(CannotExport, match=says) as error:
        export(build(), tmp_path / "policy.pt")
    assert "\n" not in str(error.value) and list(tmp_path.iterdir()) == []


def test_mistakes_are_answered_in_a_line(tmp_path):
    model = ppo()
    for more, says in (
        ({"observations": np.zeros((5, 4))}, r"observations: \(n, 3\) is expected, the shape \(5, 4\) was given"),
        ({"n_observations": 0}, "n_observations=0"),
        ({"env": "CartPole-v1"}, r"the shape \(4,\), and the model sees \(3,\)"),
    ):
        with pytest.raises(ValueError, match=says) as error:
            export(model, tmp_path / "policy.pt", **more)
        assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="the ending says the format"):
        export(model, tmp_path / "policy.zip")
    with pytest.raises(ValueError, match="stack of 2 seeds: export one of them"):
        export(PPO("MlpPolicy", "CartPole-v1", seeds=2), tmp_path / "policy.pt")
    with pytest.raises(CannotExport, match="no distribution to sample from"):
        export(DQN("MlpPolicy", lambda: Shows()), tmp_path / "policy.pt", stochastic=True)
    assert list(tmp_path.iterdir()) == []


def test_an_observation_of_another_shape_is_refused_by_the_policy(tmp_path):
    policy, _ = exported(ppo(), tmp_path / "policy.pt")
    with pytest.raises(ValueError, match=r"The observation has the shape \(4,\): \(3,\) is expected, or \(n, 3\) for n of them"):
        policy.predict(np.zeros(4))


def test_a_file_that_was_not_exported_is_refused(tmp_path):
    import torch

    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), str(tmp_path / "other.pt"))
    with pytest.raises(ValueError, match=r"was not written by sb3-course export"):
        load_policy(tmp_path / "other.pt")
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        load_policy(tmp_path / "none.onnx")


@pytest.mark.parametrize("said", ["{", "[1]", "{}"])
def test_a_file_that_says_something_else_of_itself_is_refused(said, tmp_path):
    traced = torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2))
    torch.jit.save(traced, str(tmp_path / "other.pt"), _extra_files={"about.json": said})
    with pytest.raises(ValueError, match="does not say what a policy's file says"):
        load_policy(tmp_path / "other.pt")


@pytest.mark.parametrize("ending", [".pt", ".pt2"])
def test_a_damaged_file_is_refused_although_torch_would_play_it(ending, tmp_path):
    """One byte of a weight is another: the zip file's checksums tell, and nothing else does."""
    net, file = torch.nn.Linear(2, 2), tmp_path / f"policy{ending}"
    with torch.no_grad():
        net.weight.fill_(0.12345)
    if ending == ".pt":
        torch.jit.save(torch.jit.trace(net, torch.zeros(1, 2)), str(file))
    else:
        torch.export.save(torch.export.export(net, (torch.zeros(1, 2),)), str(file))
    whole, weight = file.read_bytes(), np.float32(0.12345).tobytes()
    file.write_bytes(whole.replace(weight, np.float32(7.0).tobytes(), 1))
    assert file.read_bytes() != whole
    with pytest.raises(ValueError, match="is damaged"):
        load_policy(file)
    for other in (whole[:1000], b"", b"no zip file"):
        file.write_bytes(other)
        with pytest.raises(ValueError, match="cannot be read as"):
            load_policy(file)


# ------------------------------------------------------------------------------------------------------------------------ files, and playing
def test_a_file_says_what_it_is(tmp_path):
    model = ppo(wrap=lambda v: VecNormalize(v, clip_obs=5.0))
    _, written = exported(model, tmp_path / "policy.pt", more={"study": "mine"})
    about = load_policy(tmp_path / "policy.pt").about

    assert (about["algorithm"], about["policy"], about["num_timesteps"], about["seed"], about["study"]) == ("PPO", "ActorCriticPolicy", 16, 0, "mine")
    assert about["normalisation"] == {"clip": 5.0, "epsilon": 1e-8} and about["frame_stack"] is None
    assert about["action_space"] == {"type": "Discrete", "shape": [], "dtype": "int64", "n": 3, "start": 0}
    assert about["versions"]["torch"] and len(about["weights_sha256"]) == 64
    assert about["checked"] == {"n": 40, "observations": "played in its environment", "largest_difference": 0.0, "ties": 0, "tolerance": 1e-5}
    assert json.loads(json.dumps(written.about)) == about


def test_an_export_leaves_the_model_and_its_environment_as_they_were(tmp_path):
    model, twin = (train(make(find("ppo"), seeds=[3])) for _ in range(2))
    export(model, tmp_path / "policy.pt", n_observations=20)

    assert_same_state(train(model), train(twin))


@needs_onnx
def test_onnx_is_played_without_torch_and_without_this_library(tmp_path):
    """The runtime is one file beside NumPy and onnxruntime."""
    model = ppo(wrap=lambda v: VecFrameStack(VecNormalize(v), 2))
    policy, written = exported(model, tmp_path / "policy.onnx")
    obs, starts = written.recorded.observations, written.recorded.starts
    np.savez(tmp_path / "recorded.npz", observations=obs, episode_starts=starts, actions=np.array(written.recorded.actions))
    source = Path(sys.modules["from_scratch.deploy.runtime"].__file__)
    (tmp_path / "runtime.py").write_text(source.read_text())
    program = "import sys, runtime; code = runtime.main(['policy.onnx', 'recorded.npz']); print(code, 'torch' in sys.modules, 'from_scratch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["40 observations: the largest difference of an action is 0", "0 False False"]
    assert recorded(tmp_path / "recorded.npz")[0].shape == (40, 3)
    assert policy.about["opset"] == 18 and b"/from_scratch/" not in written.path.read_bytes()


@pytest.mark.skipif(has_onnx, reason="what is said where the extra export is absent")
def test_where_onnx_is_not_installed_the_extra_is_named(tmp_path):
    with pytest.raises(ImportError, match=r'pip install "sb3-course\[export\]"'):
        export(ppo(), tmp_path / "policy.onnx")


def test_torch_s_own_exported_program_is_a_format_too(tmp_path):
    policy, written = exported(ppo(), tmp_path / "policy.pt2", n=10)
    assert written.comparison.largest == 0 and policy.predict(np.zeros((3, 3)))[0].shape == (3,)
