"""Studies in object stores: runs are delivered whole and fetched checked, whatever becomes of a connection, an object or another driver."""

import zipfile

import fsspec
import pytest

from benchmarks import IncompleteData, IntegrityError, UserError
from benchmarks.evidence.records import IncompleteStudy
from benchmarks.report import page
from benchmarks.speed import store as many
from benchmarks.store import remote
from benchmarks.store.remote import Remote, delivering, fetched
from benchmarks.store.store import Store, open_study
from sb3_course import cli

URL = "memory://bucket/study"


@pytest.fixture(autouse=True)
def bucket(tmp_path, monkeypatch):
    """An empty object store, and an empty folder for what is fetched; nobody waits between two attempts."""
    monkeypatch.setenv("SB3_COURSE_FETCHED", str(tmp_path / "fetched"))
    monkeypatch.setattr(remote, "FIRST_WAIT", 0.0)
    fs = fsspec.filesystem("memory")
    fs.store.clear()
    yield fs
    fs.store.clear()


@pytest.fixture(scope="module")
def study():
    return many.asked(20, points=2, episodes=2)


def planned(store):
    return {run.id: run for _, run in store.planned()}


def at(place, study, n=0):
    """A store in which the first n runs have finished."""
    store = Store(place)
    store.save_study(study)
    for run in list(planned(store).values())[:n]:
        many.finish(run, store)
    return store


def deliver(store, url=URL, meanwhile=lambda: None):
    said = []
    with delivering(store, url, planned(store), said.append):
        meanwhile()
    return said


def truncate(fs, path):
    fs.pipe_file(path, fs.cat_file(path)[:-100])


@pytest.mark.parametrize("scheme", ["memory", "file"])
def test_what_has_finished_is_delivered_and_read_elsewhere(tmp_path, study, scheme):
    url = URL if scheme == "memory" else f"file://{tmp_path}/shared/study"
    here = at(tmp_path / "here", study)
    deliver(here, url, lambda: [many.finish(run, here) for run in planned(here).values()])
    there = open_study(url)
    assert there.path != here.path and there.runs()["status"].tolist() == ["finished"] * 20
    assert there.curves().equals(here.curves()) and there.training().equals(here.training())
    if scheme == "file":
        assert len(list((tmp_path / "shared" / "study" / "runs").iterdir())) == 20  # nothing half written beside them


def test_a_second_driver_makes_what_is_missing_and_no_run_twice(tmp_path, study, bucket):
    one, other = at(tmp_path / "one", study, 5), at(tmp_path / "other", study)
    assert deliver(one) == [f"{URL}: 0 of 20 runs are there, 0 of them fetched"]
    kept = {name: bucket.cat_file(name) for name in bucket.ls("/bucket/study/runs", detail=False)}
    made = []

    def rest():
        for run in planned(other).values():
            if other.status(run)[0] == "missing":
                made.append(run.id)
                many.finish(run, other)

    assert deliver(other, meanwhile=rest) == [f"{URL}: 5 of 20 runs are there, 5 of them fetched"]
    assert len(made) == 15 and len(bucket.ls("/bucket/study/runs")) == 20
    assert all(bucket.cat_file(name) == data for name, data in kept.items())


def test_two_drivers_that_make_the_same_run_leave_one_of_the_two_whole(tmp_path, study, bucket):
    one, other = at(tmp_path / "one", study, 1), at(tmp_path / "other", study, 1)  # their seconds differ, and so do their seals
    deliver(one, meanwhile=lambda: deliver(other))
    assert len(bucket.ls("/bucket/study/runs")) == 1
    assert fetched(URL).runs()["status"].value_counts().to_dict() == {"missing": 19, "finished": 1}


def test_a_delivery_that_is_cut_off_shows_no_run_and_the_next_one_goes_on(tmp_path, study, bucket, monkeypatch):
    here = at(tmp_path / "here", study, 3)
    put, sent = type(bucket).put_file, []

    def cut(self, source, target, **how):
        if target.endswith(".zip") and len(sent) == 1:
            raise KeyboardInterrupt
        sent.append(target)
        put(self, source, target, **how)

    with monkeypatch.context() as patch:
        patch.setattr(type(bucket), "put_file", lambda self, source, target, **how: cut(self, source, target, **how) if target.endswith(".zip")
                      else put(self, source, target, **how))  # fmt: skip
        with pytest.raises(KeyboardInterrupt):
            deliver(here)
    assert fetched(URL).runs()["status"].value_counts().to_dict() == {"missing": 19, "finished": 1}
    deliver(here)
    assert fetched(URL).runs()["status"].value_counts().to_dict() == {"missing": 17, "finished": 3}


