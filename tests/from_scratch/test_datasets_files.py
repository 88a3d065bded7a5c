"""Data sets as files: what is written is read again, what D4RL and Minari write is read, and a bad file gets one line."""

import json
import pickle
import re

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

from from_scratch.core.datasets import BadDataset, Recorder, as_dataset, places, record
from from_scratch.core.datasets.spaces import as_json, space_of
from from_scratch.envs import GridWorld
from tests.contract.probes import Forces, Vectors

h5py = pytest.importorskip("h5py")


class Both(gym.Wrapper):
    """The same vectors, seen as a dict of two parts."""

    def __init__(self):
        super().__init__(Vectors())
        self.observation_space = spaces.Dict({"x": spaces.Box(-10, 10, (2,), np.float32), "y": spaces.Box(-10, 10, (1,), np.float32)})

    def reset(self, **kwargs):
        obs, info = self.env.reset(**kwargs)
        return {"x": obs[:2], "y": obs[2:]}, info

    def step(self, action):
        obs, *rest = self.env.step(action)
        return {"x": obs[:2], "y": obs[2:]}, *rest


def played(env, n=60, name="test/played-v0"):
    env.action_space.seed(0)
    return record(env, lambda obs: env.action_space.sample(), n, seed=0, name=name)


WORLDS = {"discrete": Vectors, "box": Forces, "dict": Both, "states": lambda: GridWorld("4x3")}


@pytest.fixture(params=WORLDS)
def data(request):
    return played(WORLDS[request.param]())


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


# ------------------------------------------------------------------------------------------------------------------------ writing
def test_a_folder_in_minaris_form_is_read_as_it_was_written(data, tmp_path):
    again = as_dataset(data.save(tmp_path / "played"))

    assert (again.hash, again.observation_space, again.action_space, again.name) == (data.hash, data.observation_space, data.action_space, "test/played-v0")


def test_so_is_one_packed_file(data, tmp_path):
    again = as_dataset(str(data.save(tmp_path / "played.npz")))

    assert (again.hash, again.observation_space, again.action_space, again.name) == (data.hash, data.observation_space, data.action_space, "test/played-v0")


def test_minari_itself_reads_what_is_written(data, tmp_path, monkeypatch):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    minari = pytest.importorskip("minari")
    data.save(tmp_path / "test" / "played-v0")
    read = minari.load_dataset("test/played-v0")

    assert (read.total_steps, read.total_episodes, read.observation_space) == (len(data), data.n_episodes, data.observation_space)
    last = list(read.iterate_episodes())[-1]
    np.testing.assert_array_equal(last.actions, data.actions[data.starts[-1] :])
    assert last.truncations[-1] and not last.terminations[-1]
    assert "observations=" in repr(last)


def test_what_minari_writes_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    minari = pytest.importorskip("minari")
    from minari.data_collector import EpisodeBuffer

    rng, observations = np.random.default_rng(0), []
    buffers = []
    for _ in range(3):
        obs, actions = rng.uniform(-1, 1, (8, 3)).astype(np.float32), rng.uniform(-2, 2, (7, 1)).astype(np.float32)
        flags = {"terminations": np.zeros(7, bool), "truncations": np.arange(7) == 6}
        buffers.append(EpisodeBuffer(observations=obs, actions=actions, rewards=np.arange(7.0), infos={"speed": np.zeros(8)}, **flags))
        observations.append(obs)
    minari.create_dataset_from_buffers("test/swings-v0", buffers, env=gym.make("Pendulum-v1"), algorithm_name="nobody")
    data = as_dataset("test/swings-v0")  # by its id, from Minari's folder

    assert (len(data), data.lengths.tolist(), data.truncations.sum(), data.terminations.sum()) == (21, [7, 7, 7], 3, 0)
    np.testing.assert_array_equal(data.observations[7:14], observations[1][:-1])
    np.testing.assert_array_equal(data.next_observations[7:14], observations[1][1:])
    assert (data.facts["env"], data.facts["algorithm_name"]) == ("Pendulum-v1", "nobody")


