"""MaskablePPO: masked distributions against numbers worked by hand, masks on their way from the environment into the loss, and SB3-Contrib's own tools."""

import base64
import io
import json
import math
import zipfile

import numpy as np
import pytest
import sb3_contrib
import torch
from gymnasium import spaces
from sb3_contrib.common.envs import InvalidActionEnvDiscrete, InvalidActionEnvMultiBinary, InvalidActionEnvMultiDiscrete
from sb3_contrib.common.maskable.buffers import MaskableRolloutBuffer
from sb3_contrib.common.maskable.callbacks import MaskableEvalCallback
from sb3_contrib.common.maskable.evaluation import evaluate_policy
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from sb3_contrib.common.maskable.utils import get_action_masks
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import SubprocVecEnv

from benchmarks.parity.cases import VECTOR
from benchmarks.parity.envs import AnySpaces, MaskedSpaces
from from_scratch import PPO, MaskablePPO
from from_scratch.callbacks import StackEvalCallback
from from_scratch.core.distributions import Independent, Masked, distribution
from from_scratch.core.rng import Rng

SMALL = {"n_steps": 16, "batch_size": 8, "n_epochs": 2, "device": "cpu"}
FIVE = spaces.Discrete(5)


def masked(action=FIVE):
    return MaskedSpaces(VECTOR, action)


def model(env=masked, **more):
    return MaskablePPO("MlpPolicy", env, **{**SMALL, **more})


# ---------------------------------------------------------------------------------------------------------- by hand
LOGITS, MASK = torch.tensor([[[0.0, math.log(3), 5.0]]]), torch.tensor([[[1.0, 1.0, 0.0]]])  # of the two that are valid: ¼ and ¾


def test_valid_actions_share_the_probability_of_the_invalid_ones():
    pi = Masked(LOGITS, MASK)
    torch.testing.assert_close(pi.log_prob(torch.tensor([[0]])), torch.tensor([[math.log(1 / 4)]]))
    torch.testing.assert_close(pi.log_prob(torch.tensor([[1]])), torch.tensor([[math.log(3 / 4)]]))


def test_the_entropy_is_that_of_valid_actions():
    by_hand = 1 / 4 * math.log(4) + 3 / 4 * math.log(4 / 3)
    torch.testing.assert_close(Masked(LOGITS, MASK).entropy(), torch.tensor([[by_hand]]))


def test_an_invalid_action_s_logit_has_no_gradient():
    logits = LOGITS.clone().requires_grad_()
    pi = Masked(logits, MASK)
    (pi.log_prob(torch.tensor([[0]])) + pi.entropy()).sum().backward()
    assert logits.grad[0, 0, 2] == 0
    assert (logits.grad[0, 0, :2] != 0).all()


def test_no_invalid_action_is_drawn_nor_the_likeliest():
    pi = Masked(np.tile(LOGITS.numpy(), (1, 1000, 1)), MASK.numpy())
    drawn = pi.sample(Rng.private([0], spaces.Discrete(3)))
    assert set(drawn[0].tolist()) == {0, 1}
    assert drawn.mean() == pytest.approx(3 / 4, abs=0.05)
    assert (pi.mode() == 1).all()


def test_where_the_mask_leaves_nothing_all_are_equally_likely():
    pi = Masked(np.tile(LOGITS.numpy(), (1, 1000, 1)), np.zeros((1, 1000, 3), np.float32))
    drawn = pi.sample(Rng.private([0], spaces.Discrete(3)))[0]
    assert np.bincount(drawn, minlength=3).min() > 250
    assert Masked(LOGITS, torch.zeros_like(MASK)).entropy().item() == 0  # as in SB3-Contrib


def test_components_have_masks_of_their_own_and_a_coin_is_two_actions():
    two = distribution(spaces.MultiBinary(2), torch.zeros(1, 1, 4), mask=torch.tensor([[[1.0, 0.0, 1.0, 1.0]]]))
    assert isinstance(two, Independent)
    torch.testing.assert_close(two.log_prob(torch.tensor([[[0, 1]]])), torch.tensor([[math.log(1 / 2)]]))
    torch.testing.assert_close(two.entropy(), torch.tensor([[math.log(2)]]))


# ------------------------------------------------------------------------------------------------- masks on their way
ENVS = {
    "discrete": lambda: InvalidActionEnvDiscrete(dim=8, n_invalid_actions=5),
    "multi-discrete": lambda: InvalidActionEnvMultiDiscrete(dims=[3, 4], n_invalid_actions=4),
    "multi-binary": lambda: InvalidActionEnvMultiBinary(dims=4, n_invalid_actions=3),
}


