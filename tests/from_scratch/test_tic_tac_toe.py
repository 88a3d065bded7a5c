"""Tic-tac-toe: its rules, what is exactly known of it, and learning it by self-play."""

import gymnasium as gym
import numpy as np
import pytest

from from_scratch.envs.games.tic_tac_toe import AFTER, CELLS, FULL, N_STATES, TURNED, WON, TicTacToe, _undecided, _value, best_moves, match, moved, uniform
from from_scratch.envs.vector import make_vector_env, vectorised
from from_scratch.temporal_difference.afterstate_td import AfterstateTD
from from_scratch.temporal_difference.q_learning import QLearning


def board(text):
    """The number of a position: x is the player to move."""
    return int(sum(".xo".index(cell) * 3**i for i, cell in enumerate(text.replace(" ", ""))))


def play(env, *moves):
    env.reset(seed=0)
    return [env.step(a) for a in moves][-1]


# ------------------------------------------------------------------------------------------------------------------------------- the game
def test_the_board_is_seen_by_the_player_to_move():
    env = TicTacToe(render_mode="ansi")
    s, reward, terminated, *_ = play(env, 4, 0)
    assert (s, reward, terminated) == (board("o.. .x. ..."), 0, False) and env.render() == "o..\n.x.\n..."
    assert TURNED[s] == board("x.. .o. ...") and np.array_equal(TURNED[TURNED], np.arange(N_STATES))
    assert AFTER[s, 0] == -1 and AFTER[s, 8] == board("o.. .x. ..x")


def test_three_in_a_row_win_nine_moves_without_draw_and_taken_cells_lose():
    env = TicTacToe()
    assert play(env, 0, 3, 1, 4, 2)[1:3] == (1, True)
    assert play(env, 0, 1, 2, 4, 3, 5, 7, 6, 8)[1:3] == (0, True)
    assert play(env, 0, 0)[1:3] == (-1, True)
    won = {int(s) for s in np.flatnonzero(WON) if (CELLS[s] == 1).sum() == 3 and (CELLS[s] == 2).sum() == 0}
    assert len(won) == 8 and FULL[board("xox oxo oxo")] and not FULL[board("xox oxo ox.")]


def test_lanes_of_self_play_are_the_scalar_game():
    scalar, lanes, rng = gym.make("from_scratch/TicTacToeSelfPlay-v0"), make_vector_env("from_scratch/TicTacToeSelfPlay-v0", 2), np.random.default_rng(0)
    s, _ = scalar.reset()
    assert lanes.reset().tolist() == [s, s]
    for _ in range(300):
        a = int(rng.integers(9))
        s, reward, terminated, _, _ = scalar.step(a)
        seen, rewards, dones, infos = lanes.step(np.array([a, a]))
        assert rewards.tolist() == [reward] * 2 and dones.tolist() == [terminated] * 2
        assert (infos[1]["terminal_observation"] if terminated else seen[1]) == s
        s = scalar.reset()[0] if terminated else s


def test_an_opponent_begins_half_of_the_games_and_its_win_is_a_defeat():
    env = gym.make("from_scratch/TicTacToe-v0", opponent="minimax")
    begun = [env.reset(seed=seed)[0] != 0 for seed in range(400)]
    assert np.mean(begun) == pytest.approx(0.5, abs=0.08)
    rewards = set()
    for _ in range(60):
        s, terminated = env.reset()[0], False
        while not terminated:
            s, reward, terminated, _, _ = env.step(int(np.flatnonzero(TicTacToe.legal_actions[s])[0]))
        rewards.add(reward)
    assert rewards <= {0, -1} and -1 in rewards  # the optimal opponent never loses
    with pytest.raises(ValueError, match='opponent=\'perfect\': "random", "minimax", or None'):
        TicTacToe(opponent="perfect")
    with pytest.raises(ValueError, match="opponent='random' of from_scratch/TicTacToe-v0 is not vectorised"):
        make_vector_env("from_scratch/TicTacToe-v0", 2)


# ---------------------------------------------------------------------------------------------------------------- what is exactly known
def test_there_are_4520_positions_to_move_in_and_the_game_is_a_draw():
    """Of 5478 positions that can be reached 958 are decided or full."""
    assert len(_undecided()) == 4520 and _value(0) == 0
    assert match(best_moves(), best_moves())["drawn"] == pytest.approx(1)


def test_random_players_win_585_and_lose_288_of_a_thousand_games():
    """Of all games of random players 212/315 … the first wins 58.49 %, the second 28.81 %, and 12.70 % are drawn."""
    assert match(uniform(), uniform()) == pytest.approx({"won": 0.58492, "drawn": 0.12698, "lost": 0.28810}, abs=5e-6)


