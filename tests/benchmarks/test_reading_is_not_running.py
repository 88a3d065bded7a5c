"""What a stranger's study, archive, suite or model brings is read, not run: each test holds a malicious file that did something before.

The payloads make a folder, `ran`, where the test looks for it; what is opened is trained here, in a second.
"""

import base64
import gzip
import hashlib
import io
import json
import os
import pickle
import shutil
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from benchmarks import IntegrityError, UserError
from benchmarks.report import exports, figures, films, page, style
from benchmarks.reproduction import archive, publish, verify
from benchmarks.running import launchers, models, worker
from benchmarks.store import plain, readers
from benchmarks.store.files import write_whole
from benchmarks.store.store import Store
from benchmarks.studies import hyperparams, plan, provenance, study, trust
from sb3_course import cli
from tests.benchmarks.forging import reseal

pytestmark = pytest.mark.usefixtures("plain_pictures")

SMALL = ["protocol.eval_points=2", "protocol.eval_episodes=2", "statistics.reps=200"]
ESCAPE, TURNED = "\x1b[2J\x1b]0;title\x07", "\u202eevil"
WRAPPER = "wrapper_of_a_stranger.Wrapper"


@pytest.fixture(scope="module")
def original(plain_pictures, tmp_path_factory):
    """A study as `compare` makes one: trained, filmed and reported."""
    resolved = study.adhoc(["q_learning"], ["FrozenLake-v1"], seeds=3, steps=400, overrides=SMALL)
    resolved = plan.pinned(resolved, command="sb3-course compare ...")
    store = Store(tmp_path_factory.mktemp("original") / "lake")
    store.save_study(resolved)
    launchers.launch(plan.group([run for _, run in store.planned()], 1), store, {"name": "inprocess"})
    page.render(store.path, play=films.make)
    return store


@pytest.fixture
def store(original, tmp_path):
    return Store(shutil.copytree(original.path, tmp_path / "lake"))


@pytest.fixture
def ran(tmp_path):
    """The folder that a payload makes."""
    return tmp_path / "ran"


