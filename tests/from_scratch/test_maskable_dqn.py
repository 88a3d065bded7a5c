"""Masks for DQN and all that is derived from it: in what is played, in the target, in the memory; and nothing at all where there are none."""

from functools import partial

import gymnasium as gym
import numpy as np
import pytest
import stable_baselines3
import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor

import from_scratch
from benchmarks.parity import compare
from benchmarks.parity.cases import IMAGE, VECTOR, made_of
from benchmarks.parity.compare import Case
from benchmarks.parity.envs import AnySpaces, MaskedSpaces
from from_scratch import DQN, MaskableDQN, registry
from from_scratch.core.data import MaskedTransition
from from_scratch.core.loops.exploration import OneCoin
from from_scratch.core.loops.maskable import Maskable
from from_scratch.envs import InvalidActionGrid

FIVE = spaces.Discrete(5)
SMALL = {"learning_starts": 12, "buffer_size": 100, "batch_size": 16, "train_freq": 4, "target_update_interval": 8, "exploration_fraction": 0.5,
         "device": "cpu"}  # fmt: skip
OF_DQN = [entry for entry in registry.ENTRIES.values() if entry.is_ours and entry.loop == "replay" and issubclass(entry.load(), OneCoin)]
FAMILY = {entry.id: entry for entry in OF_DQN if not entry.remembers}


def masked(observation=VECTOR):
    return MaskedSpaces(observation, FIVE)


def maskable(id):
    cls = FAMILY[id].load()
    return cls if issubclass(cls, Maskable) else type(f"Maskable{cls.__name__}", (Maskable, cls), {})


def make(cls=MaskableDQN, env=masked, policy="MlpPolicy", **more):
    fields = {name: value for name, value in SMALL.items() if name in cls.hyperparameters or name == "device"}
    return cls(policy, env, **{**fields, "policy_kwargs": {"net_arch": [8]}, **more})


# -------------------------------------------------------------------------------------------------- the whole family obeys
def test_a_class_that_learns_from_stretches_of_steps_says_that_it_keeps_no_masks():
    kind = type("MaskableDRQN", (Maskable, registry.load("drqn")), {})
    with pytest.raises(ValueError, match="with which masks are not kept"):
        make(kind, policy="MlpPolicy").learn(20)


@pytest.mark.parametrize("id", FAMILY)
def test_no_invalid_action_is_played_before_learning_starts_at_random_or_greedily(id):
    seen = []

    def look(variables, _):
        model = variables["self"]
        seen.append(np.take_along_axis(model.masks, variables["actions"].reshape(*model.masks.shape[:2], 1).astype(int), -1).all())
        return True

    make(maskable(id), seeds=[3, 4], n_envs=2).learn(80, callback=look)
    assert len(seen) == 40 and all(seen)


@pytest.mark.parametrize("id", FAMILY)
def test_the_target_is_chosen_among_the_valid_actions_of_the_successor(id):
    model, chosen = make(maskable(id), seeds=[3]), []

    def valid(q, b):
        found = type(model).valid(model, q, b)
        mask = b.next_mask if found.dim() == 3 else b.next_mask.unsqueeze(2).expand_as(found)
        chosen.append(mask.gather(-1, found.argmax(-1, keepdim=True)).all())
        return found

    model.valid = valid
    with from_scratch.eager():
        model.learn(24)
    assert chosen and all(chosen)


@pytest.mark.parametrize("id", FAMILY)
def test_a_seed_in_a_stack_is_the_seed_alone_with_masks_too(id):
    stack, alone = (make(maskable(id), seeds=seeds).learn(48) for seeds in ([3, 4], [4]))
    for name, value in alone.policy.state_dict().items():
        assert torch.equal(stack.policies[1].state_dict()[name], value)


@pytest.mark.parametrize("id", FAMILY)
def test_predict_chooses_among_the_actions_of_the_masks(id):
    model = make(maskable(id), seeds=[3]).learn(24)
    obs, masks = np.random.RandomState(0).normal(size=(30, 4)).astype(np.float32), np.tile([False, True, False, True, False], (30, 1))
    for deterministic in (True, False):
        assert set(model.predict(obs, action_masks=masks, deterministic=deterministic)[0].tolist()) <= {1, 3}
        assert model.predict(obs[0], action_masks=masks[0], deterministic=deterministic)[0] in (1, 3)


