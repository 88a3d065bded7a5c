"""Environments that are tables: what they do, what they are worth, and that Gymnasium knows them."""

import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st
from stable_baselines3.common.env_util import make_vec_env

import from_scratch.envs
from benchmarks.studies.environments import make_env
from from_scratch import QLearning, ValueIteration
from from_scratch.core.exact.mdp import model_of
from from_scratch.core.exact.values import expected_return, optimal_return, optimal_values
from from_scratch.envs import (
    CarRental,
    CartPoleBins,
    CliffWalk,
    DeepSea,
    Discretize,
    FiniteMDP,
    Gambler,
    GridWorld,
    JumpGrid,
    RandomGrid,
    RiverSwim,
    random_map,
)
from from_scratch.envs.chains.finite import AGENT, PIXELS
from from_scratch.envs.games.car_rental import moved
from from_scratch.envs.grids.gridworld import DOWN, LEFT, RIGHT, UP
from from_scratch.envs.registration import ENVIRONMENTS, register_all

OURS = [f"from_scratch/{name}-v0" for name in
        ("GridWorld", "RandomGrid", "JumpGrid", "CornerGrid", "CliffWalk", "CarRental", "Gambler", "RiverSwim", "DeepSea", "TwoByTwo",
         "CartPoleBins")]  # fmt: skip
TABLES = [env_id for env_id in OURS if "CartPole" not in env_id]


def python(program: str) -> str:
    return subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True).stdout.strip()


# ----------------------------------------------------------------------------------------------------------------------- registration
@pytest.mark.parametrize("env_id", ENVIRONMENTS)
def test_every_registered_environment_is_made_and_plays(env_id):
    env = gym.make(env_id)
    obs, _ = env.reset(seed=0)
    assert obs in env.observation_space
    obs, _reward, _terminated, _truncated, _ = env.step(env.action_space.sample())
    assert obs in env.observation_space


@pytest.mark.parametrize("env_id", ENVIRONMENTS)
def test_every_registered_environment_can_be_used_in_a_study(env_id):
    """The harness names a render_mode, None, whoever the environment is."""
    env = make_env(env_id)
    assert env.reset(seed=0)[0] in env.observation_space and env.render_mode is None


@pytest.mark.parametrize("env_id", ["from_scratch/KArmedTestbed-v0", "from_scratch/BernoulliBandit-v0", "from_scratch/ShortCorridor-v0"])
def test_what_has_nothing_to_show_refuses_to_draw_and_sb3_makes_it_all_the_same(env_id):
    with pytest.raises(TypeError, match=r"render_mode='rgb_array': .* draws no pictures"):
        gym.make(env_id, render_mode="rgb_array")
    assert make_vec_env(env_id, 2).num_envs == 2


def test_all_ids_have_our_prefix():
    assert all(env_id.startswith("from_scratch/") for env_id in ENVIRONMENTS)


def test_registering_again_changes_nothing(recwarn):
    before = dict(gym.registry)
    register_all()
    assert dict(gym.registry) == before and not recwarn.list


def test_importing_the_environments_imports_none_of_them():
    loaded = python("import sys, from_scratch.envs; print(*(name for name in sys.modules if name == 'torch' or name.startswith('from_scratch.envs.')))")
    assert loaded == "from_scratch.envs.registration"


def test_gymnasium_finds_them_by_module_and_id_and_after_any_of_our_algorithms():
    assert "ShortCorridor" in python("import gymnasium; print(gymnasium.make('from_scratch.envs:from_scratch/ShortCorridor-v0'))")
    assert "ShortCorridor" in python("from from_scratch import ValueIteration; import gymnasium; print(gymnasium.make('from_scratch/ShortCorridor-v0'))")