class NoneInvalid(BaseCallback):
    """Asserts of every step that what was played was valid then."""

    seen = 0

    def _on_training_start(self):
        assert self.locals["use_masking"]

    def _on_step(self):
        for mask, action in zip(self.locals["action_masks"], self.locals["actions"].reshape(self.training_env.num_envs, -1), strict=True):
            space = self.training_env.action_space
            sizes = [space.n] if isinstance(space, spaces.Discrete) else [2] * space.n if isinstance(space, spaces.MultiBinary) else space.nvec
            assert all(mask[start + a] for start, a in zip(np.cumsum([0, *sizes[:-1]]), action.astype(int), strict=True))
            self.seen += 1
        return True


@pytest.mark.parametrize("kind", ENVS)
def test_no_invalid_action_is_played_and_callbacks_see_the_masks(kind):
    callback = NoneInvalid()
    model(ENVS[kind], seed=0, n_envs=2).learn(64, callback=callback)
    assert callback.seen == 64


def test_the_rollout_keeps_the_masks_of_its_steps():
    seen = []

    class Notes(BaseCallback):
        needs_no_values = True

        def _on_step(self):
            seen.append(np.array(self.locals["action_masks"]))
            return True

        def _on_rollout_end(self):
            np.testing.assert_array_equal(self.model.rollout_buffer.action_masks, np.array(seen[-16:]))

    model(seed=0, n_envs=2).learn(64, callback=Notes())
    assert len({mask.tobytes() for mask in seen}) > 3


def test_masks_of_environments_in_other_processes_are_the_same():
    here, there = make_vec_env(masked, 2, seed=3), make_vec_env(masked, 2, seed=3, vec_env_cls=SubprocVecEnv, vec_env_kwargs={"start_method": "fork"})
    np.testing.assert_array_equal(here.reset(), there.reset())
    weights = [model(env, seed=0).learn(32).policy.state_dict() for env in (here, there)]
    there.close()
    assert all(torch.equal(a, b) for a, b in zip(*(w.values() for w in weights), strict=True))


def test_without_masking_every_action_may_be_played():
    played = set()
    model(ENVS["discrete"], seed=0).learn(128, use_masking=False, callback=lambda variables, _: played.update(variables["actions"].tolist()) or True)
    assert played == set(range(8))


def test_an_environment_without_masks_is_refused_unless_nothing_is_to_be_masked():
    bare = model(lambda: AnySpaces(VECTOR, FIVE), seed=0)
    with pytest.raises(ValueError, match=r"does not support action masking\. Consider using ActionMasker wrapper"):
        bare.learn(16)
    bare.learn(16, use_masking=False)


def test_a_buffer_that_keeps_no_masks_is_refused():
    one = model(seed=0)
    one.rollout_buffer = PPO("MlpPolicy", masked, **SMALL).rollout_buffer
    with pytest.raises(AssertionError, match="RolloutBuffer doesn't support action masking: RolloutBuffer must be derived from MaskableRolloutBuffer"):
        one.learn(16)


def test_a_policy_that_takes_no_masks_is_refused():
    with pytest.raises(ValueError, match="Policy must subclass MaskableActorCriticPolicy; ActorCriticPolicy does not"):
        MaskablePPO(PPO.policy_aliases["MlpPolicy"], masked, **SMALL)


def test_predict_chooses_among_the_actions_of_the_masks():
    one = model(seed=0).learn(32)
    obs, masks = np.zeros((50, 4), np.float32), np.tile([True, False, True, False, False], (50, 1))
    assert set(one.predict(obs, action_masks=masks)[0]) == {0, 2}
    assert one.predict(obs[0], action_masks=masks[0], deterministic=True)[0] in (0, 2)
    assert set(one.predict(obs)[0]) == {0, 1, 2, 3, 4}


def test_a_stack_takes_the_masks_of_all_its_seeds():
    stack = model(seeds=[3, 4]).learn(32)
    obs, masks = np.zeros((6, 4), np.float32), np.repeat(np.eye(5, dtype=bool)[[1, 4]], 3, axis=0)
    np.testing.assert_array_equal(stack.predict(obs, action_masks=masks)[0], [1, 1, 1, 4, 4, 4])


# ------------------------------------------------------------------------------------------------------- the policies of others
class Own(MaskableActorCriticPolicy):
    """A user's subclass: its public methods are called."""


@pytest.mark.parametrize("kind", ENVS)
def test_a_policy_of_somebody_s_own_is_asked_with_masks_and_gives_the_same_run(kind):
    runs = []
    for policy in ("MlpPolicy", Own):
        torch.manual_seed(0), np.random.seed(0)
        env = ENVS[kind]()
        env.action_space.seed(0)
        runs.append(MaskablePPO(policy, Monitor(env), seed=0, **SMALL).learn(64, callback=NoneInvalid()).policy.state_dict())
    for name, value in runs[0].items():
        torch.testing.assert_close(value, runs[1][name], rtol=0, atol=1e-6)


