"""Dyna-Q, Dyna-Q+, prioritised sweeping, expected updates and REINFORCE of tables: updates by hand, and the mazes."""

import copy

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

from from_scratch.core.exact.values import optimal_values
from from_scratch.envs import BlockingMaze, ChangingMaze, DynaMaze, FiniteMDP, RandomMDP, ShortcutMaze, geometric_chain, two_by_two_grid
from from_scratch.envs.grids.gridworld import DOWN, LEFT, RIGHT, UP
from from_scratch.envs.grids.mazes import BLOCKING_MAZE, DYNA_MAZE, refined
from from_scratch.envs.vector import make_vector_env, vectorised
from from_scratch.model_based.dyna_q import DynaQ
from from_scratch.model_based.dyna_q_plus import DynaQPlus
from from_scratch.model_based.prioritized_sweeping import PrioritizedSweeping
from from_scratch.model_based.trajectory_sampling import TrajectorySampling, UniformUpdates
from from_scratch.policy_gradient.softmax_reinforce import SoftmaxREINFORCE, softmax
from from_scratch.policy_gradient.softmax_reinforce_baseline import SoftmaxREINFORCEBaseline
from from_scratch.temporal_difference.q_learning import QLearning

LAKE, MAZE, SHORTCUT = "FrozenLake-v1", "from_scratch/DynaMaze-v0", "from_scratch/ShortcutMaze-v0"


def one(*numbers):
    return [np.array([x]) for x in numbers]


@pytest.mark.parametrize(("cls", "wrong"), [(DynaQ, {"planning_steps": -1}), (DynaQ, {"model_size": 0}), (SoftmaxREINFORCE, {"min_probability": 0.5}),
                                            (TrajectorySampling, {"exploration_rate": 1.5})])  # fmt: skip
def test_hyperparameters_out_of_range_are_refused(cls, wrong):
    with pytest.raises(ValueError, match="=".join(map(str, next(iter(wrong.items()))))):
        cls("TabularPolicy", "from_scratch/ShortCorridor-v0" if cls is SoftmaxREINFORCE else LAKE, **wrong)


def test_expected_updates_need_a_table_and_name_what_needs_none():
    with pytest.raises(ValueError, match=r"has no transition table P .* dyna_q"):
        UniformUpdates("TabularPolicy", "from_scratch/ShortCorridor-v0")


# ------------------------------------------------------------------------------------------------------------------------ Dyna-Q
@pytest.mark.parametrize("env_id", [MAZE, LAKE])
def test_without_planning_dyna_q_is_q_learning_number_for_number(env_id):
    kwargs = {"seeds": range(3), "learning_rate": 0.3, "n_envs": 2}
    dyna = DynaQ("TabularPolicy", vectorised(env_id), planning_steps=0, **kwargs).learn(1500)
    assert np.array_equal(dyna.Q, QLearning("TabularPolicy", vectorised(env_id), **kwargs).learn(1500).Q) and dyna.Q.any()
    assert not np.array_equal(dyna.Q, DynaQ("TabularPolicy", vectorised(env_id), planning_steps=1, **kwargs).learn(1500).Q)


def test_one_real_and_one_imagined_update_by_hand():
    """α = ½, γ = 0.9. Once only 0, 1 → 3 (R = 3, the end) is known, planning repeats it: Q = 1.5, then 1.5 + ½ (3 − 1.5) = 2.25."""
    model = DynaQ("TabularPolicy", two_by_two_grid(), learning_rate=0.5, gamma=0.9, planning_steps=1)
    experience = one(0, 1, 3.0, 3, 0.0)
    model.alpha = model.learning_rate
    model.update(*experience)
    model.remember(*experience)
    model.plan(np.full((1, 3), 0.99))
    assert model.q_table[0].tolist() == [0, 2.25, 0, 0] and model.tried[0].sum() == 1