def test_every_name_of_the_package_is_there_and_an_unknown_one_is_named():
    assert all(getattr(from_scratch.envs, name) is not None for name in from_scratch.envs.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Gridworld'"):
        _ = from_scratch.envs.Gridworld


# ------------------------------------------------------------------------------------------------------------------- all of this file
@pytest.mark.parametrize("env_id", ENVIRONMENTS)
def test_gymnasium_s_checker_has_nothing_against_them(env_id, recwarn):
    check_env(gym.make(env_id).unwrapped if "CartPole" not in env_id else CartPoleBins(), skip_render_check=True)
    assert [str(w.message) for w in recwarn.list if "from_scratch" in str(w.filename)] == []


@pytest.mark.parametrize("env_id", OURS)
def test_they_are_drawn(env_id):
    env = gym.make(env_id, render_mode="rgb_array")
    env.reset(seed=0)
    image = env.render()
    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
    if env_id in TABLES:
        s, columns = env.unwrapped.s if hasattr(env.unwrapped, "s") else env.unwrapped._state(), image.shape[1] // PIXELS
        centre = image[PIXELS * (s // columns) + PIXELS // 2, PIXELS * (s % columns) + PIXELS // 2]
        assert tuple(centre) == AGENT
        text = gym.make(env_id, render_mode="ansi")
        text.reset(seed=0)
        assert text.render().replace("\n", "").index("@") == s


@pytest.mark.parametrize("env_id", TABLES)
def test_what_is_played_is_what_is_planned(env_id):
    """2,000 steps of random actions: for each (s, a, s') the table has a probability, and no reward is further from its mean than luck allows."""
    env = gym.make(env_id).unwrapped
    model, rng, gaps = model_of(env), np.random.default_rng(0), []
    assert np.isclose(model.start.sum(), 1)
    s, _ = env.reset(seed=0)
    assert model.start[s] > 0
    for _ in range(2000):
        a = int(rng.integers(model.n_actions))
        s_next, r, terminated, _, _ = env.step(a)
        assert terminated or model.p[s, a, s_next] > 0
        assert not terminated or model.p[s, a].sum() < 1
        gaps.append(r - model.r[s, a])
        s = env.reset()[0] if terminated else s_next
    assert abs(np.mean(gaps)) <= 4 * np.std(gaps) / np.sqrt(len(gaps)) + 1e-12


# ---------------------------------------------------------------------------------------------------------------------------- grids
def test_the_cliff_is_gymnasium_s_in_our_order_of_actions():
    ours, theirs = CliffWalk(), gym.make("CliffWalking-v1").unwrapped
    for s in range(47):  # nobody acts in the last, the goal, nor on the cliff
        for a, action in ((UP, 0), (RIGHT, 1), (DOWN, 2), (LEFT, 3)):
            ((_, s_next, reward, terminated),) = theirs.P[s][action]
            if s <= 36:
                assert ours.P[s][a] == [(1.0, s_next, float(reward), terminated)]
    assert optimal_return(gym.make("from_scratch/CliffWalk-v0")) == -13 and optimal_return(CliffWalk(slip=0.2), horizon=200) < -13


def test_russell_and_norvig_s_utilities():
    """Artificial Intelligence, Figure 17.3: γ = 1, −0.04 a step, a fifth of the moves go astray."""
    values = optimal_values(GridWorld("4x3", slip=0.2, step_reward=-0.04), 1.0).reshape(3, 4)
    expected = [[0.812, 0.868, 0.918, 0], [0.762, 0, 0.660, 0], [0.705, 0.655, 0.611, 0.388]]
    assert np.abs(values - expected).max() < 6e-4


def test_a_step_slips_to_either_side_with_half_the_probability_and_never_back():
    grid = GridWorld(desc=["...", ".S.", "..G"], slip=0.2)
    assert sorted(grid.P[4][UP]) == sorted([(0.8, 1, 0.0, False), (0.1, 3, 0.0, False), (0.1, 5, 0.0, False)])
    assert sorted(grid.P[5][DOWN]) == sorted([(0.8, 8, 1.0, True), (0.1, 4, 0.0, False), (0.1, 5, 0.0, False)])


def test_walls_and_edges_stop_and_letters_pay():
    grid = GridWorld(desc=["S#a", "..X", "b.G"], step_reward=-0.5, rewards={"a": 2.0, "b": -1.0, "G": 10.0}, terminal="GXb")
    assert grid.P[0][RIGHT] == [(1.0, 0, -0.5, False)] and grid.P[0][UP] == [(1.0, 0, -0.5, False)]
    assert grid.P[4][UP] == [(1.0, 4, -0.5, False)] and grid.P[2][LEFT] == [(1.0, 2, 1.5, False)]
    assert grid.P[3][DOWN] == [(1.0, 6, -1.5, True)] and grid.P[7][RIGHT] == [(1.0, 8, 9.5, True)] and grid.P[4][RIGHT] == [(1.0, 5, -1.5, True)]
    assert model_of(grid).p[[1, 5, 6, 8]].sum() == 0  # walls and ends lead nowhere


def test_the_way_through_the_four_rooms_is_20_steps_and_can_be_shown():
    grid = GridWorld("four_rooms", step_reward=-1.0, rewards={"G": 0.0})
    assert optimal_return(grid) == -20
    arrows = grid.arrows(ValueIteration("TabularPolicy", grid).learn(10**9).pi[0])
    assert arrows.splitlines()[0] == "#" * 13 and arrows.splitlines()[11][11] == "G" and arrows.splitlines()[11][10] == "→"


def test_an_episode_begins_in_any_start_with_equal_probability():
    assert GridWorld(desc=["SSG", "S..", "..."]).initial_state_distrib.tolist() == [1 / 3, 1 / 3, 0, 1 / 3, 0, 0, 0, 0, 0]
    assert GridWorld(desc=["SaG"], starts="a").reset(seed=0)[0] == 1


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(2, 12), st.floats(0, 0.95), st.integers(0, 10**6))
def test_a_random_map_always_has_a_way_and_the_walls_that_fit(rows, columns, density, seed):
    desc = random_map(rows, columns, density, seed)
    letters = "".join(desc)
    assert [len(line) for line in desc] == [columns] * rows and letters[0] == "S" and letters[-1] == "G" and desc == random_map(rows, columns, density, seed)
    reached, waiting = {0}, [0]
    while waiting:
        s = waiting.pop()
        for s_next in (s - columns, s + columns, s - 1 if s % columns else s, s + 1 if (s + 1) % columns else s):
            if 0 <= s_next < len(letters) and letters[s_next] != "#" and s_next not in reached:
                reached.add(s_next)
                waiting.append(s_next)
    assert len(letters) - 1 in reached
    free = letters.count(".")
    assert letters.count("#") == round(density * rows * columns) or (letters.count("#") < round(density * rows * columns) and free <= rows * columns - 2)
    if letters.count("#") < round(density * rows * columns):  # nothing but the way is left
        assert len(reached) == letters.count(".") + 2


def test_the_jump_grid_jumps():
    grid = JumpGrid()
    assert {tuple(grid.P[1][a]) for a in range(4)} == {((1.0, 21, 10.0, False),)} and {tuple(grid.P[3][a]) for a in range(4)} == {((1.0, 13, 5.0, False),)}
    assert grid.P[0][UP] == [(1.0, 0, -1.0, False)] and grid.P[0][DOWN] == [(1.0, 5, 0.0, False)] and grid.P[0][RIGHT] == [(1.0, 1, 0.0, False)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GridWorld("maze"), "map_name='maze' is none of 4x4"),
        (lambda: GridWorld(slip=1.5), "slip=1.5"),
        (lambda: GridWorld(desc=["S..", ".G"]), r"equally long; these have lengths \[3, 2\]"),
        (lambda: GridWorld(desc=["..G"]), "nowhere to start"),
        (lambda: GridWorld(render_mode="human"), "render_mode='human': GridWorld is drawn as"),
        (lambda: random_map(1, 1), "no room"),
        (lambda: RandomGrid(density=1.0), "density=1.0"),
        (lambda: Gambler(1.0), "p_heads=1.0"),
        (lambda: Gambler(capital=100), "capital=100"),
        (lambda: RiverSwim(1), "n=1"),
        (lambda: DeepSea(0), "n=0"),
        (lambda: Discretize(gym.make("FrozenLake-v1"), 3), r"these are in Discrete\(16\)"),
        (lambda: Discretize(gym.make("CartPole-v1"), 3), r"Dimension 1 of the observations lies in .*bounds\[1\] = \(low, high\)"),
        (lambda: Discretize(gym.make("CartPole-v1"), [3, 3]), "bins has 2 entries, but observations have 4 dimensions"),
        (lambda: Discretize(gym.make("CartPole-v1"), 3, [(-1, 1)]), "bounds has 1 entries"),
        (lambda: Discretize(gym.make("MountainCar-v0"), [0, 3]), r"bins=\[0, 3\]"),
    ],
)
def test_what_makes_no_environment_is_refused_in_one_line(make, message):
    with pytest.raises(ValueError, match=message) as error:
        make()
    assert "\n" not in str(error.value)