@pytest.fixture
def wrapper(tmp_path, ran, monkeypatch):
    """The path of a wrapper whose module runs its payload as soon as it is imported."""
    (tmp_path / "modules").mkdir()
    text = f"import os\nos.mkdir({str(ran)!r})\nclass Wrapper:\n    def __new__(cls, env):\n        return env\n"
    (tmp_path / "modules" / "wrapper_of_a_stranger.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path / "modules")
    monkeypatch.delitem(__import__("sys").modules, "wrapper_of_a_stranger", raising=False)
    return WRAPPER


class Payload:
    """Unpickling makes a folder."""

    def __init__(self, place):
        self.place = str(place)

    def __reduce__(self):
        return os.mkdir, (self.place,)


def a_run(store):
    return next(run.id for _, run in store.planned())


def with_data(source, target, key, value):
    """A model's zip with one field of its JSON text replaced by a pickle."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name == "data":
                pickled = {":type:": "x", ":serialized:": base64.b64encode(pickle.dumps(value)).decode()}
                text = json.dumps(json.loads(text) | {key: pickled}).encode()
            new.writestr(name, text)


def rewrite(store, change):
    """Change the plan and hash it again; the runs keep their names."""
    resolved = yaml.safe_load((store.path / "study.yaml").read_text(encoding="utf-8"))
    change(resolved)
    store.save_study(study.Study.of(resolved).asking())


def retrain(store):
    launchers.launch(plan.group([run for _, run in store.planned()], 1), store, {"name": "inprocess"})


# ---------------------------------------------------------------------------------------------------------------- pickles


@pytest.fixture
def infected(store, ran):
    """Every run's model and normaliser are pickles with a payload, sealed, and there is no film yet: the stranger asks for them."""
    shutil.rmtree(store.path / "films")
    for _, run in store.planned():
        directory = store.runs_path / run.id
        with_data(directory / "model.zip", directory / "x.zip", "policy_class", Payload(ran))
        os.replace(directory / "x.zip", directory / "model.zip")
        (directory / "vecnormalize.pkl").write_bytes(pickle.dumps(Payload(ran)))
        reseal(store, run.id)
    return store


READING = {
    "report": lambda path, tmp: ["report", path],
    "reproduce 1": lambda path, tmp: ["reproduce", path, "--level", "1"],
    "reproduce 2": lambda path, tmp: ["reproduce", path, "--level", "2"],
    "status": lambda path, tmp: ["status", path],
    "archive": lambda path, tmp: ["archive", path, f"{tmp}/x.tar.gz"],
    "archive without models": lambda path, tmp: ["archive", path, f"{tmp}/x.tar.gz", "--no-models"],
    "against": lambda path, tmp: ["report", path, "--against", path, "--out", f"{tmp}/out"],
    "power": lambda path, tmp: ["power", path, "--effect", "0.1", "--reps", "100"],
    "list": lambda path, tmp: ["list"],
}


@pytest.mark.parametrize("words", READING.values(), ids=READING)
def test_no_command_that_reads_a_study_unpickles_what_is_in_it(infected, ran, tmp_path, words):
    cli.main(words(str(infected.path), tmp_path))
    assert not ran.exists()


def test_publishing_a_study_unpickles_nothing(infected, ran, tmp_path):
    page.render(publish.publish(infected, tmp_path / "published").path)
    assert not ran.exists()


def test_the_films_of_a_study_of_ones_own_are_made_without_unpickling_its_models(store, ran):
    shutil.rmtree(store.path / "films")
    for _, run in store.planned():
        directory = store.runs_path / run.id
        with_data(directory / "model.zip", directory / "x.zip", "policy_class", Payload(ran))
        os.replace(directory / "x.zip", directory / "model.zip")
        reseal(store, run.id)
    page.render(store.path, play=films.make)
    assert (store.path / "report" / "report.html").read_text(encoding="utf-8").count("data:image/webp;base64,") == 1 and not ran.exists()


def test_a_normaliser_that_is_a_pickle_alone_is_named_and_not_read(infected, ran):
    page.render(infected.path, play=films.make)
    text = (infected.path / "report" / "report.html").read_text(encoding="utf-8")
    assert "cannot be shown here: UserError:" in text and "vecnormalize.pkl is more than data" in text and not ran.exists()


def test_a_file_that_no_seal_lists_makes_the_run_a_damaged_one(store):
    (store.runs_path / a_run(store) / "vecnormalize.pkl").write_bytes(b"anything")
    state, record = store.status(next(run for _, run in store.planned()))
    assert (state, record["error"]) == ("corrupt", f"run {a_run(store)}/vecnormalize.pkl: not sealed (run.json does not list it)")


def test_level_2_shows_the_films_that_the_study_holds(store):
    found = {finding.what: finding.state for finding in verify.verify(store, 2)}
    assert set(found.values()) == {"pass"} and {"films", "report.html"} <= set(found)
    assert "data:image/webp;base64," in (store.path / "report" / "report.html").read_text(encoding="utf-8")


def test_a_normaliser_read_from_its_arrays_is_the_one_that_was_trained(tmp_path):
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.vec_env import VecNormalize

    trained = VecNormalize(make_vec_env("CartPole-v1", seed=0), clip_obs=3.0)
    trained.reset()
    for _ in range(20):
        trained.step(np.array([1]))
    models.save_normaliser(trained, tmp_path)
    read = models.normaliser(tmp_path, make_vec_env("CartPole-v1"))
    obs = np.array([[0.1, -0.5, 0.2, 9.0]])
    assert np.array_equal(read.normalize_obs(obs), trained.normalize_obs(obs)) and read.clip_obs == 3.0
    assert (read.training, read.norm_reward) == (False, False)


@pytest.mark.parametrize("algo", ["ppo", "sb3/ppo", "dqn", "q_learning"])
def test_a_model_read_without_its_pickles_has_the_weights_that_were_trained(algo, tmp_path):
    env = "FrozenLake-v1" if algo == "q_learning" else "CartPole-v1"
    resolved = study.adhoc([algo], [env], seeds=1, steps=64, overrides=SMALL)
    store = Store(tmp_path / "one")
    store.save_study(plan.pinned(resolved))
    retrain(store)
    ((_, run),) = store.planned()
    from stable_baselines3.common.env_util import make_vec_env

    model = models.rebuilt(algo, store.runs_path / run.id / "model.zip", run.hyperparams, make_vec_env(env))
    assert worker.weights_hash(model) == store.record(run.id)["weights_hash_end"]


# ------------------------------------------------------------------------------------------------------------------ films


def swap_film(store, film):
    """Another film, with its hash in the index."""
    path = next((store.path / "films").glob("*.webp"))
    path.write_bytes(film)
    index = json.loads((store.path / "films" / "films.json").read_text())
    index[path.stem]["sha256"] = hashlib.sha256(film).hexdigest()
    (store.path / "films" / "films.json").write_text(json.dumps(index))
    return path


def with_chunk(film):
    body = film[12:] + b"EXIF" + (4).to_bytes(4, "little") + b"abcd"
    return b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WEBP" + body


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda film: b"<svg onload='alert(1)'/>", "is not a WebP picture"),
        (lambda film: film + b"<script>", "is not a WebP picture"),
        (with_chunk, "holds more than the frames of an animation"),
        (lambda film: film[:1500] + bytes(len(film) - 1500), "holds more than the frames of an animation"),
        (lambda film: film[:110] + b"\xff" * 40 + film[150:], "cannot be decoded"),
    ],
)
def test_a_film_is_an_animated_picture_and_nothing_else(store, change, said):
    path = next((store.path / "films").glob("*.webp"))
    swap_film(store, change(path.read_bytes()))
    assert f"films: films/{path.name}: {said}" in [f"{f.what}: {f.said}" for f in verify.verify(store, 1) if f.state == "fail"]
    with pytest.raises(IntegrityError, match=said):
        page.render(store.path)


def test_a_changed_film_and_one_that_the_index_does_not_list_are_named(store):
    path = next((store.path / "films").glob("*.webp"))
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(IntegrityError, match="hash mismatch"):
        page.render(store.path)
    path.write_bytes(content)
    (store.path / "films" / "more.webp").write_bytes(content)
    with pytest.raises(IntegrityError, match=r"films/more.webp: not listed in films.json"):
        page.render(store.path)


def test_a_film_of_other_weights_is_not_shown_as_the_run_s(store):
    run_id = next((store.path / "films").glob("*.webp")).stem
    reseal(store, run_id, weights_hash_end="0" * 64)
    assert any(f.what == "films" and f.state == "fail" for f in verify.verify(store, 1))
    text = page.render(store.path).path.read_text(encoding="utf-8")
    assert "data:image/webp" not in text and "has no film here" in text


# --------------------------------------------------------------------------------------------------------------- wrappers


@pytest.fixture
def wrapped(store, wrapper):
    """A study whose runs were trained in an environment with a stranger's wrapper, by somebody who trusts it."""
    shutil.rmtree(store.runs_path)
    shutil.rmtree(store.path / "films")
    rewrite(store, lambda s: s["hyperparams"]["q_learning"]["FrozenLake-v1"].update(env_wrapper=WRAPPER))
    retrain(store)
    page.render(store.path)  # its repro.json asks for films
    return store


@pytest.fixture
def untouched(wrapped, ran):
    """The same before its wrapper is imported in this place."""
    import sys

    shutil.rmtree(ran)
    sys.modules.pop("wrapper_of_a_stranger")
    return wrapped


@pytest.mark.parametrize("words", READING.values(), ids=READING)
def test_no_command_that_reads_a_study_imports_its_wrappers(untouched, ran, tmp_path, words):
    assert cli.main(words(str(untouched.path), tmp_path)) in (0, 3)  # 3: power finds no comparison
    assert not ran.exists()