def test_a_truncated_object_is_a_corrupt_run_and_gives_way_to_the_next_delivery(tmp_path, study, bucket):
    here = at(tmp_path / "here", study, 20)
    deliver(here)
    fetched(URL)
    victim = bucket.ls("/bucket/study/runs", detail=False)[0]
    truncate(bucket, victim)
    there = fetched(URL)
    assert there.runs()["status"].value_counts().to_dict() == {"finished": 19, "corrupt": 1}
    (damage,) = there.damaged.values()
    assert damage.startswith(f"{URL}/runs/{victim.rpartition('/')[2]} is damaged (") and "\n" not in damage
    with pytest.raises(IncompleteStudy, match="1 corrupt"):
        page.build(there)
    elsewhere = at(tmp_path / "elsewhere", study)
    said = deliver(elsewhere, meanwhile=lambda: [many.finish(run, elsewhere) for run in planned(elsewhere).values() if elsewhere.status(run)[0] == "missing"])
    assert said == [f"{damage}: its run counts as missing, and is delivered anew", f"{URL}: 19 of 20 runs are there, 19 of them fetched"]
    assert fetched(URL).runs()["status"].tolist() == ["finished"] * 20


def test_a_truncated_object_is_delivered_anew_by_the_driver_that_has_its_run_whole(tmp_path, study, bucket, monkeypatch):
    here = at(tmp_path / "here", study, 20)
    deliver(here)
    got, get = [], type(bucket).get_file
    monkeypatch.setattr(type(bucket), "get_file", lambda self, source, target, **how: got.append(source) or get(self, source, target, **how))
    deliver(here)
    assert got == []  # what it has delivered is not read
    victim = bucket.ls("/bucket/study/runs", detail=False)[0]
    truncate(bucket, victim)
    said = deliver(here)
    assert got == [victim] and "is damaged" in said[0] and said[1] == f"{URL}: 19 of 20 runs are there, 0 of them fetched"
    assert fetched(URL).runs()["status"].tolist() == ["finished"] * 20


def test_an_object_with_other_rows_than_were_sealed_is_damaged(tmp_path, study, bucket):
    here = at(tmp_path / "here", study, 2)
    deliver(here)
    one, other = bucket.ls("/bucket/study/runs", detail=False)
    bucket.pipe_file(one, bucket.cat_file(other))  # another run's, whole and sealed
    assert "is of another run" in next(iter(fetched(URL).damaged.values()))