def test_it_imagines_only_what_was_done_and_as_it_went():
    """States are drawn evenly among those seen, then actions among those taken there: pairs of a state with many actions are rarer."""
    model = DynaQ("TabularPolicy", two_by_two_grid(), planning_steps=1, gamma=0.9)
    for experience in ((0, 1, 0.0, 2, 0.9), (0, 3, 0.0, 1, 0.9), (1, 1, 1.0, 3, 0.0)):
        model.remember(*one(*experience))
    s, a, r, s_next, discount = (x.ravel() for x in model.imagine(np.random.default_rng(0).random((1, 4000, 3))))
    pairs, counts = np.unique(np.stack([s, a]), axis=1, return_counts=True)
    assert pairs.T.tolist() == [[0, 1], [0, 3], [1, 1]] and counts / 4000 == pytest.approx([0.25, 0.25, 0.5], abs=0.03)
    ends = s == 1
    assert set(zip(r[ends], s_next[ends], discount[ends], strict=True)) == {(1.0, 3, 0.0)} and (discount[~ends] == 0.9).all()
    assert set(s_next[~ends & (a == 3)]) == {1}


def test_a_larger_model_remembers_the_newest_outcomes_and_draws_among_them():
    model = DynaQ("TabularPolicy", two_by_two_grid(), planning_steps=1, model_size=2)
    for r in (1.0, 2.0, 3.0):
        model.remember(*one(0, 1, r, 2, 0.9))
    assert set(model.imagine(np.random.default_rng(0).random((1, 100, 3)))[2].ravel()) == {2.0, 3.0}


def test_a_model_of_one_outcome_misleads_where_there_is_chance_and_one_of_many_does_not():
    """A coin: 0 or 1, and the end. Planning from the last outcome alone drags Q to it, from the last 100 to their mean."""
    coin = FiniteMDP([[[(0.5, 0, 0.0, True), (0.5, 0, 1.0, True)]]])
    q = {size: DynaQ("TabularPolicy", lambda: copy.deepcopy(coin), seeds=range(20), learning_rate=0.1, planning_steps=20, model_size=size).learn(200).Q
         for size in (1, 100)}  # fmt: skip
    assert np.abs(q[1] - 0.5).mean() > 0.3 and np.abs(q[100] - 0.5).mean() < 0.1


def test_figure_8_2_planning_shortens_the_second_episode():
    """S&B Figure 8.2: after the first episode Q-learning knows one step; with 50 imagined ones a step the second episode is short."""
    lengths = {}
    for n in (0, 50):
        model = DynaQ("TabularPolicy", vectorised(MAZE), seeds=range(4), gamma=0.95, exploration_initial_eps=0.1, exploration_final_eps=0.1, planning_steps=n)
        found = [[] for _ in range(4)]

        def keep(local, _, found=found):
            for lane in local["dones"].nonzero()[0]:
                found[lane].append(local["infos"][lane]["episode"]["l"])
            return min(map(len, found)) < 2

        model.learn(10**6, callback=keep)
        lengths[n] = np.mean([steps[1] for steps in found])
    assert lengths[50] < 80 < 200 < lengths[0]


# ----------------------------------------------------------------------------------------------------------------------- Dyna-Q+
def test_dyna_q_plus_s_bonus_is_in_imagined_rewards_only():
    """κ = 1, τ = 9: an imagined reward of 2 counts 5. The update from the real step and the model keep 2."""
    model = DynaQPlus("TabularPolicy", two_by_two_grid(), kappa=1.0, learning_rate=1.0, planning_steps=0)
    model.alpha = model.learning_rate
    model.clock = 16
    experience = one(0, 1, 2.0, 3, 0.0)
    model.update(*experience)
    model.remember(*experience)
    assert model.q_table[0, 1] == 2 and model.reward[0, 0, 1] == 2
    model.clock = 25
    s, a, r, *_ = (x.ravel() for x in model.imagine(np.random.default_rng(0).random((1, 200, 3))))
    assert set(s) == {0} and set(a) == {0, 1, 2, 3}, "actions that were never tried are imagined too, in states that were seen"
    assert set(r[a == 1]) == {2 + 3.0} and set(r[a != 1]) == {0 + 5.0}
    assert model.reward[0, 0].ravel().tolist() == [0, 2, 0, 0], "the model itself has no bonus"