def test_the_manifest_stands_beside_the_steps_and_comes_back_with_them(tmp_path):
    data = played(Vectors())
    with_facts = data.of_episodes(range(data.n_episodes))
    object.__setattr__(with_facts, "facts", {"env": "Vectors", "behaviour": {"algorithm": "random", "seed": 0}})
    manifest = json.loads((with_facts.save(tmp_path / "a") / "data" / "manifest.json").read_text())

    assert (manifest["steps"], manifest["episodes"], manifest["hash"]) == (60, data.n_episodes, data.hash)
    assert as_dataset(tmp_path / "a").facts["behaviour"] == {"algorithm": "random", "seed": 0}


def test_nothing_is_written_over_what_is_there(tmp_path):
    data = played(Vectors())
    data.save(tmp_path / "a")
    with pytest.raises(FileExistsError, match="exists already: remove it first"):
        data.save(tmp_path / "a")


def test_what_is_not_written_whole_is_not_there(tmp_path):
    torn = played(Vectors())
    torn.next_observations[0] += 1
    with pytest.raises(BadDataset, match="step 1 does not begin with what step 0 ended with, so they are no episode"):
        torn.save(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_a_data_set_made_of_two_has_the_steps_of_both(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "PACKED", tmp_path)
    one, two = played(Vectors(), 30, "test/one-v0"), played(Vectors(), 40, "test/two-v0")
    one.save(tmp_path / "test.one-v0.npz"), two.save(tmp_path / "test.two-v0.npz")
    places.write(one + two, tmp_path / "test.both-v0.npz", joined=["test/one-v0", "test/two-v0"])

    assert as_dataset("test/both-v0").hash == (one + two).hash
    assert (tmp_path / "test.both-v0.npz").stat().st_size < (tmp_path / "test.one-v0.npz").stat().st_size


def test_steps_that_are_not_those_of_the_manifest_are_refused(tmp_path):
    played(Vectors()).save(tmp_path / "a")
    with h5py.File(tmp_path / "a" / "data" / "main_data.hdf5", "a") as file:
        file["episode_0/rewards"][0] = 17.0
    with pytest.raises(BadDataset, match="they are not what was recorded") as error:
        as_dataset(tmp_path / "a")
    one_line(error)


# ---------------------------------------------------------------------------------------------------------------------- recording
def test_a_recording_has_true_successors_and_cuts_where_it_stops():
    env = Recorder(GridWorld("4x3"))
    env.reset(seed=0)
    for action in (0, 0, 3, 3, 3):  # up, up, right, right, right: into the goal
        env.step(action)
    env.reset()
    env.step(0)
    env.reset()  # left before its end
    env.step(3)
    data = env.dataset("three")

    assert data.observations.tolist() == [8, 4, 0, 1, 2, 8, 8] and data.next_observations.tolist() == [4, 0, 1, 2, 3, 4, 9]
    assert np.flatnonzero(data.terminations).tolist() == [4] and np.flatnonzero(data.truncations).tolist() == [5, 6]
    assert data.returns.tolist() == [1, 0, 0]


# --------------------------------------------------------------------------------------------------------------------------- D4RL
def d4rl(path, **fields):
    with h5py.File(path, "w") as file:
        for name, x in fields.items():
            file[name] = np.asarray(x)
    return path


def six(**more):
    """Six steps, o = 0 … 5: an episode that dies after two, one that is cut after three, and the first step of a third."""
    return {
        "observations": np.arange(6, dtype=np.float32)[:, None], "actions": np.zeros((6, 1), np.float32), "rewards": np.arange(6, dtype=np.float32),
        "terminals": [0, 1, 0, 0, 0, 0], "timeouts": [0, 0, 0, 0, 1, 0], **more,
    }  # fmt: skip


def test_without_next_observations_the_last_step_of_a_cut_episode_is_dropped_and_the_one_before_it_ends_the_episode(tmp_path):
    data = as_dataset(d4rl(tmp_path / "six.hdf5", **six()))

    assert data.rewards.tolist() == [0, 1, 2, 3]
    assert data.next_observations[[0, 2, 3], 0].tolist() == [1, 3, 4]
    assert data.terminations.tolist() == [False, True, False, False] and data.truncations.tolist() == [False, False, False, True]


def test_with_next_observations_no_step_is_dropped(tmp_path):
    data = as_dataset(d4rl(tmp_path / "six.hdf5", **six(next_observations=np.arange(1, 7, dtype=np.float32)[:, None])))

    assert data.next_observations[:, 0].tolist() == [1, 2, 3, 4, 5, 6]
    assert data.ends.tolist() == [1, 4, 5] and data.truncations.tolist() == [False] * 4 + [True] * 2


def test_spaces_that_are_not_given_are_an_unbounded_box_and_d4rls_unit_cube(tmp_path):
    path = d4rl(tmp_path / "six.hdf5", **six())
    data, given = as_dataset(path), as_dataset(path, spaces.Box(0, 9, (1,), np.float32), spaces.Box(-2, 2, (1,), np.float32))

    assert data.observation_space == spaces.Box(-np.inf, np.inf, (1,), np.float32) and data.action_space == spaces.Box(-1, 1, (1,), np.float32)
    assert (given.observation_space.high, given.action_space.high) == (9, 2)


# ---------------------------------------------------------------------------------------------------------------------- bad files
def test_a_missing_field_is_named(tmp_path):
    fields = six()
    del fields["rewards"], fields["terminals"]
    with pytest.raises(BadDataset, match="lacks rewards, terminals; it has actions, observations, timeouts") as error:
        as_dataset(d4rl(tmp_path / "six.hdf5", **fields))
    one_line(error)


def test_a_missing_field_of_an_episode_is_named(tmp_path):
    played(Vectors()).save(tmp_path / "a")
    with h5py.File(tmp_path / "a" / "data" / "main_data.hdf5", "a") as file:
        del file["episode_2/rewards"]
    with pytest.raises(BadDataset, match="episode_2 lacks rewards; it has actions, infos, observations, terminations, truncations"):
        as_dataset(tmp_path / "a")


def test_actions_outside_their_space_are_counted_and_the_first_is_shown(tmp_path):
    path = d4rl(tmp_path / "six.hdf5", **six(actions=[[0.0], [0.0], [1.5], [0.0], [0.0], [0.0]]))
    with pytest.raises(BadDataset, match=r"1 actions lie outside Box\(-1.0, 1.0, \(1,\), float64\), the first of them \[1.5\] at step 2"):
        as_dataset(path)


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n" + bytes(600), pickle.dumps({"observations": 1})], ids=["empty", "cut short", "a pickle"])
def test_a_broken_file_gets_one_line(content, tmp_path):
    (tmp_path / "broken.hdf5").write_bytes(content)
    with pytest.raises(BadDataset, match=r"broken\.hdf5 cannot be read as an HDF5 file") as error:
        as_dataset(tmp_path / "broken.hdf5")
    one_line(error)


@pytest.mark.parametrize("where", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_packed_file_with_a_wrong_byte_gets_one_line(where, tmp_path):
    path = played(Vectors()).save(tmp_path / "a.npz")
    content = bytearray(path.read_bytes())
    content[int(where * len(content))] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(BadDataset, match=r"is no packed data set|not what was recorded|Data set") as error:
        as_dataset(path)
    one_line(error)


def test_a_folder_where_an_array_should_be_gets_one_line(tmp_path):
    path = d4rl(tmp_path / "six.hdf5", **{name: x for name, x in six().items() if name != "rewards"})
    with h5py.File(path, "a") as file:
        file.create_group("rewards")
    with pytest.raises(BadDataset, match="rewards is a group, but an array of numbers is needed"):
        as_dataset(path)


def test_a_file_that_was_cut_short_gets_one_line(tmp_path):
    played(Vectors()).save(tmp_path / "a")
    path = tmp_path / "a" / "data" / "main_data.hdf5"
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(BadDataset, match="cannot be read as an HDF5 file"):
        as_dataset(tmp_path / "a")


def test_a_folder_that_lacks_episodes_is_refused(tmp_path):
    data = played(Vectors())
    data.save(tmp_path / "a")
    with h5py.File(tmp_path / "a" / "data" / "main_data.hdf5", "a") as file:
        del file["episode_0"]
    with pytest.raises(BadDataset, match=f"says that it has {data.n_episodes} episodes, and holds {data.n_episodes - 1}"):
        as_dataset(tmp_path / "a")


def test_an_episode_with_one_observation_too_few_is_refused(tmp_path):
    data = played(Vectors())
    data.save(tmp_path / "a")
    n = int(data.lengths[0])
    with h5py.File(tmp_path / "a" / "data" / "main_data.hdf5", "a") as file:
        del file["episode_0/observations"]
        file["episode_0/observations"] = data.observations[:n]
    with pytest.raises(BadDataset, match=f"episode_0 has {n} rewards and {n} observations; T steps have T \\+ 1 observations"):
        as_dataset(tmp_path / "a")


def test_what_is_in_no_place_is_not_found_and_what_may_be_meant_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("SB3_COURSE_DATASETS", str(tmp_path))
    played(Vectors()).save(tmp_path / "test" / "played-v0")
    with pytest.raises(BadDataset, match=r"There is no data set 'test/playd-v0' here\. Did you mean 'test/played-v0'\?"):
        as_dataset("test/playd-v0")
    with pytest.raises(BadDataset, match=r"`sb3-course dataset make other/thing-v0` if it is one of ours .*, `minari download other/thing-v0` if"):
        as_dataset("other/thing-v0")
    for path in ("mine.npz", "../mine-v0.hdf5", str(tmp_path / "nowhere")):
        with pytest.raises(BadDataset, match=f"There is no file or folder {re.escape(path)}"):
            as_dataset(path)


def test_what_is_no_archive_is_not_called_a_pickle(tmp_path):
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(BadDataset, match=r"is no packed data set: it is no \.npz archive, or one that was cut short"):
        as_dataset(tmp_path / "text.npz")


def test_a_file_needs_the_extra_and_says_so(tmp_path, monkeypatch):
    path = d4rl(tmp_path / "six.hdf5", **six())
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(BadDataset, match=r'HDF5 files need h5py: pip install "sb3-course\[offline\]"'):
        as_dataset(path)


# -------------------------------------------------------------------------------------------------------- time limits told as deaths
def steps(ends, n):
    """n steps, of which these were terminal."""
    zeros = np.zeros((n, 1), np.float32)
    return {"observations": zeros, "actions": zeros, "rewards": np.zeros(n), "terminals": np.isin(np.arange(n), ends)}


def test_episodes_that_all_die_at_one_length_are_a_time_limit_told_as_death(tmp_path):
    path = d4rl(tmp_path / "clock.hdf5", **steps([6, 13, 20], 21))
    with pytest.raises(BadDataset, match=r"3 of 3 episodes terminate after exactly 7 steps, the longest of all: a time limit told as death") as error:
        as_dataset(path)
    one_line(error)
    assert as_dataset(path, time_limit=7).terminations.sum() == 0  # it is, and this is the way out
    assert as_dataset(path, time_limit=0).terminations.sum() == 3  # it is not


def test_so_are_several_that_die_at_a_round_longest_length_among_shorter_ones(tmp_path):
    path = d4rl(tmp_path / "clock.hdf5", **steps([49, 61, 111], 112))
    with pytest.raises(BadDataset, match="2 of 3 episodes terminate after exactly 50 steps"):
        as_dataset(path)


def test_so_is_a_limit_that_has_both_marks(tmp_path):
    """As some files have it: dead, and out of time, whenever the clock ran out."""
    both = steps([6, 13, 20], 21)
    path = d4rl(tmp_path / "both.hdf5", **both, timeouts=both["terminals"])
    with pytest.raises(BadDataset, match="nothing was ever cut alone, and 3 of 3 episodes terminate after exactly 7 steps"):
        as_dataset(path)
    assert as_dataset(path, time_limit=7).terminations.sum() == 0 and as_dataset(path, time_limit=0).terminations.sum() == 3


def test_a_death_at_the_last_moment_is_believed_where_others_are_cut_alone(tmp_path):
    path = d4rl(tmp_path / "late.hdf5", **steps([6, 9], 17), timeouts=np.isin(np.arange(17), [6, 16]))
    assert as_dataset(path).terminations.sum() == 2 and as_dataset(path).truncations.sum() == 2


def test_deaths_of_different_lengths_are_believed(tmp_path):
    assert as_dataset(d4rl(tmp_path / "deaths.hdf5", **steps([5, 13, 20], 21))).terminations.sum() == 3


def test_a_file_that_tells_no_end_asks_for_the_limit(tmp_path):
    path = d4rl(tmp_path / "endless.hdf5", **steps([], 20))
    with pytest.raises(BadDataset, match=r"says of no step that an episode ended there: give as_dataset\(…, time_limit=1000\)"):
        as_dataset(path)
    assert as_dataset(path, time_limit=10).lengths.tolist() == [9, 9]  # the last step of each has no successor in the file


# ----------------------------------------------------------------------------------------------------------- reading is not running
def test_a_link_to_another_file_is_not_followed(tmp_path):
    secret = d4rl(tmp_path / "secret.hdf5", x=np.arange(6.0))
    path = d4rl(tmp_path / "six.hdf5", **{name: x for name, x in six().items() if name != "rewards"})
    with h5py.File(path, "a") as file:
        file["rewards"] = h5py.ExternalLink(str(secret), "x")
    with pytest.raises(BadDataset, match="rewards leads to another file, which is not followed"):
        as_dataset(path)


def test_an_array_larger_than_its_file_could_hold_is_not_read(tmp_path):
    path = d4rl(tmp_path / "six.hdf5", **{name: x for name, x in six().items() if name != "observations"})
    with h5py.File(path, "a") as file:
        file.create_dataset("observations", (10**12, 1), np.float32, chunks=(1024, 1))
    with pytest.raises(BadDataset, match="claims 4000000000000 bytes in a file of"):
        as_dataset(path)


def test_pickles_in_a_packed_file_are_not_opened(tmp_path):
    np.savez(tmp_path / "x.npz", facts=np.array([{"a": 1}], dtype=object))
    with pytest.raises(BadDataset, match="is no packed data set"):
        as_dataset(tmp_path / "x.npz")


@pytest.mark.parametrize("text", ["", "[]", '{"type": "Text"}', '{"type": "Box"}', '{"type": "Dict", "subspaces": {"a": {"type": "Dict", "subspaces": {}}}}'])
def test_what_describes_no_space_gets_one_line(text):
    with pytest.raises(BadDataset) as error:
        space_of(text)
    one_line(error)


@pytest.mark.parametrize(
    "space",
    [spaces.Box(-np.inf, 1, (2, 3), np.float64), spaces.Discrete(3, start=2), spaces.MultiDiscrete([2, 3]), spaces.MultiBinary(4),
     spaces.Dict({"a": spaces.Discrete(2), "b": spaces.Box(0, 255, (2, 2, 1), np.uint8)})],
    ids=lambda space: type(space).__name__,
)  # fmt: skip
def test_a_space_comes_back_from_its_json(space):
    assert space_of(json.dumps(as_json(space))) == space