# ------------------------------------------------------------------------------------------------------------------------- the others
def test_the_gambler_s_chances_by_hand():
    """At 50 all is staked; at 25 twice; at 75 once, and again what is left: p, p², p + (1 − p) p. With p = ½ no stake is better than another: s/100."""
    for p in (0.25, 0.4):
        assert optimal_values(Gambler(p), 1.0)[[25, 50, 75]] == pytest.approx([p * p, p, p + (1 - p) * p])
    assert optimal_values(Gambler(0.5), 1.0)[:100] == pytest.approx(np.arange(100) / 100, abs=1e-9)
    assert Gambler(capital=7).reset(seed=0)[0] == 7


def test_nobody_stakes_more_than_they_have_or_need():
    table = Gambler().P
    assert table[3][49] == table[3][2] == [(0.4, 6, 0.0, False), (0.6, 0, 0.0, True)]
    assert table[98][49] == table[98][1] == [(0.4, 100, 1.0, True), (0.6, 96, 0.0, False)]


def test_river_swim_is_worth_swimming():
    """Up the river 0.35 against 0.05. Staying left pays 0.005 a step; at γ = 0.99 the far end is worth a hundred times as much."""
    river = RiverSwim()
    assert river.P[3][1] == [(0.05, 2, 0.0, False), (0.6, 3, 0.0, False), (0.35, 4, 0.0, False)] and river.P[3][0] == [(1.0, 2, 0.0, False)]
    assert river.P[0][0] == [(1.0, 0, 0.005, False)] and river.P[5][1] == [(0.4, 4, 0.0, False), (0.6, 5, 1.0, False)]
    assert expected_return(river, [0] * 6, horizon=20) == pytest.approx(20 * 0.005)
    assert ValueIteration("TabularPolicy", river, gamma=0.99).learn(10**9).pi[0].argmax(-1).tolist() == [1] * 6