@pytest.mark.parametrize("words", (["reproduce", "--level", "3", "--sample", "1"], ["reproduce", "--level", "4"], ["retry"]))
def test_what_trains_names_the_wrapper_and_asks_for_trust(untouched, ran, capsys, words):
    assert cli.main([words[0], str(untouched.path), *words[1:]]) == 2
    said = capsys.readouterr().err
    assert f"would run the wrapper {WRAPPER}, which is not this project's own: add --trust" in said and not ran.exists()


def test_with_trust_the_wrapper_is_imported_and_the_run_is_the_same(untouched, ran):
    assert cli.main(["reproduce", str(untouched.path), "--level", "3", "--sample", "1", "--trust"]) == 0
    assert ran.exists()


def test_a_suite_in_a_file_that_brings_a_wrapper_asks_for_trust(wrapper, ran, tmp_path, capsys):
    settings = {"groups": [{"name": "a", "algos": ["q_learning"], "envs": ["FrozenLake-v1"]}], "seeds": 1, "steps": 100,
                "algo": {"q_learning": {"FrozenLake-v1": {"env_wrapper": wrapper}}}}  # fmt: skip
    (tmp_path / "suite.yaml").write_text(yaml.safe_dump(settings))
    words = ["compare", str(tmp_path / "suite.yaml"), "--dry-run", "--out", str(tmp_path / "out")]
    assert cli.main(words) == 2
    assert f"suite.yaml would run the wrapper {WRAPPER}" in capsys.readouterr().err and not ran.exists()
    assert cli.main([*words, "--trust"]) == 0 and ran.exists()


@pytest.mark.parametrize(
    "path",
    ["gymnasium.wrappers.RecordVideo", "stable_baselines3.common.monitor.Monitor", "gymnasium.wrappers.TransformObservation", "operator.itemgetter",
     "os.system", "gymnasium.wrappers.TimeLimit.__init__", "gymnasium.wrappers.common.os.system", "from_scratch.envs.importlib.import_module"],
)  # fmt: skip
def test_the_list_of_wrappers_holds_names_and_not_modules(path):
    assert trust.of_wrappers([{path: {"x": 1}}]) == [f"the wrapper {path}"]


@pytest.mark.parametrize("path", sorted(path for path in trust.WRAPPERS if not path.startswith(("minigrid", "sb3_contrib"))))
def test_every_wrapper_on_the_list_exists_and_is_a_wrapper(path):
    import importlib

    import gymnasium as gym

    module, _, name = path.rpartition(".")
    assert issubclass(getattr(importlib.import_module(module), name), gym.Wrapper) and trust.of_wrappers(path) == []


def test_environments_and_files_that_are_not_known_are_named_and_not_imported(store, wrapper, ran):
    found = [*trust.of_environment("wrapper_of_a_stranger:Env-v0", {}), *trust.of_environment("GymV21Environment-v0", {"env_id": "x:y"})]
    assert found == ["the environment wrapper_of_a_stranger:Env-v0", "the environment GymV21Environment-v0"] and not ran.exists()
    assert trust.of_environment("FrozenLake-v1", {"map_name": "4x4"}) == []
    assert trust.of_environment("CartPole-v1", {"xml_file": "../../x.xml"}) == ["CartPole-v1 with xml_file=../../x.xml"]


def test_the_files_of_an_environment_are_its_own_whatever_a_study_names(tmp_path):
    pytest.importorskip("mujoco")
    (tmp_path / "secret").write_text("secret")
    named = SimpleNamespace(own=None, envs={"Hopper-v5": {"kwargs": {"xml_file": str(tmp_path / "secret")}}})
    assert "secret" not in provenance.environment("Hopper-v5", named)["files"]


@pytest.mark.parametrize("text", ["dict(activation_fn=nn.init)", "dict(activation_fn=nn.factory_kwargs)", f"dict(x={'[' * 3000}{']' * 3000})", "dict(x=1\0)"])
def test_an_expression_names_modules_of_torch_nn_and_nothing_else_that_lies_there(text):
    with pytest.raises(UserError, match=r"torch\.nn has no module|cannot read"):
        hyperparams.literal(text)


# --------------------------------------------------------------------------------------------------------------- archives