def test_what_was_never_tried_is_imagined_to_lead_nowhere_for_nothing():
    model = DynaQPlus("TabularPolicy", two_by_two_grid(), kappa=0.0, gamma=0.9)
    model.remember(*one(2, 1, 1.0, 3, 0.0))
    s, a, r, s_next, discount = (x.ravel() for x in model.imagine(np.random.default_rng(0).random((1, 100, 3))))
    assert (s_next[a != 1] == 2).all() and (r[a != 1] == 0).all() and (discount[a != 1] == 0.9).all() and (s == 2).all()


def test_dyna_q_plus_finds_the_way_round_that_dyna_q_takes_long_to_find():
    """Dyna-Q+ with κ = 10⁻⁴ goes on earning after the wall of the blocking maze has moved at step 300."""
    common = {"seeds": range(8), "gamma": 0.95, "learning_rate": 1.0, "exploration_initial_eps": 0.1, "exploration_final_eps": 0.1, "planning_steps": 10}

    def earned(cls, **kwargs):
        rewards = []
        model = cls("TabularPolicy", vectorised(lambda: BlockingMaze(change_at=300)), **common, **kwargs)
        model.learn(900, callback=lambda local, _: rewards.append(local["rewards"].sum()) is None)
        return sum(rewards[300:])

    assert earned(DynaQPlus, kappa=1e-3) > 1.5 * earned(DynaQ)


# ----------------------------------------------------------------------------------------------------------- prioritised sweeping
def corridor(n=5):
    """States 0 … n−1 in a row and the end behind them, which pays 1; one action."""
    return FiniteMDP([[[(1.0, min(s + 1, n - 1), float(s == n - 1), s == n - 1)]] for s in range(n)])


def test_the_queue_is_worked_off_from_the_largest_error_and_spreads_backwards():
    """α = 1, γ = ½, five known steps and the reward at the end: 4 first, then its predecessors 3, 2, 1, 0, each once."""
    model = PrioritizedSweeping("TabularPolicy", corridor(), gamma=0.5, learning_rate=1.0, planning_steps=10, theta=1e-3)
    model.alpha = model.learning_rate
    for s in range(5):
        model.remember(*one(s, 0, float(s == 4), min(s + 1, 4), 0.0 if s == 4 else 0.5))
        model.insert(*one(0, s, 0))
    assert model.priority[0, :, 0].tolist() == [0, 0, 0, 0, 1], "only what is off by more than θ is in the queue"
    order = []
    insert = model.insert
    model.insert = lambda i, s, a: (order.append(s.tolist()), insert(i, s, a))
    model.sweep()
    assert order == [[3], [2], [1], [0], []] and model.updates[0] == 5
    assert model.q_table[:, 0].tolist() == [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1] and not model.priority.any()


def test_the_first_of_the_queue_is_the_largest_error():
    """Rewards of 1, 3 and 2 are known of three states, with room for two updates: 3 and 2 are made, 1 waits."""
    model = PrioritizedSweeping("TabularPolicy", corridor(), learning_rate=1.0, planning_steps=2, theta=1e-3)
    model.alpha = model.learning_rate
    for s, r in ((0, 1.0), (2, 3.0), (4, 2.0)):
        model.remember(*one(s, 0, r, 4, 0.0))
        model.insert(*one(0, s, 0))
    model.sweep()
    assert model.q_table[:, 0].tolist() == [0, 0, 3, 0, 2] and model.priority[0, :, 0].tolist() == [1, 0, 0, 0, 0]


def test_a_pair_is_in_the_queue_once_and_keeps_its_higher_priority():
    model = PrioritizedSweeping("TabularPolicy", corridor(), gamma=0.5, learning_rate=1.0, planning_steps=1, theta=0.1)
    model.remember(*one(0, 0, 3.0, 1, 0.5))
    model.insert(*one(0, 0, 0))
    model.Q[0, 0, 0] = 1.0  # by now it is off by 2 only
    model.insert(*one(0, 0, 0))
    assert model.priority[0, 0, 0] == 3 and np.count_nonzero(model.priority) == 1
    model.Q[0, 0, 0] = 2.95
    model.priority[:] = 0
    model.insert(*one(0, 0, 0))
    assert not model.priority.any()


