"""Decision Transformer: another library's numbers, windows and returns-to-go by hand, and what is asked for while playing."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.evaluation import evaluate_policy

from from_scratch import DecisionTransformer
from from_scratch.core.replay.windows import Window
from tests.from_scratch.offline_numbers import Three, golden, recorded
from tests.from_scratch.small import DICTS, IMAGES

pytestmark = pytest.mark.numerical

TWO, COIN = spaces.Box(-1, 1, (2,)), spaces.Discrete(2)
SMALL = {"seed": 0, "device": "cpu", "context_length": 4, "embedding_dim": 8, "n_layers": 1, "batch_size": 16, "warmup_steps": 0}


def transform(data, steps=0, env=None, **kwargs):
    return DecisionTransformer("MlpPolicy", env, dataset=data, **{**SMALL, **kwargs}).learn(steps)


# -------------------------------------------------------------------------------------------------- numbers of another library
GIVEN, EXPECTED = golden("decision_transformer_corl")


@pytest.fixture
def told():
    """A model with the other library's weights, of two heads, and its two windows, as one seed's."""
    weights = {name: torch.tensor(x) for name, x in GIVEN["params"].items()}
    model = DecisionTransformer("MlpPolicy", Three(TWO), **{**SMALL, "dropout": 0.0, "max_timestep": len(weights["timestep_emb.weight"]) - 1, "n_heads": 2})
    model.policy.transformer.load_state_dict(weights)
    of = lambda name: torch.tensor(GIVEN[name])[None]
    return model, Window(of("states"), of("actions"), of("returns_to_go"), of("timesteps"), of("attention_mask").float())


def test_its_actions_are_those_of_another_library_where_steps_are_real(told):
    model, b = told
    predicted = model.pi(b.obs, b.action, b.to_go, b.t, b.real)[0].detach()
    real = b.real[0] > 0
    torch.testing.assert_close(predicted[real], torch.tensor(EXPECTED["action_preds"])[real], rtol=0, atol=1e-5)


def test_its_loss_and_gradients_are_another_library_s_but_for_the_padding_that_it_divides_by(told):
    """Of eight steps one is padding: a mean over those that are real is 8/7 of a mean over all."""
    model, b = told
    rows = model.pi.rows
    loss, _ = rows.differentiate(model.loss, b, None)
    rows.backward(loss)
    assert loss.item() == pytest.approx(EXPECTED["masked_mse_as_in_corl"] * 8 / 7, abs=1e-5)
    for part, name in ((model.policy.transformer.return_emb, "grad_return_emb"), (model.policy.transformer.action_head[0], "grad_action_head")):
        np.testing.assert_allclose(part.weight.grad.numpy(), np.array(EXPECTED[name]) * 8 / 7, atol=1e-5)


def test_what_comes_later_and_what_is_not_real_changes_nothing(told):
    model, b = told
    before = model.pi(b.obs, b.action, b.to_go, b.t, b.real)[0].detach()
    obs, action, to_go = b.obs.clone(), b.action.clone(), b.to_go.clone()
    obs[0, 0, 0], action[0, 0, 0], to_go[0, 0, 0] = 9, 9, 9  # in front of the first window
    action[0, :, 2], obs[0, :, 3], to_go[0, :, 3] = 9, 9, 9  # the third action is known when the fourth step is to be chosen, and not before
    after = model.pi(obs, action, to_go, b.t, b.real)[0].detach()
    assert torch.equal(after[0, 1:3], before[0, 1:3]) and torch.equal(after[1, :3], before[1, :3])
    assert not torch.equal(after[:, 3], before[:, 3])


# ---------------------------------------------------------------------------------------------------------------------------- windows
def test_windows_end_with_their_episode_and_stand_at_the_right():
    """Episodes of three steps and of two, rewards 1 2 4 and 8 16: returns to go 7 6 4 and 24 16."""
    data = recorded([0, 1, 0, 1, 1], COIN, [1, 2, 4, 8, 16], [3, 2])
    model = transform(data, context_length=3)
    model.bind_memory()
    b = model.memory.window(np.array([[0, 1, 3]]))
    assert b.real[0].tolist() == [[1, 1, 1], [0, 1, 1], [0, 1, 1]]
    shown = lambda x: [[v for v, is_real in zip(row, real, strict=True) if is_real] for row, real in zip(x[0].tolist(), b.real[0].tolist(), strict=True)]
    assert shown(b.to_go) == [[7, 6, 4], [6, 4], [24, 16]]
    assert shown(b.t) == [[0, 1, 2], [1, 2], [0, 1]]
    assert shown(b.action[..., 0]) == [[0, 1, 0], [1, 0], [1, 1]]


def test_a_window_begins_with_each_step_alike():
    model = transform(recorded([0] * 5, COIN, lengths=[3, 2]))
    model.bind_memory()
    drawn = model.memory.sample(4000, 1.0)
    first = drawn.obs[0, torch.arange(4000), (drawn.real[0] > 0).int().argmax(-1)]
    shares = [(first == torch.as_tensor(o)).all(-1).float().mean().item() for o in model.data.observations]
    np.testing.assert_allclose(shares, 0.2, atol=0.03)


# ------------------------------------------------------------------------------------------------------------------- playing
def seen_to_go(state):
    return state.to_go[0, state.real[0] > 0].tolist()


def test_what_is_asked_for_falls_by_each_reward_and_begins_anew_with_each_episode():
    model, o = transform(recorded([0, 1], COIN)), np.zeros((1, 3), np.float32)
    _, state = model.predict(o, target_return=10)
    _, state = model.predict(o, state, reward=np.array([3.0]))
    _, state = model.predict(o, state, reward=np.array([-2.0]))
    assert seen_to_go(state) == [10, 7, 9] and state.t[0].tolist() == [0, 0, 1, 2]
    _, state = model.predict(o, state, episode_start=np.array([True]), reward=np.array([5.0]), target_return=4)
    assert seen_to_go(state) == [4] and state.t[0, -1] == 0


def test_it_asks_for_the_best_return_of_the_data_unless_it_is_told():
    model, o = transform(recorded([0, 1, 1], COIN, [1, 5, 2], [1, 2])), np.zeros((1, 3), np.float32)
    asked = lambda **how: seen_to_go(model.predict(o, **how)[1])
    assert asked() == [7] and asked(target_return=2.5) == [2.5]
    model.target_return = 3.0
    assert asked() == [3]


def test_asked_for_nothing_it_asks_for_nothing():
    """A target of 0 is a target, and not none."""
    model = transform(recorded([0, 1], COIN, [5, 5]), target_return=0.0)
    assert seen_to_go(model.predict(np.zeros((1, 3), np.float32))[1]) == [0] and model.act(np.zeros((1, 2, 3), np.float32)).shape == (1, 2)


def test_a_reward_that_nobody_tells_is_taken_to_be_the_data_s_mean():
    model, o = transform(recorded([0, 1, 1], COIN, [1, 5, 3], [1, 2])), np.zeros((1, 3), np.float32)
    _, state = model.predict(o)
    assert seen_to_go(model.predict(o, state)[1]) == [8, 5]


def test_it_remembers_as_much_as_it_learnt_from():
    model = transform(recorded([0, 1], COIN), context_length=3)
    state, seen = None, np.arange(15, dtype=np.float32).reshape(5, 1, 3) / 10
    for o in seen:
        action, state = model.predict(o, state, deterministic=True)
    np.testing.assert_array_equal(state.obs[0], seen[-3:, 0])
    assert state.real.all() and state.action[0, -1, 0] == action[0]


def test_playing_step_by_step_sees_what_training_saw():
    """The context after four steps of a recorded episode, with its actions, is the window that begins with it."""
    data = recorded([0, 1, 1, 0], COIN, [1, 2, 3, 4])
    model = transform(data, 20)
    model.bind_memory()
    state = None
    for o, a, r in zip(data.observations, data.actions, [None, 1.0, 2.0, 3.0], strict=True):
        _, state = model.predict(o[None], state, reward=r, target_return=10)
        state.action[0, -1, 0] = a  # what was recorded, not what it would do
    b = model.memory.window(np.array([[0]]))
    for played, recorded_there in zip(state, (b.obs, b.action, b.to_go, b.t, b.real), strict=True):
        np.testing.assert_array_equal(played[0], recorded_there[0, 0])


def test_what_was_asked_for_is_done():
    """From the same observation action 0 returned 0 and action 1 returned 1: asked for either return, it takes that action."""
    data = recorded([0, 1] * 32, COIN, [0, 1] * 32, [1] * 64, np.zeros((64, 3), np.float32))
    model, o = transform(data, 60, learning_rate=1e-2, dropout=0.0), np.zeros(3, np.float32)
    assert [int(model.predict(o, target_return=g, deterministic=True)[0]) for g in (0, 1)] == [0, 1]
    assert 0.6 < np.mean([model.predict(o, target_return=1)[0] for _ in range(60)]) <= 1


def test_continuous_actions_are_done_as_well():
    """Returns 0 … 1 came of actions −3 … 5 in these bounds: asked for ½ it does about 1."""
    space, u = spaces.Box(-3, 5, (1,)), np.linspace(0, 1, 64, dtype=np.float32)
    data = recorded((8 * u - 3)[:, None], space, u, [1] * 64, np.zeros((64, 3), np.float32))
    model = transform(data, 150, learning_rate=1e-2, dropout=0.0)
    asked = [model.predict(np.zeros(3, np.float32), target_return=g)[0].item() for g in (0.2, 0.5, 0.8)]
    np.testing.assert_allclose(asked, [-1.4, 1.0, 3.4], atol=0.9)


class Pays(gym.Env):
    """Five steps, the reward is the action; what predict() is told is written down."""

    observation_space, action_space = spaces.Box(-10, 10, (3,)), COIN

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return np.zeros(3, np.float32), {}

    def step(self, action):
        self.t += 1
        return np.zeros(3, np.float32), float(action), False, self.t == 5, {}


def test_sb3_s_evaluation_plays_with_it():
    data = recorded([1] * 20, COIN, [1] * 20, [5] * 4)
    returns, _ = evaluate_policy(transform(data, 20, learning_rate=1e-2), Pays(), 3, return_episode_rewards=True, warn=False)
    assert returns == [5, 5, 5]


def test_dropout_is_each_seed_s_own():
    """To the bit, in a stack and alone, and with nothing taken from the process's generator."""
    data, before = recorded([0, 1] * 8, COIN, [0, 1] * 8, [4] * 4), torch.get_rng_state()
    stack, alone = (transform(data, 5, seed=None, seeds=seeds, dropout=0.5) for seeds in ([3, 4], [4]))
    for mine, theirs in zip(stack.policies[1].parameters(), alone.policy.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_learning_rate_grows_over_the_warm_up():
    model = transform(recorded([0, 1], COIN), learning_rate=1.0, warmup_steps=4)
    rates = []
    for _ in range(5):
        model.learn(1, reset_num_timesteps=False)
        rates.append(model.policy.optimizer.param_groups[0]["lr"])
    assert rates == [0.25, 0.5, 0.75, 1.0, 1.0]


@pytest.mark.parametrize(("policy", "space"), [("CnnPolicy", IMAGES), ("MultiInputPolicy", DICTS)])
@pytest.mark.parametrize("seeds", [[0], [0, 1]])
def test_images_and_dicts_are_seen(policy, space, seeds):
    space.seed(0)
    obs = [space.sample() for _ in range(8)]
    join = lambda found: {key: np.stack([o[key] for o in found]) for key in space.spaces} if policy == "MultiInputPolicy" else np.stack(found)
    data = {
        "observations": join(obs), "next_observations": join(obs), "actions": np.arange(8) % 2,
        "rewards": np.zeros(8, np.float32), "terminations": np.zeros(8, bool), "truncations": np.arange(8) % 4 == 3,
    }  # fmt: skip
    model = DecisionTransformer(policy, (space, COIN), dataset=data, **{**SMALL, "seed": None, "seeds": seeds, "batch_size": 4}).learn(2)
    actions, state = model.predict(join(obs[:4]))
    actions, state = model.predict(join(obs[4:]), state)
    assert actions.shape == (4,) and state.real.sum() == 8