def tar_of(path, members):
    """An archive of (name, content or how to change the member) pairs."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            data = b""
            if callable(content):
                content(member)
            else:
                data = content
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def kind(type, link=""):
    def change(member):
        member.type, member.linkname = type, link

    return change


def long_chain():
    """The links of CVE-2025-4517: folders of 247 letters whose resolved path is longer than realpath() follows, so that the last link leads out unseen."""
    long, steps, path, found = "d" * 247, "abcdefghijklmnop", "x", []
    for step in steps:
        found += [(f"{path}/{long}", kind(tarfile.DIRTYPE)), (f"{path}/{step}", kind(tarfile.SYMTYPE, long))]
        path = f"{path}/{long}"
    link = "x/" + "/".join(steps) + "/" + "l" * 254
    found += [(link, kind(tarfile.SYMTYPE, "../" * len(steps))), ("x/escape", kind(tarfile.SYMTYPE, link.removeprefix("x/") + "/../../outside")),
              ("x/flaglink", kind(tarfile.LNKTYPE, "x/escape")), ("x/flaglink", b"written outside")]  # fmt: skip
    return found


EVIL = {
    "a chain of links": (long_chain(), "is a folder|is a link|not made of"),
    "a link": ([("x/study.yaml", kind(tarfile.SYMTYPE, "/etc/passwd"))], "study.yaml: is a link; an archive holds regular files only"),
    "a hard link": ([("x/study.yaml", kind(tarfile.LNKTYPE, "x/runs"))], "is a link; an archive holds regular files only"),
    "a device": ([("x/study.yaml", kind(tarfile.CHRTYPE))], "is a device; an archive holds regular files only"),
    "a pipe": ([("x/study.yaml", kind(tarfile.FIFOTYPE))], "is a pipe; an archive holds regular files only"),
    "a folder": ([("x/runs", kind(tarfile.DIRTYPE))], "is a folder; an archive holds regular files only"),
    "a path upwards": ([("x/../outside", b"")], "not made of letters"),
    "an absolute path": ([("/outside", b"")], "not made of letters"),
    "a hidden name": ([("x/report/.bashrc", b"")], "not made of letters"),
    "a control character": ([("x/report/a\x1b[2J", b"")], "not made of letters"),
    "a name that turns round": ([("x/report/a\u202egnp.exe", b"")], "not made of letters"),
    "a backslash": ([("x/report/..\\outside", b"")], "not made of letters"),
    "a foreign place": ([("x/other/file", b"")], "is no file of a study"),
    "a deeper place": ([("x/report/a/b", b"")], "is no file of a study"),
    "the same twice": ([("x/study.yaml", b"a"), ("x/study.yaml", b"b")], "is there twice"),
    "capitals alone": ([("x/report/a.html", b"a"), ("x/report/A.html", b"b")], "are one name on some systems"),
    "folders in capitals": ([("x/runs/a/run.json", b"a"), ("x/runs/A/b.json", b"b")], "are one name on some systems"),
    "two studies": ([("x/study.yaml", b"a"), ("y/study.yaml", b"b")], "holds several folders"),
    "a file where a folder is": ([("x/report/a", b""), ("x/report/a/b", b"")], "is no file of a study"),
    "nothing": ([], "holds no study"),
    "a file too many": ([("x/study.yaml", b""), ("x/report/more", b""), ("x/SHA256SUMS", b"")], "is not listed in its SHA256SUMS"),
    "a bomb": ([("x/study.yaml", bytes(90 * 2**20))], "unpacks to more than"),
}  # fmt: skip


@pytest.mark.parametrize("name", EVIL)
def test_an_archive_holds_regular_files_of_one_study_and_nothing_else(name, tmp_path):
    members, said = EVIL[name]
    tar_of(tmp_path / "x.tar.gz", members)
    (tmp_path / "in").mkdir()
    with pytest.raises(IntegrityError, match=said):
        archive.unpack(tmp_path / "x.tar.gz", tmp_path / "in")
    assert {path.name for path in tmp_path.iterdir()} == {"x.tar.gz", "in"}


def test_a_second_archive_behind_the_first_is_refused(store, tmp_path):
    """Some programs unpack it over the first."""
    archive.pack(store, tmp_path / "x.tar.gz")
    tar_of(tmp_path / "y.tar.gz", [("lake/report/report.html", b"Sarsa wins")])
    both = b"".join(gzip.decompress((tmp_path / name).read_bytes()) for name in ("x.tar.gz", "y.tar.gz"))
    (tmp_path / "z.tar.gz").write_bytes(gzip.compress(both))
    with pytest.raises(IntegrityError, match="goes on behind its end"):
        archive.unpack(tmp_path / "z.tar.gz", tmp_path / "in")


def test_an_archive_that_is_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.tar.gz")
    assert cli.main(["reproduce", str(tmp_path / "x.tar.gz")]) == 2


def test_a_header_that_promises_more_than_a_name_is_refused_before_it_is_read(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("x/study.yaml")
        member.pax_headers = {"path": "../outside", "GNU.sparse.major": "1"}
        tar.addfile(member)
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress((tmp_path / "x.tar").read_bytes()))
    with pytest.raises(IntegrityError, match="gives a file more than a name"):
        archive.unpack(tmp_path / "x.tar.gz", tmp_path / "in")


def test_reproduce_of_an_evil_archive_is_one_line_and_exit_code_4(tmp_path, capsys):
    tar_of(tmp_path / "x.tar.gz", EVIL["a link"][0])
    assert cli.main(["reproduce", str(tmp_path / "x.tar.gz"), "--level", "1"]) == 4
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("folder", ["runs", "report", "films"])
def test_what_a_link_points_to_is_not_packed(store, tmp_path, folder):
    (tmp_path / "secret").write_text("secret")
    place = store.runs_path / a_run(store) if folder == "runs" else store.path / folder
    (place / "stolen.txt").symlink_to(tmp_path / "secret")
    if folder == "runs":
        reseal(store, a_run(store))
    assert cli.main(["archive", str(store.path), str(tmp_path / "x.tar.gz")]) in (3, 4)
    assert not (tmp_path / "x.tar.gz").exists()


def test_a_study_in_a_folder_of_any_name_is_packed_under_a_plain_one(store, tmp_path):
    strange = Store(store.path.rename(store.path.with_name("my études [1]")))
    archive.pack(strange, tmp_path / "x.tar.gz")
    assert archive.unpack(tmp_path / "x.tar.gz", tmp_path / "in").path.name == "my__tudes__1_"


# ------------------------------------------------------------------------------------------------------- names and places


@pytest.mark.parametrize("name", ["../../../secret", "/etc/passwd", "a/b", "..", ".hidden", "run.json", "x\ny", ""])
def test_a_name_in_a_seal_is_one_file_of_the_run_s_folder(store, tmp_path, name):
    (tmp_path / "secret").write_text("secret")
    record = json.loads((store.runs_path / a_run(store) / "run.json").read_text(encoding="utf-8"))
    reseal(store, a_run(store), files={**record["files"], name: hashlib.sha256(b"secret").hexdigest()})
    assert "names no file of a run's folder" in store.status(next(run for _, run in store.planned()))[1]["error"]
    with pytest.raises(Exception, match="not finished"):
        publish.publish(store, tmp_path / "published")
    assert not list((tmp_path / "published").rglob("*secret*"))


def test_a_folder_whose_name_is_a_pattern_is_read_and_not_the_one_that_it_matches(store):
    pattern, other = (store.path.with_name(name) for name in ("st[1]", "st1"))
    shutil.copytree(store.path, other)
    store.path.rename(pattern)
    for path in other.rglob("curve.parquet"):
        table = pq.read_table(path)
        pq.write_table(table.set_column(table.schema.get_field_index("score"), "score", pa.array([99.0] * len(table))), path)
    assert Store(pattern).curves()["score"].max() <= 1.0
    assert {f.state for f in verify.verify(Store(pattern), 2)} == {"pass"}


def test_a_run_s_record_under_another_run_s_name_is_damage(store):
    first, second = sorted({run.id for _, run in store.planned()})[:2]
    shutil.rmtree(store.runs_path / second)
    shutil.copytree(store.runs_path / first, store.runs_path / second)
    assert [row.error for row in store.runs().itertuples() if row.run_id == second] == [f"run {second}/run.json: is of another run, {first}"]


def test_a_link_or_pipe_in_a_run_s_folder_is_damage_and_is_not_opened(store, tmp_path):
    for make, said in ((lambda path: path.symlink_to("/dev/zero"), "a link"), (os.mkfifo, "not a regular file")):
        path = store.runs_path / a_run(store) / "run.json"
        path.unlink()
        make(path)
        assert store.status(next(run for _, run in store.planned()))[1]["error"] == f"run {a_run(store)}/run.json: {said}"


def test_a_report_is_not_written_through_a_link(store, tmp_path):
    (tmp_path / "mine").mkdir()
    shutil.rmtree(store.path / "report")
    (store.path / "report").symlink_to(tmp_path / "mine")
    with pytest.raises(UserError, match="is a link"):
        page.render(store.path)
    assert not list((tmp_path / "mine").iterdir())


def test_a_link_that_waits_where_a_file_is_written_is_replaced_and_not_followed(tmp_path):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / f".x.{os.getpid()}").symlink_to(tmp_path / "mine")
    write_whole(tmp_path / "x", "new")
    assert (tmp_path / "mine").read_text() == "mine" and (tmp_path / "x").read_text() == "new"


# ------------------------------------------------------------------------------------------------------------------ words


@pytest.fixture
def loud(store):
    """A study whose free texts, and a failed run's error, hold what a terminal obeys."""
    def change(resolved):
        resolved |= {"name": f"lake{ESCAPE}{TURNED}", "question": f"Which?{ESCAPE}{TURNED}"}
        resolved["groups"][0]["name"] = f"all{ESCAPE}{TURNED}"

    rewrite(store, change)
    run = next(run for _, run in store.planned())
    shutil.rmtree(store.runs_path / run.id)  # a failure does not take the place of what has finished
    store.fail(run, f"ValueError: [/red]{ESCAPE}{TURNED}", f"Traceback{ESCAPE}{TURNED}")
    (store.runs_path / f"stray{ESCAPE}{TURNED}".replace("/", "")).mkdir()
    return store