def test_an_end_of_an_episode_does_not_lead_back_into_the_state_that_it_shows():
    """Blackjack's stick shows the same cards and ends: its value does not depend on that state's, so it is nobody's predecessor."""
    model = PrioritizedSweeping("TabularPolicy", corridor(2), gamma=0.5, learning_rate=1.0, planning_steps=5, theta=1e-6)
    model.alpha = model.learning_rate
    model.remember(*one(0, 0, 5.0, 1, 0.0))  # ends, and shows state 1
    model.remember(*one(1, 0, 1.0, 1, 0.0))
    model.insert(*one(0, 1, 0))
    model.sweep()
    assert model.updates[0] == 1 and model.q_table[:, 0].tolist() == [0, 1] and not model.priority.any()


def test_with_several_outcomes_an_update_takes_their_mean():
    model = PrioritizedSweeping("TabularPolicy", corridor(), gamma=0.5, learning_rate=1.0, model_size=3)
    model.Q[0, 1, 0] = 4.0
    model.remember(*one(0, 0, 1.0, 1, 0.5))
    model.remember(*one(0, 0, 6.0, 2, 0.0))
    assert model.error(*one(0, 0, 0)) == pytest.approx([((1 + 0.5 * 4) + 6) / 2])


def test_prioritised_sweeping_solves_the_maze_with_fewer_updates_than_dyna_q_steps():
    kwargs = {"gamma": 0.95, "learning_rate": 1.0, "exploration_initial_eps": 0.1, "exploration_final_eps": 0.1}
    model = PrioritizedSweeping("TabularPolicy", vectorised(MAZE), seeds=range(3), **kwargs).learn(3000)
    assert (model.Q[:, 18].max(-1) >= 0.95**15 - 1e-9).all() and (model.updates < 1500).all()
    assert model.member(1)._n_updates == model.updates[1]


# --------------------------------------------------------------------------------------------------------------- expected updates
def test_uniform_updates_go_through_all_pairs_in_place():
    """γ = ½ on the 2 × 2 grid: the pair that reaches the goal is worth 1 after the first round; a second round brings ½ to the start."""
    model = UniformUpdates("TabularPolicy", two_by_two_grid(), gamma=0.5).learn(16)
    assert model.q_table[1].max() == 1 and model.q_table[0].max() == 0
    assert model.learn(16, reset_num_timesteps=False).q_table[0].max() == 0.5 and model.num_timesteps == 32


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 1000), b=st.integers(1, 4))
def test_both_orders_lead_to_the_optimal_values(seed, b):
    env = RandomMDP(12, b, task_seed=seed)
    v = optimal_values(env, gamma=0.9)
    uniform = UniformUpdates("TabularPolicy", copy.deepcopy(env), gamma=0.9).learn(24 * 100)
    along = TrajectorySampling("TabularPolicy", copy.deepcopy(env), gamma=0.9, exploration_rate=1.0, seed=seed).learn(3000)
    assert uniform.values == pytest.approx(v, abs=1e-4) and along.values[0] == pytest.approx(v[0], abs=0.05)


def test_trajectories_never_update_what_they_cannot_reach():
    """State 1 cannot be reached from the start: a planner that goes along trajectories leaves it alone, one that goes in turn does not."""
    end = [(1.0, 0, 1.0, True)]
    env = FiniteMDP([[end], [end]])
    along, uniform = (cls("TabularPolicy", copy.deepcopy(env)).learn(50) for cls in (TrajectorySampling, UniformUpdates))
    assert along.q_table.tolist() == [[1], [0]] and uniform.q_table.tolist() == [[1], [1]]