def test_a_zip_file_of_a_stranger_writes_nothing_outside_its_folder(tmp_path, study, bucket):
    here = at(tmp_path / "here", study, 1)
    deliver(here)
    (victim,) = bucket.ls("/bucket/study/runs", detail=False)
    for name, packing in (("../../evil", zipfile.ZIP_STORED), ("run.json", zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(tmp_path / "evil.zip", "w", packing) as archive:
            archive.writestr(name, "0" * 1000)
        bucket.put_file(str(tmp_path / "evil.zip"), victim)
        there = fetched(URL)
        assert "is no file of a run" in next(iter(there.damaged.values())) or "unpacks to more" in next(iter(there.damaged.values()))
        assert not list(tmp_path.rglob("evil"))


def test_a_connection_that_comes_back_is_not_noticed(tmp_path, study, bucket, monkeypatch):
    here, put, failed = at(tmp_path / "here", study, 4), type(bucket).put_file, []

    def sometimes(self, source, target, **how):
        if target not in failed:
            failed.append(target)
            put(self, source, target, **how)
            self.pipe_file(target, self.cat_file(target)[:10])  # it breaks off half way
            if len(failed) % 2:
                raise TimeoutError("the connection timed out")
            return
        put(self, source, target, **how)

    monkeypatch.setattr(type(bucket), "put_file", sometimes)
    deliver(here)
    assert len(failed) == 5 and fetched(URL).runs()["status"].value_counts().to_dict() == {"missing": 16, "finished": 4}


def test_a_connection_that_stays_away_ends_in_one_line_and_keeps_what_has_finished(tmp_path, study, bucket, monkeypatch):
    here = at(tmp_path / "here", study, 2)

    def lost(self, *arguments, **how):
        raise ConnectionError("the network is\nunreachable")

    with monkeypatch.context() as patch:
        patch.setattr(type(bucket), "put_file", lost)
        with pytest.raises(IncompleteData) as error:
            deliver(here)
        assert str(error.value) == (f"{URL}: cannot write study.yaml, 4 times: the network is unreachable. What has finished is kept, "
                                    "and the same command goes on")  # fmt: skip
    deliver(here)
    assert fetched(URL).runs()["status"].value_counts().to_dict() == {"missing": 18, "finished": 2}


def test_a_failed_run_is_a_row_there_too_until_one_finishes(tmp_path, study):
    here, elsewhere = at(tmp_path / "here", study), at(tmp_path / "elsewhere", study)
    run = next(iter(planned(here).values()))
    here.fail(run, "ValueError: no")
    deliver(here)
    assert fetched(URL).status(run)[0] == "failed"
    many.finish(run, elsewhere)
    with delivering(elsewhere, URL, planned(elsewhere), lambda line: None):
        pass
    assert fetched(URL).status(run)[0] == "finished"
    deliver(here)  # which fetches it
    assert here.status(run)[0] == "finished" and fetched(URL).status(run)[0] == "finished"


def test_an_error_in_the_training_delivers_what_has_finished(tmp_path, study):
    here = at(tmp_path / "here", study)

    def train():
        many.finish(next(iter(planned(here).values())), here)
        raise RuntimeError("no more room")

    with pytest.raises(RuntimeError, match="no more room"):
        deliver(here, meanwhile=train)
    assert (fetched(URL).runs()["status"] == "finished").sum() == 1


def test_what_is_gone_at_the_url_is_gone_from_its_copy(tmp_path, study, bucket):
    deliver(at(tmp_path / "here", study, 3))
    fetched(URL)
    bucket.rm_file(bucket.ls("/bucket/study/runs", detail=False)[0])
    assert (fetched(URL).runs()["status"] == "finished").sum() == 2


def test_only_what_is_new_is_fetched_again(tmp_path, study, bucket, monkeypatch):
    here = at(tmp_path / "here", study, 3)
    deliver(here)
    fetched(URL)
    many.finish(list(planned(here).values())[3], here)
    deliver(here)
    got, get = [], type(bucket).get_file
    monkeypatch.setattr(type(bucket), "get_file", lambda self, source, target, **how: got.append(source) or get(self, source, target, **how))
    assert (fetched(URL).runs()["status"] == "finished").sum() == 4 and len(got) == 1


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("memory://nothing/here", "memory://nothing/here holds no study (no study.yaml)"),
        ("nosuch://bucket/study", "nosuch://bucket/study: "),
        ("simplecache::memory://bucket/study", "is no URL of a store"),
    ],
)
def test_a_url_without_a_study_is_one_line(url, said):
    with pytest.raises((UserError, IntegrityError)) as error:
        Remote(url) if "::" in url else open_study(url)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_store_whose_package_is_absent_names_it(monkeypatch):
    def absent(url):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", absent)
    with pytest.raises(UserError, match="s3:// needs a package that is not here: Install s3fs to access S3"):
        Remote("s3://bucket/study")


def test_the_command_line_trains_here_delivers_there_and_reads_it_from_elsewhere(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sb3_course.commands.compare.render", lambda *arguments, **how: 0)  # a report takes longer than the rest
    words = ["compare", "--algos", "random", "--envs", "FrozenLake-v1", "--seeds", "2", "-n", "20", "--launcher", "inprocess", "keep_models=false",
             "protocol.eval_points=2", "--allow-partial", "--store", URL]  # fmt: skip
    assert cli.main([*words, "--out", str(tmp_path / "one")]) == 0
    assert f"{URL}: 0 of 2 runs are there, 0 of them fetched" in capsys.readouterr().out
    assert cli.main(["status", URL]) == 0
    assert cli.main(["query", "SELECT count(*) AS n FROM curve", URL]) == 0
    assert cli.main(["compact", URL, str(tmp_path / "small")]) == 0
    assert cli.main(["reproduce", URL, "--level", "1"]) == 0
    assert cli.main(["archive", URL, str(tmp_path / "study.tar.gz")]) == 3
    assert "has no report yet: sb3-course report" in capsys.readouterr().err
    assert cli.main(["compare", "--algos", "random", "--envs", "FrozenLake-v1", "--out", "s3://bucket/study"]) == 2
    assert "--store s3://bucket/study delivers them" in capsys.readouterr().err