@pytest.mark.parametrize(
    ("words", "shown"),
    [(["status"], "␛[2J"), (["report", "--allow-partial"], "␛[2J"), (["reproduce", "--level", "1"], "which is not of its form")],
)
def test_nothing_of_a_study_reaches_the_terminal_as_an_escape_sequence(loud, capsys, words, shown):
    cli.main([words[0], str(loud.path), *words[1:]])
    printed = capsys.readouterr()
    assert not {"\x1b", "\x07", "\u202e"} & set(printed.out + printed.err)
    assert shown in " ".join((printed.out + printed.err).split())


def test_an_error_s_line_is_one_line_without_escapes(tmp_path, capsys):
    assert cli.main(["report", str(tmp_path / f"no\n{ESCAPE}such")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "\x1b" not in said


def test_the_page_shows_escape_sequences_and_turned_text_as_signs(loud):
    text = page.render(loud.path, allow_partial=True).path.read_text(encoding="utf-8")
    assert not {"\x1b", "\x07", "\u202e"} & set(text) and "␛[2J" in text and "[/red]" in text


def test_latex_gets_one_printable_line_for_every_name():
    table = style.Table(["a"], [["x\n\\input{/etc/passwd}\x1b[2J\u202e"]])
    text = exports.latex([("t", table, "caption\n\n", "short\n")], "name\n\\input{/etc/passwd}", "0\n\\input{x}")
    assert "\n\\input" not in text and not {"\x1b", "\u202e"} & set(text) and "\\input{" not in text.partition("\n")[2]


def test_a_reference_s_label_is_not_read_as_mathematics():
    scale = SimpleNamespace(random=0.0, expert=1.0, label=r"$\frac{")
    canvas = style.new_canvas(2, 2)
    figures._references(canvas.subplots(), SimpleNamespace(scales={"env": scale}), "env", (0.0, 1.0))
    canvas.savefig(io.BytesIO(), format="svg")


# ------------------------------------------------------------------------------------------------------------------- YAML


def test_a_suite_in_a_file_asks_for_nothing_of_this_machine(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SECRET", "hidden-away")
    for value in ("${oc.env:SECRET}", '"\\x24{oc.env:SECRET}"', "'a ${seeds} b'"):
        (tmp_path / "suite.yaml").write_text(f"name: x\nquestion: {value}\ngroups: [{{name: a, algos: [q_learning], envs: [FrozenLake-v1]}}]\nsteps: 100\n")
        assert cli.main(["compare", str(tmp_path / "suite.yaml"), "--dry-run", "--out", str(tmp_path / "out")]) == 2
        said = capsys.readouterr()
        assert "suite.yaml line 2" in said.err and "plain values" in said.err and "hidden-away" not in said.out + said.err


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(f"{y}: &{y} [{', '.join([f'*{x}'] * 10)}]\n" for x, y in zip("abcdefgh", "bcdefghi", strict=True))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "once its aliases are written out"),
        ("a: &a [*a]\n", "an alias stands for what it is a part of"),
        ("[" * 5000 + "]" * 5000, "nested too deeply"),
        ("a: !!python/object/apply:os.mkdir [x]\n", "cannot be read as YAML"),
        ("groups: 2024-01-01\nseeds: [1]\n", "not of the type date"),
        ("groups: []\nseeds: [.nan]\nprotocol: {}\nhyperparams: {}\nbudget: {}\nenvs: {}\n", "seeds are whole numbers"),
        ("- a\n", "it holds no study"),
        ("a: " + "9" * 5000 + "\n", "cannot be read as YAML"),
    ],
)
def test_a_plan_is_plain_values_in_the_shape_of_a_study(tmp_path, text, said):
    (tmp_path / "study.yaml").write_text(text)
    with pytest.raises(IntegrityError, match=said):
        Store(tmp_path).study()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s["groups"][0].update(algos=["../../x"]), "names in letters"),
        (lambda s: s["groups"][0].update(envs=["a\x1b[2J"]), "names in letters"),
        (lambda s: s["groups"][0].update(envs=["FrozenLake-v1*"]), "names in letters"),
        (lambda s: (s["groups"][0].update(algos=[f"q{k}" for k in range(400)]), s.update(seeds=list(range(300)))), "plans more than 100,000 runs"),
        (lambda s: s["protocol"].update(eval_points=10**12), "no whole number from 1"),
        (lambda s: s["statistics"].update(reps=10**12), "no whole number from 1"),
        (lambda s: s["budget"].update({"FrozenLake-v1": {"q_learning": "x"}}), "a budget of x steps"),
        (lambda s: s.update(name=["x"]), "name is no text"),
    ],
)
def test_a_plan_with_names_or_numbers_that_lead_astray_is_one_line(store, change, said, capsys):
    rewrite(store, change)
    assert cli.main(["report", str(store.path)]) == 4
    assert said in (printed := capsys.readouterr().err) and printed.count("\n") == 1


