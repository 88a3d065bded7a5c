"""Catch: a ball, a paddle, and nothing else."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from from_scratch.envs import Catch


def played(env, policy, seed=None):
    """The boards and the rewards of an episode."""
    boards, rewards, ended = [env.reset(seed=seed)[0]], [], False
    while not ended:
        board, reward, ended, cut, _ = env.step(policy(boards[-1]))
        assert not cut
        boards.append(board)
        rewards.append(reward)
    return boards, rewards


def follow(board):
    """Go to the ball's column."""
    ball, paddle = board[:-1].argmax() % board.shape[1], board[-1].argmax()
    return 1 + int(np.sign(ball - paddle))


def test_it_is_a_gymnasium_environment():
    check_env(gym.make("from_scratch/Catch-v0").unwrapped, skip_render_check=True)


def test_an_episode_is_a_ball_s_fall_with_the_reward_at_its_end():
    boards, rewards = played(Catch(), lambda board: 1, seed=0)
    assert len(rewards) == 9 and rewards[:-1] == [0.0] * 8 and abs(rewards[-1]) == 1
    assert boards[0].shape == (10, 5) and boards[0].sum() == 2 and boards[0][9, 2] == 1
    columns = {board[t].argmax() for t, board in enumerate(boards[:-1])}
    assert len(columns) == 1 and all(board[9].argmax() == 2 for board in boards[:-1])


def test_whoever_follows_the_ball_catches_it_and_whoever_flees_does_not():
    assert all(played(Catch(), follow, seed)[1][-1] == 1 for seed in range(20))
    assert all(played(Catch(columns=5), lambda board: 2 if board[:-1].argmax() % 5 < 2 else 0, seed)[1][-1] == -1 for seed in range(20))


def test_the_paddle_stops_at_the_walls():
    boards, _ = played(Catch(), lambda board: 0, seed=0)
    assert [board[9].argmax() for board in boards[:5]] == [2, 1, 0, 0, 0]


def test_every_column_is_as_likely():
    env = Catch()
    env.reset(seed=0)
    falls = np.bincount([env.reset()[0][0].argmax() for _ in range(1000)], minlength=5)
    assert falls == pytest.approx([200] * 5, abs=4 * (1000 * 0.2 * 0.8) ** 0.5)


def test_the_board_can_be_printed():
    env = Catch(rows=3, columns=3, render_mode="ansi")
    env.reset(seed=0)
    env.ball = 0
    assert env.render() == "o..\n...\n.=."


@pytest.mark.parametrize(("name", "value"), [("rows", 1), ("columns", 0)])
def test_a_board_without_a_fall_is_refused(name, value):
    with pytest.raises(ValueError, match=f"{name}={value}: it is at least"):
        Catch(**{name: value})