def test_best_moves_win_block_and_answer_a_corner_in_the_middle():
    best = [set(np.flatnonzero(best_moves()[board(text)]).tolist()) for text in ("xx. oo. ...", "x.. oo. x..", "o.. ... ...", "... .o. ...")]
    assert best == [{2}, {5}, {4}, {0, 2, 6, 8}]
    assert match(best_moves(), uniform())["lost"] == 0 and match(uniform(), best_moves())["won"] == 0


# ---------------------------------------------------------------------------------------------------------------------------- learning
def learner(**kwargs):
    model = AfterstateTD("TabularPolicy", vectorised("from_scratch/TicTacToeSelfPlay-v0"), seeds=[0], learning_rate=0.5, **kwargs)
    return model.learn(1)


def test_one_game_s_last_moves_by_hand():
    """α = ½, V = ½. The winner's last position has V = 1, its position before moves half way to it, ¾; the loser's towards 0, ¼.
    Nothing is learnt across an exploratory move, but what has been won has been won."""

    def last_move(explored, strayed):
        model = learner()
        model.V[:] = 0.5
        flags = [np.array([x]) for x in (True, explored, strayed)]
        model.update(np.array([7]), np.array([1.0]), flags[0], flags[1], np.array([[8, 9]]), flags[2])
        return model.V[0, [7, 9, 8]].tolist()

    assert last_move(False, False) == [1, 0.75, 0.25]
    assert last_move(True, False) == [1, 0.5, 0.5] and last_move(False, True) == [1, 0.5, 0.25]


def test_a_draw_counts_half_and_a_move_within_the_game_moves_towards_the_next_position():
    model = learner()
    model.V[0, [7, 8, 9]] = [0.9, 0.1, 0.5]
    no, first = np.array([False]), np.array([[8, 9]])
    model.update(np.array([7]), np.array([0.0]), no, no, first, no)
    assert model.V[0, [7, 8, 9]].tolist() == [0.9, 0.1, 0.7]
    model.update(np.array([7]), np.array([0.0]), ~no, no, first, no)
    assert model.V[0, [7, 8, 9]] == pytest.approx([0.5, 0.3, 0.6])
    before = model.V.copy()
    model.update(np.array([3]), np.array([0.0]), no, no, np.array([[-1, -1]]), no)  # the first move of a game has nothing before it
    assert np.array_equal(model.V, before)


def test_self_play_never_takes_a_taken_cell_and_soon_wins_against_random_play():
    model = AfterstateTD("TabularPolicy", vectorised("from_scratch/TicTacToeSelfPlay-v0"), seeds=[0], n_envs=10, exploration_rate=0.3, learning_rate=0.5)
    rewards = []
    model.learn(30_000, callback=lambda local, _: rewards.append(local["rewards"].min()) is None)
    player = np.eye(9)[model.predict(np.arange(N_STATES), deterministic=True)[0]]
    assert min(rewards) == 0 and match(player, uniform())["lost"] < 0.03 and match(player, uniform())["won"] > 0.93
    s = np.repeat([board("xo. ... ..."), board("xox oxo ox.")], 10)
    assert (AFTER[s, model.predict(s)[0]] >= 0).all()


@pytest.mark.slow
def test_self_play_reaches_play_that_never_loses():
    model = AfterstateTD("TabularPolicy", vectorised("from_scratch/TicTacToeSelfPlay-v0"), seeds=range(2), n_envs=20, learning_rate=1.0,
                         learning_rate_decay=0.5, exploration_rate=0.3).learn(400_000)  # fmt: skip
    for k in range(2):
        player = np.eye(9)[model.member(k).predict(np.arange(N_STATES), deterministic=True)[0]]
        assert match(player, player)["drawn"] == 1 and match(player, best_moves())["lost"] == 0 and match(best_moves(), player)["won"] == 0


def test_tabular_control_plays_legal_moves_only():
    model = QLearning("TabularPolicy", "from_scratch/TicTacToe-v0", seed=0, gamma=1.0)
    legal = []

    def watch(local, _):
        s, a = local["self"]._last_obs, local["actions"].ravel()
        legal.append(AFTER[s, a].min() >= 0)
        return True

    model.learn(1500, callback=watch)
    assert all(legal) and np.isneginf(model.q_table[board("xo. ... ..."), :2]).all() and not np.isnan(model.q_table).any()


@pytest.mark.parametrize("env_id", ["FrozenLake-v1", "from_scratch/TicTacToe-v0"])
def test_games_without_afterstates_or_with_an_opponent_are_refused(env_id):
    with pytest.raises(ValueError, match=r"plays both sides of a game that names the position each move leads to.*TicTacToeSelfPlay"):
        AfterstateTD("TabularPolicy", env_id)


def test_moves_of_arrays_are_moves_one_by_one():
    rng = np.random.default_rng(0)
    s, a = rng.integers(N_STATES, size=200), rng.integers(9, size=200)
    together = np.stack(moved(s, a))
    assert np.array_equal(together, np.transpose([np.array(moved(int(x), int(y)), float) for x, y in zip(s, a, strict=True)]))