@pytest.mark.parametrize("changes", [{"train_seconds": "x"}, {"host": {"cpu": ["x"]}}, {"error": {"a": 1}}, {"status": "great"}, {"files": []}, {"seed": "0"}])
def test_a_record_of_other_types_is_damage(store, changes):
    reseal(store, a_run(store), **changes)
    assert store.status(next(run for _, run in store.planned()))[0] == "corrupt"


# ----------------------------------------------------------------------------------------------------------------- tables


@pytest.mark.parametrize(
    "column",
    [pa.array(["1", "2"]), pa.array([1, 2]), pa.array([b"1", b"2"]), pa.array(["1", "2"]).dictionary_encode(), pa.array([[1.0], [2.0]])],
)
def test_a_column_of_another_type_is_refused_in_one_line(store, column, capsys):
    path = store.runs_path / a_run(store) / "curve.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(table.schema.get_field_index("score"), "score", column), path)
    reseal(store, a_run(store))
    assert cli.main(["report", str(store.path)]) == 4
    assert "curve.parquet: column score is" in (printed := capsys.readouterr().err) and printed.count("\n") == 1


def test_an_npz_that_unpacks_to_more_than_is_read_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "MOST_NPZ", 10_000)
    np.savez_compressed(tmp_path / "evaluations.npz", timesteps=np.arange(5000), results=np.zeros((5000, 1)))
    with pytest.raises(IntegrityError, match="unpacks to"):
        readers.evaluations_of(tmp_path / "evaluations.npz", "a", "b", 0)


def test_objects_in_an_npz_are_not_unpickled(tmp_path, ran):
    np.savez(tmp_path / "evaluations.npz", timesteps=np.arange(1), results=np.array([[Payload(ran)]], dtype=object))
    with pytest.raises(IntegrityError, match="is not what EvalCallback writes"):
        readers.evaluations_of(tmp_path / "evaluations.npz", "a", "b", 0)
    assert not ran.exists()


# ------------------------------------------------------------------------------------------------------------------ enjoy