# ------------------------------------------------------------------------------------------------------------- by hand
def test_a_target_is_the_largest_value_of_a_valid_action():
    """γ = 0.5, Q(s', ·) = 1, 2, 3 of which the third is invalid: y = 1 + 0.5 · 2, and where all are valid 1 + 0.5 · 3."""
    model = make(env=partial(MaskedSpaces, VECTOR, spaces.Discrete(3)), seeds=[0], policy_kwargs={"net_arch": []})
    for network in (model.policy.q_net, model.policy.q_net_target):
        network.q_net[0].weight.data.zero_()
        network.q_net[0].bias.data[:] = torch.tensor([1.0, 2.0, 3.0])
    zero = torch.zeros(1, 2, 4)
    b = MaskedTransition(zero, torch.zeros(1, 2, 1, dtype=torch.long), torch.ones(1, 2), zero, torch.full((1, 2), 0.5),
                         torch.tensor([[[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]]))  # fmt: skip
    # the errors are 2 − 1 = 1 and 2.5 − 1 = 1.5: Huber's loss ½ and 1
    assert model.loss(b)[0].item() == pytest.approx((0.5 + 1.0) / 2)


def memory_of(model):
    return model.replay_buffer.next_masks[: model.replay_buffer.size()]


def test_the_memory_keeps_the_mask_of_the_successor():
    model = make(seeds=[3], n_envs=2)
    masks = []
    model.learn(60, callback=lambda variables, _: masks.append(np.stack(variables["env"].env_method("action_masks"))) or True)
    ended = model.replay_buffer.dones[: len(masks)] == 1
    assert ended.any()
    np.testing.assert_array_equal(memory_of(model)[~ended], np.array(masks)[~ended])


def test_where_a_time_limit_cut_it_is_the_mask_of_the_state_that_it_cut_and_not_of_the_next_episode_s():
    env = lambda: Monitor(gym.make("from_scratch/InvalidActionGrid-v0", n_invalid=8, size=3, max_episode_steps=3))
    model = make(env=env, seeds=[3]).learn(60)
    buffer = model.replay_buffer
    cut = np.flatnonzero(buffer.timeouts[:60, 0])
    assert len(cut) > 5
    grid = InvalidActionGrid(n_invalid=8, size=3)
    cells = buffer.next_observations[cut, 0].reshape(-1).astype(int)
    np.testing.assert_array_equal(buffer.next_masks[cut, 0], grid.masks[cells])
    assert len(set(cells.tolist())) > 1


def test_n_steps_ahead_it_is_the_mask_after_the_last_of_them():
    model = make(maskable("n_step_dqn"), seeds=[3], env=partial(MaskedSpaces, VECTOR, FIVE)).learn(60)
    t = np.arange(0, 40)[None]
    b = model.memory.form.of(model.memory.storage, t, np.zeros_like(t), 0.9)
    kept = {obs.tobytes(): mask for obs, mask in zip(model.replay_buffer.next_observations[:60, 0], memory_of(model)[:, 0], strict=True)}
    for obs, mask in zip(b.next_obs[0].numpy(), b.next_mask[0].numpy(), strict=True):
        np.testing.assert_array_equal(mask, kept[obs.tobytes()])


# ------------------------------------------------------------------------------------------------ where there is no mask
@pytest.mark.parametrize("env", [made_of(VECTOR, FIVE, 2), made_of(IMAGE, FIVE)], ids=["vectors", "images"])
def test_without_masks_it_is_sb3_s_dqn(env):
    policy = "MlpPolicy" if len(env().observation_space.shape) == 1 else "CnnPolicy"
    case = Case(env, {"learning_starts": 50, "target_update_interval": 60, "buffer_size": 400, "policy_kwargs": {"net_arch": [16]}}, policy, steps=100)
    theirs, ours = (case.build(kind, 0).learn(case.steps).policy.state_dict() for kind in (stable_baselines3.DQN, MaskableDQN))
    assert theirs.keys() == ours.keys()
    torch.testing.assert_close(dict(ours), dict(theirs), rtol=0, atol=compare.WEIGHTS)


def test_dqn_itself_takes_no_notice_of_masks_as_sb3_s_does_not():
    played = set()
    make(DQN, env=lambda: InvalidActionGrid(n_invalid=12), seeds=[0]).learn(60, callback=lambda v, _: played.update(v["actions"].tolist()) or True)
    assert len(played) > 4


def test_masks_may_come_and_go_with_the_environment():
    model = make(seed=0).learn(24)
    model.set_env(Monitor(AnySpaces(VECTOR, FIVE)))
    model.learn(24, reset_num_timesteps=False)
    assert not model.masked and model.masks is None
    model.set_env(Monitor(masked()))
    model.learn(24, reset_num_timesteps=False)
    assert model.masked


# ------------------------------------------------------------------------------------------------------------- files, others' tools
def test_it_is_saved_with_its_memory_and_goes_on_as_it_would(tmp_path):
    def go_on(model):
        return {name: value.clone() for name, value in model.learn(24, reset_num_timesteps=False).policy.state_dict().items()}

    model = make(seeds=[3]).learn(40)
    model.save(tmp_path / "model")
    model.save_replay_buffer(tmp_path / "memory")
    loaded = MaskableDQN.load(tmp_path / "model", env=masked, device="cpu")
    loaded.load_replay_buffer(tmp_path / "memory")
    np.testing.assert_array_equal(memory_of(loaded), memory_of(model))
    twin = MaskableDQN.load(tmp_path / "model", env=masked, device="cpu")
    twin.load_replay_buffer(tmp_path / "memory")
    ends = go_on(loaded), go_on(twin)
    assert all(torch.equal(value, ends[1][name]) for name, value in ends[0].items())


def test_pictures_and_dicts_are_masked_by_the_general_path():
    for observation, policy in ((IMAGE, "CnnPolicy"), (spaces.Dict({"a": VECTOR, "b": FIVE}), "MultiInputPolicy")):
        model = make(env=partial(masked, observation), policy=policy, seeds=[0]).learn(30)
        assert not model.predict({"a": np.zeros(4), "b": 1} if policy[0] == "M" else np.zeros((36, 36, 1), np.uint8), action_masks=np.eye(5)[0])[0]


def test_contrib_s_evaluation_takes_it():
    env = lambda: Monitor(gym.make("from_scratch/InvalidActionGrid-v0", n_invalid=60, penalty=100.0, size=2, max_episode_steps=10))
    mean, _ = evaluate_policy(make(env=env, seeds=[0]).learn(200), env(), n_eval_episodes=5)
    assert 0 <= mean <= 1
