"""MinAtar's five games: ids, what is seen, the network for it, and studies of them."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

import from_scratch.envs  # noqa: F401  registers them
from from_scratch import DQN, PPO
from from_scratch.envs.registration import MINATAR
from from_scratch.policies import MinAtarCNN

pytest.importorskip("minatar", reason="the five games come with the extra minatar")
SMALL = {"learning_starts": 20, "buffer_size": 500, "batch_size": 8, "policy_kwargs": {"features_extractor_class": MinAtarCNN, "net_arch": []}, "device": "cpu"}


GAMES = [("Asterix", 4, 5), ("Breakout", 4, 3), ("Freeway", 7, 3), ("Seaquest", 10, 6), ("SpaceInvaders", 6, 4)]


@pytest.mark.parametrize(("game", "layers", "actions"), GAMES)
def test_each_game_has_its_id_shows_bits_and_begins_alike_under_one_seed(game, layers, actions):
    assert f"MinAtar/{game}-v1" in MINATAR
    one, other = gym.make(f"MinAtar/{game}-v1"), gym.make(f"MinAtar/{game}-v1")
    assert one.observation_space.shape == (10, 10, layers) and one.observation_space.dtype == bool and one.action_space.n == actions
    for env in (one, other):
        env.reset(seed=3)
    for t in range(200):
        (obs, reward, terminated, *_), (seen, got, died, *_) = (env.step(t % actions) for env in (one, other))
        assert np.array_equal(obs, seen) and (reward, terminated) == (got, died)
        if terminated:
            np.testing.assert_array_equal(one.reset()[0], other.reset()[0])


def test_its_network_is_the_authors_sixteen_filters_and_128_units():
    cnn = MinAtarCNN(spaces.Box(0, 1, (10, 10, 4), bool))
    assert sum(p.numel() for p in cnn.parameters()) == (4 * 9 * 16 + 16) + (16 * 64 * 128 + 128)
    image = torch.zeros(1, 10, 10, 4)
    image[0, 2, 7, 3] = 1
    seen = cnn.layers[0](image.permute(0, 3, 1, 2)) - cnn.layers[0].bias[None, :, None, None]
    torch.testing.assert_close(seen[0, :, 2, 7], cnn.layers[0].weight[:, 3, 0, 0])  # a filter's first corner lies on it, of the fourth layer


def test_what_is_no_image_is_refused():
    with pytest.raises(ValueError, match="MinAtarCNN sees images, height × width × layers"):
        MinAtarCNN(spaces.Box(0, 1, (10,)))


def test_seeds_in_lock_step_learn_what_they_learn_alone_and_files_open(tmp_path):
    both = DQN("MlpPolicy", "MinAtar/Breakout-v1", seeds=[0, 1], **SMALL).learn(60)
    alone = DQN("MlpPolicy", "MinAtar/Breakout-v1", seeds=[1], **SMALL).learn(60)
    for p, q in zip(both.policies[1].parameters(), alone.policy.parameters(), strict=True):
        assert torch.equal(p, q)
    alone.save(tmp_path / "model")
    obs = alone.env.reset()
    assert DQN.load(tmp_path / "model").predict(obs, deterministic=True)[0] == alone.predict(obs, deterministic=True)[0]


def test_ppo_learns_from_them_too():
    kwargs = {"features_extractor_class": MinAtarCNN, "net_arch": []}
    model = PPO("MlpPolicy", "MinAtar/Freeway-v1", n_steps=16, batch_size=16, n_epochs=1, policy_kwargs=kwargs, seed=0, device="cpu")
    before = [p.detach().clone() for p in model.policy.parameters()]
    assert not all(map(torch.equal, before, model.learn(16).policy.parameters()))