ENJOY = ["enjoy", "--algo", "sb3/ppo", "--env", "CartPole-v1", "--no-render", "-n", "50"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    place = tmp_path_factory.mktemp("trained")
    words = ["train", "--algo", "sb3/ppo", "--env", "CartPole-v1", "-n", "32", "--eval-freq", "0", "--verbose", "0", "-f", str(place / "logs"), "--hyperparams"]
    assert cli.main([*words, "n_steps:16", "batch_size:16", "n_envs:1", "normalize:True"]) == 0
    return place / "logs"


@pytest.fixture
def logs(trained, tmp_path):
    """(the folder of logs, that of one training in it)"""
    return shutil.copytree(trained, tmp_path / "logs"), tmp_path / "logs" / "sb3" / "ppo" / "CartPole-v1_1"


def test_enjoy_plays_a_model_whose_pickles_it_does_not_read(logs, ran, capsys):
    logs, folder = logs
    with_data(folder / "CartPole-v1.zip", folder / "x.zip", "policy_class", Payload(ran))
    os.replace(folder / "x.zip", folder / "CartPole-v1.zip")
    (folder / "CartPole-v1" / "vecnormalize.pkl").write_bytes(pickle.dumps(Payload(ran)))
    assert cli.main([*ENJOY, "-f", str(logs)]) == 0
    assert "return" in capsys.readouterr().out and not ran.exists()


def test_enjoy_reads_statistics_that_are_a_pickle_alone_as_data(logs):
    """The RL Zoo leaves no others."""
    logs, folder = logs
    (folder / "CartPole-v1" / "vecnormalize.npz").unlink()
    assert cli.main([*ENJOY, "-f", str(logs)]) == 0


def test_enjoy_asks_for_trust_where_the_statistics_are_more_than_data(logs, ran, capsys):
    logs, folder = logs
    (folder / "CartPole-v1" / "vecnormalize.npz").unlink()
    (folder / "CartPole-v1" / "vecnormalize.pkl").write_bytes(pickle.dumps(Payload(ran)))
    assert cli.main([*ENJOY, "-f", str(logs)]) == 2
    assert "vecnormalize.pkl is more than data: The file wants" in (said := capsys.readouterr().err) and "--trust" in said and not ran.exists()


def test_enjoy_asks_for_trust_where_weights_do_not_fit_the_settings(logs, ran, capsys):
    logs, folder = logs
    config = folder / "CartPole-v1" / "config.yml"
    config.write_text(config.read_text() + "policy_kwargs: dict(net_arch=[7])\n")
    assert cli.main([*ENJOY, "-f", str(logs)]) == 4
    assert "With --trust it is unpickled instead" in capsys.readouterr().err
    assert cli.main([*ENJOY, "-f", str(logs), "--trust"]) == 0


def test_enjoy_names_a_wrapper_and_asks_for_trust(logs, wrapper, ran, capsys):
    logs, folder = logs
    config = folder / "CartPole-v1" / "config.yml"
    config.write_text(config.read_text() + f"env_wrapper: {WRAPPER}\n")
    assert cli.main([*ENJOY, "-f", str(logs)]) == 2
    assert f"would run the wrapper {WRAPPER}" in capsys.readouterr().err and not ran.exists()


def test_weights_that_are_a_pickled_program_are_refused(logs, ran):
    logs, folder = logs
    with zipfile.ZipFile(folder / "CartPole-v1.zip") as old, zipfile.ZipFile(folder / "x.zip", "w") as new:
        for name in old.namelist():
            new.writestr(name, pickle.dumps(Payload(ran)) if name == "policy.pth" else old.read(name))
    os.replace(folder / "x.zip", folder / "CartPole-v1.zip")
    assert cli.main([*ENJOY, "-f", str(logs)]) == 4 and not ran.exists()


# ------------------------------------------------------------------------------------------------------ links, pipes, numbers


@pytest.mark.parametrize("name", ["repro.json", "report.json", "report.html", "scores.csv"])
@pytest.mark.parametrize("kind", ["pipe", "endless", "secret"])
def test_a_file_of_the_report_that_is_none_is_neither_waited_for_nor_read(store, tmp_path, name, kind, capsys):
    path = store.path / "report" / name
    path.unlink()
    (tmp_path / "secret").write_text('{"hidden-away": "hidden-away"}')
    os.mkfifo(path) if kind == "pipe" else path.symlink_to("/dev/zero" if kind == "endless" else tmp_path / "secret")
    assert cli.main(["reproduce", str(store.path)]) == 4
    printed = capsys.readouterr()
    assert "hidden" not in printed.out + printed.err


@pytest.mark.parametrize("folder", ["runs", "report", "films", "quarantine"])
@pytest.mark.parametrize("verb", [["reproduce"], ["report"], ["status"], ["retry"], ["archive"], ["report", "--against"]])
def test_a_folder_that_is_a_link_is_neither_read_nor_written(store, tmp_path, folder, verb, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "hidden-away").write_text("mine")
    (store.runs_path / a_run(store) / "stray").write_text("damaged, so retry would move it to the quarantine")
    shutil.rmtree(store.path / folder, ignore_errors=True)
    (store.path / folder).symlink_to(tmp_path / "mine")
    assert cli.main([verb[0], str(store.path), *verb[1:], *([str(store.path)] if len(verb) > 1 else [])]) in (2, 4)
    printed = capsys.readouterr()
    assert "is a link or a file" in printed.err and "hidden" not in printed.out + printed.err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["hidden-away"]


@pytest.mark.parametrize("place", ["runs", "report", "quarantine", "runs/RUN", "report/report.html"])
@pytest.mark.parametrize("verb", ["reproduce", "report", "status", "archive"])
def test_a_file_where_a_folder_should_be_or_the_other_way_round_is_one_line(store, place, verb, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = store.path / place.replace("RUN", a_run(store))
    if place.endswith("html"):
        path.unlink()
        path.mkdir()
    else:
        shutil.rmtree(path, ignore_errors=True)
        path.write_text("x")
    assert cli.main([verb, str(store.path)]) in ((0, 2, 3, 4) if place.endswith("html") else (3, 4))
    assert "unexpected" not in capsys.readouterr().err


def test_a_file_in_the_place_of_a_run_is_moved_out_of_the_way(store):
    shutil.rmtree(store.runs_path / a_run(store))
    (store.runs_path / a_run(store)).write_text("x")
    assert store.status(next(run for _, run in store.planned())) == ("corrupt", {"error": f"run {a_run(store)}: is no folder"})
    assert store.quarantine(a_run(store)).is_file() and not (store.runs_path / a_run(store)).exists()


def test_a_lock_that_is_a_link_is_replaced_and_not_followed(store, tmp_path):
    (tmp_path / "mine").write_text("mine")
    (store.path / ".lock").unlink(missing_ok=True)
    (store.path / ".lock").symlink_to(tmp_path / "mine")
    with store.lock():
        assert not (store.path / ".lock").is_symlink()
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize("name", ["monitor.csv", "progress.csv"])
@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_a_table_in_a_folder_of_runs_is_a_regular_file(tmp_path, name, kind):
    folder = tmp_path / "ppo" / "CartPole-v1" / "0"
    folder.mkdir(parents=True)
    (tmp_path / "secret.csv").write_text("hidden-away")
    os.mkfifo(folder / name) if kind == "pipe" else (folder / name).symlink_to(tmp_path / "secret.csv")
    with pytest.raises((IntegrityError, UserError), match=r"is not a regular file|no runs at"):
        readers.from_sb3(f"{tmp_path}/{{algo}}/{{env}}/{{seed}}", readers.Reading())


def test_an_array_that_promises_more_than_memory_holds_is_refused(tmp_path):
    head = "{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000,), }".ljust(117) + "\n"
    with zipfile.ZipFile(tmp_path / "evaluations.npz", "w") as archive_:
        for name in ("timesteps", "results"):
            archive_.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + bytes(64))
    with pytest.raises(IntegrityError, match="is not what EvalCallback writes"):
        readers.evaluations_of(tmp_path / "evaluations.npz", "a", "b", 0)


@pytest.mark.parametrize("text", [
    "eval_points: 0x" + "f" * 5000, "z: " + ":".join(["59"] * 100_000), "z: 1:" + "59:" * 100_000 + "1.5", 'z: "\\ud800"', '"\\ud800": 1',
], ids=range(5))  # fmt: skip
def test_numbers_that_take_ages_and_halves_of_characters_are_refused(tmp_path, text):
    (tmp_path / "study.yaml").write_text(f"{text}\n")
    with pytest.raises(IntegrityError, match=r"at most 400 are read|half a character"):
        Store(tmp_path).study()


def test_settings_that_are_hashed_for_every_run_stay_small(store, capsys):
    def change(resolved):
        resolved["seeds"] = list(range(9000))
        resolved["hyperparams"]["q_learning"]["FrozenLake-v1"]["x"] = "y" * 100_000

    rewrite(store, change)
    assert cli.main(["status", str(store.path)]) == 4
    assert "characters for each of so many runs" in capsys.readouterr().err


def test_an_error_that_quotes_a_file_is_cut(tmp_path, capsys):
    (tmp_path / "x.csv").write_text(f"algo,env,seed,step,score\na,b,0,1,{'x' * 1_000_000}\n")
    assert cli.main(["report", "--from-csv", str(tmp_path / "x.csv")]) == 2
    assert len(capsys.readouterr().err) < 3000


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)"])
def test_a_name_is_no_formula_in_a_spreadsheet(name):
    import pandas as pd

    assert exports.table(pd.DataFrame({"algo": [name], "score": [-1.0]})) == f"algo,score\n'{name},-1.0\n"