def test_a_buffer_of_somebody_s_own_is_given_the_masks():
    class OwnBuffer(MaskableRolloutBuffer):
        """A user's."""

    runs = [model(seeds=[0], rollout_buffer_class=kind).learn(64).policy.state_dict() for kind in (None, OwnBuffer)]
    for name, value in runs[0].items():
        torch.testing.assert_close(value, runs[1][name], rtol=0, atol=1e-6)


def test_a_method_replaced_in_the_class_of_the_policy_is_called(monkeypatch, capsys):
    calls = []
    old = MaskableActorCriticPolicy.evaluate_actions
    monkeypatch.setattr(MaskableActorCriticPolicy, "evaluate_actions", lambda *args, **more: calls.append(1) or old(*args, **more))
    model(seed=0, verbose=1).learn(16)
    assert calls and "MaskableActorCriticPolicy.evaluate_actions was replaced" in capsys.readouterr().out


# ------------------------------------------------------------------------------------------------------------ contrib's tools
def test_it_is_one_of_contrib_s():
    assert isinstance(model(), sb3_contrib.MaskablePPO)


def test_contrib_s_evaluation_takes_ours():
    env = Monitor(ENVS["discrete"]())
    trained = model(ENVS["discrete"], seed=0).learn(64)
    _, lengths = evaluate_policy(trained, env, n_eval_episodes=3, return_episode_rewards=True)
    assert lengths == [100] * 3
    assert evaluate_policy(trained, make_vec_env(ENVS["discrete"], 2), n_eval_episodes=3, use_masking=False)[0] <= 100


def test_contrib_s_callback_scores_it_in_the_midst_of_training_and_changes_nothing(tmp_path):
    def trained(callback=None):
        return model(lambda: MaskedSpaces(VECTOR, FIVE), seeds=[0]).learn(64, callback=callback)

    callback = MaskableEvalCallback(Monitor(masked()), eval_freq=16, n_eval_episodes=1, log_path=str(tmp_path), best_model_save_path=str(tmp_path), verbose=0)
    left_alone = trained().policy.state_dict()
    assert all(torch.equal(value, left_alone[name]) for name, value in trained(callback).policy.state_dict().items())
    assert len(np.load(tmp_path / "evaluations.npz")["timesteps"]) == 4
    assert isinstance(MaskablePPO.load(tmp_path / "best_model.zip"), MaskablePPO)


def test_our_callback_for_stacks_scores_with_masks():
    """One action is valid at a time, and the mask says which: with it every step is right."""
    one_valid = lambda: Monitor(InvalidActionEnvDiscrete(dim=4, ep_length=20, n_invalid_actions=3))
    callback = StackEvalCallback(one_valid, eval_freq=16, n_eval_episodes=1, verbose=0)
    model(one_valid, seeds=[3, 4]).learn(16, callback=callback)
    assert callback.scores.tolist() == [20.0, 20.0]


def test_files_go_both_ways_and_both_sides_train_on_alike():
    file = io.BytesIO()
    model(make_vec_env(masked, 2, seed=1), seed=0).learn(64).save(file)
    ends = []
    for kind in (sb3_contrib.MaskablePPO, MaskablePPO):
        file.seek(0)
        loaded = kind.load(file, env=make_vec_env(masked, 2, seed=2), device="cpu")
        loaded.set_random_seed(5)
        ends.append(loaded.learn(64).policy.state_dict())
    back = io.BytesIO()
    loaded.save(back)
    back.seek(0)
    assert sb3_contrib.MaskablePPO.load(back).policy.state_dict().keys() == ends[0].keys()
    for name, value in ends[0].items():
        torch.testing.assert_close(value, ends[1][name], rtol=0, atol=1e-6)


def test_a_file_of_ours_names_nothing_of_ours():
    """So contrib opens it where our package is not installed."""
    file = io.BytesIO()
    model(seed=0).learn(16).save(file)
    with zipfile.ZipFile(file) as archive:
        known = json.loads(archive.read("data"))
    pickles = {name: base64.b64decode(value[":serialized:"]) for name, value in known.items() if isinstance(value, dict) and ":serialized:" in value}
    assert b"sb3_contrib" in pickles["policy_class"]
    assert [name for name, pickled in pickles.items() if b"from_scratch" in pickled] == []


def test_masks_of_contrib_s_utilities_are_ours():
    env = make_vec_env(masked, 3, seed=0)
    env.reset()
    one = model(env, seed=0)
    one._setup_learn(16)
    one.act(one.by_seed(one._last_obs))
    np.testing.assert_array_equal(one.beside_now()["action_masks"], get_action_masks(env))


@pytest.mark.slow
def test_it_solves_contrib_s_environment_of_which_most_actions_are_invalid():
    env = lambda: InvalidActionEnvDiscrete(dim=20, n_invalid_actions=10)
    trained = MaskablePPO("MlpPolicy", env, gamma=0.4, seed=32, device="cpu").learn(5000)
    assert evaluate_policy(trained, Monitor(env()), n_eval_episodes=10)[0] > 90