@pytest.mark.parametrize("n", [1, 2, 5, 20])
def test_the_treasure_of_the_deep_sea_is_worth_0_99_and_found_by_one_policy_alone(n):
    sea = DeepSea(n, map_seed=3)
    assert optimal_return(sea) == pytest.approx(0.99)
    always_right = sea.right.ravel()
    assert expected_return(sea, always_right) == pytest.approx(0.99)
    assert expected_return(sea, np.full((n * n, 2), 0.5)) == pytest.approx(0.5**n - 0.005)  # the treasure one time in 2ⁿ, less half the cost
    steps, over, _ = 0, False, sea.reset(seed=0)
    while not over:
        _, _, over, _, _ = sea.step(0)
        steps += 1
    assert steps == n


def test_which_action_goes_right_in_the_deep_sea_follows_from_its_seed():
    assert np.array_equal(DeepSea(8, 1).right, DeepSea(8, 1).right) and not np.array_equal(DeepSea(8, 1).right, DeepSea(8, 2).right)
    assert DeepSea(8, None).right.min() == 1


def test_cars_are_moved_and_no_more_than_there_are():
    assert [moved(3, 2, n) for n in (5, 3, 1, 0, -1, -5)] == [3, 3, 1, 0, -1, -2]
    model = model_of(CarRental())
    assert np.allclose(model.p.sum(-1), 1)
    s = 3 * 21 + 2
    assert np.array_equal(model.p[s, 10], model.p[s, 8]) and model.r[s, 10] == model.r[s, 8]  # 5 wanted, 3 moved
    nothing, one = model.r[10 * 21 + 10, 5], model.r[20 * 21 + 10, 6]
    assert one == pytest.approx(model.r[19 * 21 + 11, 5] - 2) and nothing > one - 2


