"""Studies in object stores and on other machines, through fsspec: s3://bucket/prefix, gs://…, file:///mnt/share/…, memory://….

    URL/study.yaml                    the resolved study, as in a store's folder
    URL/runs/<run id>.zip             a finished run: the files of its folder, sealed as there, none of them packed
    URL/runs/<run id>.failed.zip      one that has failed; it counts only as long as no finished one is there

An object store renames nothing, and shows every file as soon as it is there. So a run is one object, which such stores write whole or not at all: it is
there or it is not, and two who deliver the same run cannot mix their files. Runs are trained in a folder of this machine (`benchmarks.store.store`) and
delivered as they finish; what is read is fetched into a folder first. Nothing of an object is believed before its seal was checked, as of a stranger's
folder: one that is cut or changed is said, counts as missing, and gives way to the next delivery of its run.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
import threading
import time
import uuid
import zipfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from benchmarks import HarnessError, IncompleteData, IntegrityError, UserError, first_line
from benchmarks.store.files import write_whole
from benchmarks.store.plain import MOST_TEXT, is_name, one_line
from benchmarks.store.store import Store

URL = re.compile(r"([a-z][a-z0-9+.-]*)://.+")
ATTEMPTS, FIRST_WAIT = 4, 1.0  # of a call that fails, and seconds before the second; each wait is twice the one before
PERIOD = 5.0  # seconds between two looks at what has finished
FINISHED, FAILED = ".zip", ".failed.zip"
OBJECTS = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oci", "oss", "memory"}  # whose objects appear whole
MOST_FILES = 100  # of a run
SURE = (FileNotFoundError, FileExistsError, PermissionError, NotADirectoryError, IsADirectoryError, NotImplementedError)  # the same however often
T = TypeVar("T")


def is_remote(name: str) -> bool:
    """Whether a study is named by a URL."""
    return URL.fullmatch(name) is not None


def cache() -> Path:
    """The folder in which what was fetched is kept."""
    given = os.environ.get("SB3_COURSE_FETCHED")
    return Path(given).expanduser() if given else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "sb3-course" / "fetched"


def fetched(url: str) -> Store:
    """The study at a URL, in a folder of this machine: runs that have not been fetched yet are. Those whose objects are damaged are corrupt runs.

    UserError where there is no study, or the URL cannot be read; IntegrityError where it is not one.
    """
    remote = Remote(url)
    store = Store(cache() / hashlib.sha256(remote.url.encode()).hexdigest()[:16] / remote.name)
    text = remote.study()
    if text is None:
        raise UserError(f"{url} holds no study (no study.yaml): sb3-course compare … --store {url} makes one")
    store.runs_path.mkdir(parents=True, exist_ok=True)
    write_whole(store.path / "study.yaml", text)
    _, store.damaged = remote.fetch(store)
    for gone in {path.name for path in store.runs_path.iterdir() if is_name(path.name)} - remote.states.keys():
        shutil.rmtree(store.runs_path / gone)  # the URL is the truth, its copy is not
    return store


@dataclass
class Remote:
    """A study at a URL. states: what of each run was found there at the last look, "finished" or "failed"; those that are damaged are left out."""

    url: str
    states: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found = URL.fullmatch(self.url)
        if found is None or "::" in self.url:
            raise UserError(f"{self.url} is no URL of a store: s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or file:///PATH is one")
        try:
            import fsspec

            self.fs, self.root = fsspec.core.url_to_fs(self.url.rstrip("/"))
        except ImportError as error:
            said = one_line(first_line(error))[:120]
            raise UserError(f"{found[1]}:// needs a package that is not here: {said} (docs/scale.md says in which version)") from None
        except ValueError as error:
            raise UserError(f"{self.url}: {one_line(str(error))[:200]}") from None

    @property
    def name(self) -> str:
        """For a folder: the last part of the URL."""
        last = self.root.rstrip("/").rpartition("/")[2]
        return last if is_name(last) else "study"

    # --- what is there

    def study(self) -> bytes | None:
        """study.yaml; None where there is none."""
        path = f"{self.root}/study.yaml"
        try:
            size = self._persistently(lambda: self.fs.info(path)["size"], "read study.yaml")
            if size > MOST_TEXT:
                raise IntegrityError(f"{self.url}/study.yaml has {size:,} bytes, more than the {MOST_TEXT:,} that are read")
            return self._persistently(lambda: self.fs.cat_file(path), "read study.yaml")
        except FileNotFoundError:
            return None

    def look(self) -> dict[str, dict[str, Any]]:
        """What the listing says of each run's object; a finished one before a failed one."""
        try:
            self.fs.invalidate_cache()
            listed = self._persistently(lambda: self.fs.ls(f"{self.root}/runs", detail=True), "list the runs")
        except FileNotFoundError:
            listed = []
        found: dict[str, dict[str, Any]] = {}
        self.states = {}
        for entry in sorted(listed, key=lambda entry: entry["name"].endswith(FAILED)):
            name = entry["name"].rstrip("/").rpartition("/")[2]
            suffix, state = (FAILED, "failed") if name.endswith(FAILED) else (FINISHED, "finished")
            run_id = name.removesuffix(suffix)
            if entry["type"] == "file" and name.endswith(suffix) and is_name(run_id) and run_id not in found:
                found[run_id], self.states[run_id] = entry, state
        return found

    def fetch(self, store: Store, planned: Collection[str] | None = None) -> tuple[int, dict[str, str]]:
        """Bring runs here that a store has not, or has as they were before: how many that were, and what is wrong with the damaged ones.

        planned: of a store that trains, its runs; no others are brought, and none in the place of one that has finished here. Of those, objects that were
        not delivered from here as they are now are read to see that they are whole: a damaged one is delivered anew.
        """
        n, damaged = 0, {}
        for run_id, entry in self.look().items():
            if planned is not None and run_id not in planned:
                continue
            mark, version = _mark(store, run_id), f"{self.states[run_id]} {_version(entry)}"
            here, is_known = _state(store, run_id), mark.is_file() and mark.read_text(encoding="utf-8") == version
            is_ours = here == "finished" and planned is not None
            if (here in ("finished", "failed") and is_known) or (is_ours and self.states[run_id] == "failed"):
                continue
            try:
                if is_ours:
                    self._check(run_id, entry)
                else:
                    self._bring(store, run_id, entry)
            except IntegrityError as error:
                del self.states[run_id]
                damaged[run_id] = str(error)
                continue
            mark.parent.mkdir(exist_ok=True)
            write_whole(mark, version)
            n += not is_ours
        return n, damaged

    def _bring(self, store: Store, run_id: str, entry: dict[str, Any]) -> None:
        self._got(run_id, entry, lambda packed: store.receive(run_id, lambda directory: _unpack(packed, directory)))

    def _check(self, run_id: str, entry: dict[str, Any]) -> None:
        """IntegrityError if an object is not one that `_pack` writes, or its checksums are wrong."""
        with tempfile.TemporaryDirectory() as place:
            self._got(run_id, entry, lambda packed: _unpack(packed, Path(place)))

    def _got(self, run_id: str, entry: dict[str, Any], use: Callable[[Path], Any]) -> None:
        with tempfile.TemporaryDirectory() as place:
            packed = Path(place) / "run.zip"
            try:
                self._persistently(lambda: self.fs.get_file(entry["name"], str(packed)), f"fetch run {run_id}")
                use(packed)
            except (IntegrityError, FileNotFoundError, zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
                raise IntegrityError(f"{self.url}/runs/{entry['name'].rpartition('/')[2]} is damaged ({first_line(error)[:200]})") from None

    # --- delivery

    def save_study(self, text: bytes) -> None:
        self._put_bytes(f"{self.root}/study.yaml", text, "write study.yaml")

    def deliver(self, store: Store, run_id: str) -> None:
        """Send a run that has finished or failed, unless it is there already: a failure does not take the place of a finished run."""
        state = _state(store, run_id)
        if self.states.get(run_id) in ("finished", state) or state not in ("finished", "failed"):
            return
        target = f"{self.root}/runs/{run_id}{FINISHED if state == 'finished' else FAILED}"
        with tempfile.TemporaryDirectory() as place:
            packed = Path(place) / "run.zip"
            _pack(store.runs_path / run_id, packed)
            self._put(packed, target, f"deliver run {run_id}")
        self.states[run_id] = state
        with suppress(OSError):  # without it the object is read once more
            _mark(store, run_id).parent.mkdir(exist_ok=True)
            write_whole(_mark(store, run_id), f"{state} {_version(self.fs.ls(target, detail=True)[0])}")  # as look() lists it

    def _put(self, source: Path, target: str, what: str) -> None:
        size = source.stat().st_size

        def put() -> None:
            if OBJECTS & set(_protocols(self.fs)):
                self.fs.put_file(str(source), target)
            else:  # it has folders, and shows a file before it is whole
                self.fs.makedirs(target.rpartition("/")[0], exist_ok=True)
                beside = f"{target}.{uuid.uuid4().hex[:8]}.part"
                self.fs.put_file(str(source), beside)
                self.fs.mv(beside, target)
            self.fs.invalidate_cache()
            arrived = self.fs.info(target)["size"]
            if arrived != size:
                raise ConnectionError(f"{arrived:,} of {size:,} bytes arrived")

        try:
            self._persistently(put, what)
        except FileNotFoundError as error:
            raise UserError(f"{self.url}: cannot {what}: there is no such place ({one_line(str(error))[:200]})") from None

    def _put_bytes(self, target: str, data: bytes, what: str) -> None:
        with tempfile.TemporaryDirectory() as place:
            (Path(place) / "data").write_bytes(data)
            self._put(Path(place) / "data", target, what)

    def _persistently(self, call: Callable[[], T], what: str) -> T:
        """The call's result, tried again where a connection may have been lost. FileNotFoundError as it is; UserError or IncompleteData, one line, else."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return call()
            except FileNotFoundError:
                raise
            except SURE as error:
                raise UserError(f"{self.url}: cannot {what}: {one_line(str(error))[:200] or type(error).__name__}") from None
            except HarnessError:
                raise
            except Exception as error:  # each file system has its own kinds
                if attempt == ATTEMPTS:
                    said = one_line(str(error))[:200] or type(error).__name__
                    raise IncompleteData(f"{self.url}: cannot {what}, {ATTEMPTS} times: {said}. What has finished is kept, and the same command goes "
                                         "on") from None  # fmt: skip
                time.sleep(FIRST_WAIT * 2 ** (attempt - 1))
        raise AssertionError("the last attempt returns or raises")


def _protocols(fs: Any) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def _version(entry: dict[str, Any]) -> str:
    """What changes when an object is written anew, as far as its store says."""
    said = [entry.get(key) for key in ("size", "ETag", "etag", "LastModified", "last_modified", "mtime", "created", "generation", "md5Hash")]
    return " ".join(map(str, said))


def _mark(store: Store, run_id: str) -> Path:
    """The file that says as what an object was last seen whole."""
    return store.path / ".fetched" / run_id


def _state(store: Store, run_id: str) -> str:
    """Of a run in a store's folder: finished, failed, corrupt or missing."""
    try:
        return (store.record(run_id) or {}).get("status", "missing")
    except IntegrityError:
        return "corrupt"


# ----------------------------------------------------------------------------------------------------------------- zip files


def _pack(directory: Path, target: Path) -> None:
    """A run's folder as a file, with the same bytes for the same files."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(directory.iterdir()):
            with path.open("rb") as source, archive.open(zipfile.ZipInfo(path.name), "w", force_zip64=True) as member:
                shutil.copyfileobj(source, member, 2**20)


def _unpack(packed: Path, directory: Path) -> None:
    """The files of a run's zip file, which a stranger may have written, into an empty folder. IntegrityError for anything that `_pack` does not write."""
    with zipfile.ZipFile(packed) as archive:
        members = archive.infolist()
        if len(members) > MOST_FILES or len({member.filename for member in members}) < len(members):
            raise IntegrityError(f"{len(members):,} files, where a run has a few, each once")
        if sum(member.file_size for member in members) > packed.stat().st_size:  # nothing in it is packed, so nothing grows
            raise IntegrityError("it unpacks to more than it is")
        for member in members:
            kind = stat.S_IFMT(member.external_attr >> 16)
            if not is_name(member.filename) or member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1 or kind not in (0, stat.S_IFREG):
                raise IntegrityError(f"{one_line(member.filename)[:100]} is no file of a run")
            with archive.open(member) as source, (directory / member.filename).open("xb") as target:
                shutil.copyfileobj(source, target, 2**20)


# ------------------------------------------------------------------------------------------------------------------ delivery


@contextmanager
def delivering(store: Store, url: str, planned: Collection[str], tell: Callable[[str], None]) -> Iterator[None]:
    """Around the training of a study: runs that are at the URL come here first, and those that finish here go there, as they do and at the end.

    planned: the names of the study's runs; tell: what is to be said, a line. IncompleteData where some could not be delivered: they are kept here. If the
    training ends by an error, what has finished is delivered too.
    """
    remote = Remote(url)
    n, damaged = remote.fetch(store, planned)
    for error in damaged.values():
        tell(f"{error}: its run counts as missing, and is delivered anew")
    there = remote.states.keys() & set(planned)
    tell(f"{url}: {len(there)} of {len(planned)} runs are there, {n} of them fetched")
    over, delivery = threading.Event(), _Delivery(remote, store, planned)

    def watch() -> None:
        while not over.wait(PERIOD):
            with suppress(HarnessError, OSError):  # the end of the training tries again, and says so
                delivery.make()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    except BaseException:
        over.set()
        thread.join()
        with suppress(HarnessError):
            delivery.make()
        raise
    over.set()
    thread.join()
    delivery.make()


@dataclass
class _Delivery:
    """What goes from a store to a URL."""

    remote: Remote
    store: Store
    planned: Collection[str]
    study: bytes = b""  # study.yaml as it was sent

    def make(self) -> None:
        """Send the study, and what of its runs has finished or failed since."""
        study = (self.store.path / "study.yaml").read_bytes() if self.store.exists() else b""
        if study != self.study:
            self.remote.save_study(study)
            self.study = study
        for run_id in sorted(self.planned):
            if self.remote.states.get(run_id) != "finished" and (self.store.runs_path / run_id).exists():
                self.remote.deliver(self.store, run_id)