def test_a_random_mdp_is_drawn_from_its_own_seed():
    one_mdp, again, other = (RandomMDP(20, 3, task_seed=k) for k in (1, 1, 2))
    assert one_mdp.P == again.P and one_mdp.P != other.P
    assert {len(outcomes) for row in one_mdp.P.values() for outcomes in row.values()} == {4}
    with pytest.raises(ValueError, match="p_end=0"):
        RandomMDP(p_end=0)


# ------------------------------------------------------------------------------------------------------------ REINFORCE of tables
def test_one_episode_of_reinforce_by_hand():
    """Equal preferences, α = ½, γ = ½, rewards 2 and 4 for action 0 twice in one state: G = 2 + ½·4 = 4, then 4.

    θ(0) ← 0 + ½·4·(1 − ½) = 1, θ(1) ← −1; then π(0) = 1 / (1 + e⁻²), and θ(0) ← 1 + ½·½·4·(1 − π(0)).
    """
    model = SoftmaxREINFORCE("TabularPolicy", "from_scratch/ShortCorridor-v0", learning_rate=0.5, gamma=0.5, seed=0)
    model.alpha = model.learning_rate
    model.learn_from(0, np.zeros(2, int), np.zeros(2, int), np.array([4.0, 4.0]))
    second = 1 + 0.5 * 0.5 * 4 * (1 - 1 / (1 + np.exp(-2)))
    assert model.theta[0, 0] == pytest.approx([second, -second])


def test_the_baseline_is_taken_off_before_it_learns_and_weighs_no_discount():
    """V = 1, G = 3, α^w = ½, γ = 0.9: δ = 2, V ← 2; θ moves by α δ (1 − ½)."""
    model = SoftmaxREINFORCEBaseline("TabularPolicy", "from_scratch/ShortCorridor-v0", learning_rate=0.1, baseline_learning_rate=0.5, gamma=0.9, seed=0)
    model.alpha = model.learning_rate
    model.V[:] = 1.0
    model.learn_from(0, np.zeros(1, int), np.ones(1, int), np.array([3.0]))
    assert model.V[0, 0] == 2 and model.theta[0, 0] == pytest.approx([-0.1, 0.1])


def test_no_action_falls_below_the_floor():
    assert softmax(np.array([9.0, -9.0]), 0.05) == pytest.approx([0.95, 0.05])
    assert softmax(np.array([0.0, 0.0, -50.0]), 0.1) == pytest.approx([0.45, 0.45, 0.1])
    assert softmax(np.array([1.0, 0.0])) == pytest.approx([1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))])
    model = SoftmaxREINFORCE("TabularPolicy", "from_scratch/ShortCorridor-v0", min_probability=0.2, seed=0)
    model.theta[:] = [50.0, -50.0]
    assert np.mean(model.predict(np.zeros(2000, int))[0]) == pytest.approx(0.2, abs=0.03) and model.predict(np.zeros(5, int), deterministic=True)[0].sum() == 0


def test_reinforce_prefers_what_pays():
    bandit = FiniteMDP([[[(1.0, 0, 0.0, True)], [(1.0, 0, 1.0, True)]]])
    for cls in (SoftmaxREINFORCE, SoftmaxREINFORCEBaseline):
        model = cls("TabularPolicy", lambda: copy.deepcopy(bandit), seeds=range(3), learning_rate=0.3).learn(300)
        assert (softmax(model.theta)[:, 0, 1] > 0.9).all()


def test_a_time_limit_is_bootstrapped_from_the_baseline_and_death_is_not():
    """Reward 1 for ever, γ = ½, cut after each step: V → 2 with the bootstrap, 1 without."""
    kwargs = {"gamma": 0.5, "baseline_learning_rate": 0.5}
    cut = SoftmaxREINFORCEBaseline("TabularPolicy", gym.wrappers.TimeLimit(geometric_chain(0.0), 1), **kwargs).learn(200)
    died = SoftmaxREINFORCEBaseline("TabularPolicy", geometric_chain(1.0), **kwargs).learn(200)
    assert cut.V[0, 0] == pytest.approx(2) and died.V[0, 0] == pytest.approx(1)