def test_expected_rents_are_those_of_the_whole_poisson_distribution():
    """With 20 cars in the morning nearly every request is met: 3 + 4 a day at 10 each. With none, none."""
    model = model_of(CarRental())
    assert model.r[440, 5] == pytest.approx(70, abs=1e-6) and model.r[0, 5] == 0
    assert model.r[21, 5] == pytest.approx(10 * (1 - np.exp(-3)))  # one car: rented unless nobody asks


def test_a_day_at_the_car_rental_is_drawn_as_the_model_says():
    env, model = CarRental(), model_of(CarRental())
    rewards, counts = [], np.zeros(441)
    env.reset(seed=0)
    for _ in range(4000):
        env.reset(options={"cars": (6, 3)})
        s, r, _, _, _ = env.step(7)
        rewards.append(r)
        counts[s] += 1
    s = 6 * 21 + 3
    assert np.mean(rewards) == pytest.approx(model.r[s, 7], abs=4 * np.std(rewards) / np.sqrt(4000))
    share, often = model.p[s, 7], model.p[s, 7] > 0.005
    assert often.sum() > 50 and (np.abs(counts / 4000 - share) <= 4 * np.sqrt(share / 4000))[often].all()


# ------------------------------------------------------------------------------------------------------------------------------- bins
class Fixed(gym.Env):
    """Shows what it is told to."""

    observation_space, action_space = spaces.Box(np.array([0.0, -np.inf]), np.array([4.0, np.inf]), dtype=np.float64), spaces.Discrete(1)

    def reset(self, *, seed=None, options=None):
        return np.array(options), {}


@pytest.mark.parametrize(
    ("seen", "cell"), [((0.0, -1.0), 0), ((0.99, -1.0), 0), ((1.0, -1.0), 3), ((4.0, -1.0), 9), ((0.0, 0.0), 1), ((0.0, 50.0), 2), ((9.0, -50.0), 9)]
)
def test_observations_are_numbered_by_bins_and_the_outermost_take_what_lies_outside(seen, cell):
    """Four bins of [0, 4] and three of [−1, 1]: number 3 · i + j."""
    env = Discretize(Fixed(), [4, 3], [None, (-1.0, 1.0)])
    assert env.observation_space == spaces.Discrete(12) and env.reset(options=seen)[0] == cell


def test_images_and_single_numbers_can_be_cut_too():
    env = Discretize(gym.make("MountainCar-v0"), 10)
    assert env.observation_space.n == 100 and env.reset(seed=0)[0] in env.observation_space
    assert CartPoleBins().observation_space.n == 3 * 3 * 8 * 8


@pytest.mark.slow
def test_q_learning_balances_the_binned_pole():
    model = QLearning("TabularPolicy", "from_scratch/CartPoleBins-v0", seeds=[0], gamma=0.99, learning_rate=0.1, exploration_fraction=0.5,
                      exploration_final_eps=0.02).learn(300_000)  # fmt: skip
    env, returns = gym.make("from_scratch/CartPoleBins-v0"), []
    for seed in range(20):
        obs, _ = env.reset(seed=seed)
        total, over = 0.0, False
        while not over:
            obs, r, terminated, truncated, _ = env.step(int(model.predict(np.array(obs), deterministic=True)[0]))
            total, over = total + r, terminated or truncated
        returns.append(total)
    assert np.mean(returns) >= 195


def test_a_finite_mdp_without_a_map_is_one_line():
    env = FiniteMDP([[[(1.0, 1, 0.0, False)]], [[(1.0, 2, 0.0, False)]], [[(1.0, 2, 0.0, True)]]], render_mode="ansi")
    env.reset(seed=0)
    assert env.render() == "@..\n"
    env.step(0)
    assert env.render() == ".@.\n"