@pytest.mark.parametrize(("file", "line"), [
    ("config.yml", "frame_stack: x"), ("config.yml", "learning_rate: [1]"), ("config.yml", "policy_kwargs: [1]"), ("config.yml", "normalize: dict(x=1)"),
    ("config.yml", "env_wrapper: {gymnasium.wrappers.TimeLimit: {x: 1}}"), ("args.yml", "env_spec: {kwargs: [1]}"),
    ("args.yml", "env_spec: {max_episode_steps: x}"), ("args.yml", "env_spec: {kwargs: {x: 1}}"),
])  # fmt: skip
def test_odd_settings_beside_a_model_are_one_line(logs, file, line, capsys):
    logs, folder = logs
    path = folder / "CartPole-v1" / file
    path.write_text(path.read_text() + line + "\n")
    cli.main([*ENJOY, "-f", str(logs)])
    assert not (printed := capsys.readouterr().err).startswith("unexpected") and printed.count("\n") <= 1


def test_a_model_that_unpacks_to_much_more_than_it_is_is_refused(logs, capsys):
    logs, folder = logs
    with zipfile.ZipFile(folder / "CartPole-v1.zip") as old, zipfile.ZipFile(folder / "x.zip", "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, b"[" + b"[]," * 30_000_000 + b"[]]" if name == "data" else old.read(name))
    os.replace(folder / "x.zip", folder / "CartPole-v1.zip")
    assert cli.main([*ENJOY, "-f", str(logs)]) == 4
    assert "more than a model of its size has" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------------------- what is said


def test_every_place_that_unpickles_imports_or_evaluates_is_known():
    """A new one is read, entered here, and explained in docs/safe.md."""
    import re

    root = Path(plain.__file__).parents[2]
    risky = re.compile(r"pickle\.loads?\(|torch\.load\(|np\.load\(|yaml\.load\(|\beval\(|\bexec\(|import_module\(|extractall\(|VecNormalize\.load|cls\.load\(|"
                       r"read_parquet|OmegaConf\.load|allow_pickle=True")  # fmt: skip
    found = {(path.relative_to(root).as_posix(), match[0]) for folder in ("benchmarks", "sb3_course") for path in (root / folder).rglob("*.py")
             for match in risky.finditer(re.sub(r"#.*|\.eval\(\)", "", path.read_text(encoding="utf-8")))}  # fmt: skip
    assert found == {
        ("benchmarks/studies/environments.py", "import_module("),  # packages of our own list; wrappers, behind benchmarks.studies.trust
        ("benchmarks/running/models.py", "torch.load("),  # weights_only=True
        ("benchmarks/running/models.py", "cls.load("),  # trusted
        ("benchmarks/running/worker.py", "cls.load("),  # a checkpoint of a run that was stopped, of a class of ours: as data
        ("benchmarks/store/plain.py", "np.load("),  # allow_pickle=False
        ("benchmarks/parity/swapped.py", "import_module("),  # a plugin of pytest's, which its caller names: our own classes, and where the reference's are
        ("benchmarks/studies/hyperparams.py", "import_module("),  # classes of our own list
        ("benchmarks/studies/measured.py", "import_module("),  # our own measures, by a name that MEASURES has
        ("benchmarks/studies/provenance.py", "import_module("),  # of what Gymnasium has registered here
        ("benchmarks/textbook/figure.py", "import_module("),  # our own figures
        ("benchmarks/running/worker.py", "import_module("),  # our own self-check
        ("benchmarks/running/launchers.py", "import_module("),  # our own crews, by a name that CREWS has
        ("benchmarks/running/serving.py", "import_module("),  # our own worker: a study's launcher cannot name another
        ("benchmarks/studies/study.py", "OmegaConf.load"),  # our own settings
        ("sb3_course/cli.py", "import_module("),  # our own commands
        ("sb3_course/commands/export.py", "cls.load("),  # a model's file, as data unless it is trusted
        ("sb3_course/commands/train.py", "cls.load("),  # a checkpoint of ours, as data: it is not trusted
        ("sb3_course/teaching/answers.py", "exec("),  # a learner's own file, in a process of its own
        ("sb3_course/teaching/checks.py", "eval("),  # expressions of our own checks
        ("sb3_course/m08_policy_gradients/exercises/line_search/check.py", "eval("),  # the same
        ("sb3_course/teaching/course.py", "yaml.load("),  # our own files, by the safe loader
        ("sb3_course/teaching/notebooks.py", "exec("),  # our own page, the starter
    }