# -------------------------------------------------------------------------------------------------------------------------- mazes
def test_the_dyna_maze_is_the_book_s():
    maze = DynaMaze()
    assert maze.desc == DYNA_MAZE and "".join(DYNA_MAZE).count("#") == 7 and maze.letters.index("S") == 2 * 9 and maze.letters.index("G") == 8
    assert np.log(optimal_values(maze, gamma=0.95)[18]) / np.log(0.95) == pytest.approx(13), "14 steps, of which the last pays"


@given(rows=st.integers(1, 4), columns=st.integers(1, 4))
@settings(max_examples=8, deadline=None)
def test_a_finer_maze_has_one_start_and_as_many_cells_for_every_other(rows, columns):
    letters = "".join(refined(DYNA_MAZE, rows, columns))
    assert letters.count("S") == 1 and letters.count("#") == 7 * rows * columns and letters.count("G") == rows * columns
    assert len(letters) == 54 * rows * columns


def test_the_blocking_maze_changes_in_the_middle_of_the_run_and_not_at_an_episode_s_end():
    env = BlockingMaze(change_at=3)
    env.reset(seed=0)
    wall = 3 * 9
    env.s = wall + 8 + 9  # below the gap on the right
    assert env.step(UP)[0] == wall + 8, "open"
    assert env.step(DOWN)[0] == wall + 8 + 9 and env.step(UP)[0] == wall + 8, "time step 3, still the old walls"
    assert env.step(DOWN)[0] == wall + 8 + 9, "a wall was built where we stand, and we can leave it"
    assert env.step(UP)[0] == wall + 8 + 9, "closed"
    env.s = wall + 9
    assert env.step(UP)[0] == wall, "and open on the left"
    env.reset()
    assert env.desc == BLOCKING_MAZE[1], "an episode's end takes nothing back"
    env.reset(seed=0)
    assert env.desc == BLOCKING_MAZE[0] and env.clock == 0, "a seed begins everything anew"


def test_the_shortcut_opens_and_the_old_way_stays():
    env = ShortcutMaze(change_at=0 + 1)
    env.reset(seed=0)
    env.step(LEFT)
    for column in (0, 8):
        env.s = 4 * 9 + column
        assert env.step(UP)[0] == 3 * 9 + column
    env.s = 4 * 9 + 4
    assert env.step(UP)[0] == 4 * 9 + 4


@pytest.mark.parametrize("maze", [lambda: BlockingMaze(change_at=40), lambda: ShortcutMaze(change_at=25), DynaMaze])
def test_lanes_of_a_changing_maze_are_the_environment_step_for_step(maze):
    venv, envs = make_vector_env(maze, 3), [maze() for _ in range(3)]
    venv.seed(5)
    assert venv.reset().tolist() == [env.reset(seed=5 + k)[0] for k, env in enumerate(envs)]
    rng, probable = np.random.default_rng(0), [UP, UP, RIGHT, LEFT, DOWN]
    for _ in range(400):
        actions = rng.choice(probable, 3)
        obs, rewards, dones, _ = venv.step(actions)
        for k, env in enumerate(envs):
            s, r, terminated, _, _ = env.step(actions[k])
            s = env.reset()[0] if terminated else s
            assert (obs[k], rewards[k], dones[k]) == (s, r, terminated)
    venv.seed(5)
    venv.reset()
    assert getattr(venv, "clock", 0) == 0


def test_wrong_mazes_are_refused():
    with pytest.raises(ValueError, match="one time step for each map"):
        ChangingMaze(BLOCKING_MAZE, (0, 10, 20))
    with pytest.raises(ValueError, match="equally large"):
        ChangingMaze([["S.G"], ["S..G"]], (0, 10))
    with pytest.raises(ValueError, match="rows=0"):
        DynaMaze(rows=0)


@pytest.mark.parametrize("env_id", [MAZE, SHORTCUT, "from_scratch/BlockingMaze-v0", "from_scratch/RandomMDP-v0"])
def test_gymnasium_s_own_checker_finds_nothing_wrong(env_id):
    check_env(gym.make(env_id).unwrapped, skip_render_check=True)
