"""Processes that work for a model while it learns: started, asked, noticed when they die, and never left behind.

A worker is gone when `learn` is over, however it ends: by its budget, by an exception or by Ctrl-C, for it is stopped in a `finally`; and when its parent
is killed, for it watches the parent and leaves by itself. One that was killed is told from one that failed: the first may be replaced, the second raised an
exception that its parent is to see.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import connection
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.vec_env import CloudpickleWrapper, DummyVecEnv, VecEnv

from from_scratch.core.rng import Rng
from from_scratch.core.vec_env import SerialVecEnv, normalizers

PATIENCE = 5.0  # seconds that a worker has to leave before it is killed
REPLACED_AT_MOST = 3  # times in one training, all workers together


class WorkerKilled(RuntimeError):
    """A worker's process is gone without a word."""


class WorkerFailed(RuntimeError):
    """A worker raised an exception, whose traceback is in the message."""


def to_bytes(x: Any) -> bytes:
    """A pickle that holds functions and classes of scripts, too."""
    return pickle.dumps(CloudpickleWrapper(x))


def from_bytes(x: bytes) -> Any:
    return pickle.loads(x).var


def _leave_with(parent: Any) -> None:
    connection.wait([parent.sentinel])
    os._exit(1)


def _run(conn: Any, work: bytes, *shared: Any) -> None:
    """A worker's life: what it is given to do, with one thread of torch's; Ctrl-C is for the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with, args=(multiprocessing.parent_process(),), daemon=True).start()
    torch.set_num_threads(1)
    try:
        task, given = from_bytes(work)
        task(conn, *given, *shared)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent wants no more
    except BaseException:
        conn.send(("failed", traceback.format_exc()))


def context() -> Any:
    """How processes are started, as SB3's SubprocVecEnv does it: never by forking one that has threads."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["from_scratch.core.loops.preload"])  # imported once, not once for each worker
    return found


@contextmanager
def _as_a_parent() -> Iterator[None]:
    """A daemon may have no children, for nobody would end them with it. Workers leave by themselves, so a launcher's daemon may have some."""
    config = multiprocessing.current_process()._config  # type: ignore[attr-defined]
    was = config.get("daemon")
    config["daemon"] = False
    try:
        yield
    finally:
        config["daemon"] = was


class Worker:
    """One process that runs task(conn, *given, *shared), and the parent's end of the pipe to it. What is shared is memory, which cannot be pickled."""

    def __init__(self, name: str, task: Callable, given: Sequence[Any], shared: Sequence[Any] = ()):
        self.name = name
        self.conn, theirs = context().Pipe()
        self.process = context().Process(target=_run, args=(theirs, to_bytes((task, tuple(given))), *shared), name=name, daemon=True)
        with _as_a_parent():
            self.process.start()
        theirs.close()

    def send(self, message: Any) -> None:
        try:
            self.conn.send(message)
        except (BrokenPipeError, ConnectionResetError):
            raise self.death() from None

    def receive(self) -> Any:
        """The next message; WorkerKilled or WorkerFailed if there is none to come."""
        try:
            message = self.conn.recv()
        except (EOFError, ConnectionResetError):
            raise self.death() from None
        if isinstance(message, tuple) and message[0] == "failed":
            raise WorkerFailed(f"{self.name} failed, and training ends with it. It said:\n{message[1]}")
        return message

    def death(self) -> WorkerKilled:
        self.process.join(PATIENCE)
        code = self.process.exitcode
        how = f"by signal {-code}" if code is not None and code < 0 else f"with exit code {code}"
        return WorkerKilled(f"{self.name} (process {self.process.pid}) ended {how}")

    def stop(self) -> None:
        self.conn.close()
        self.process.terminate()
        self.process.join(PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()


# ------------------------------------------------------------------------------------------------------------------ what they are given
def new_seed(base: int, *which: int) -> int:
    """A seed that follows from the model's and from what it is for, below 2³¹, as environments take it."""
    return int(np.random.SeedSequence([base, *which]).generate_state(1)[0] >> 1)


def begin_anew(model: Any, seed: int) -> None:
    """Let a copy of a model draw, and play, by a seed of its own."""
    model._rng = Rng.private([seed], model.action_space)
    model.env.seed(seed)
    model._last_obs = model.env.reset()
    model._last_episode_starts = np.ones(model.env.num_envs, bool)


def lanes_of(model: Any, lanes: slice, argument: str) -> VecEnv:
    """Some of a model's environments, as a vector by themselves, to be sent to another process."""
    env = model.env
    if any(normalizers(env)):
        raise ValueError(f"{type(model).__name__} with {argument} cannot use VecNormalize: every process would have statistics of its own.")
    if lanes == slice(0, env.num_envs):
        return env
    if not isinstance(env, DummyVecEnv):
        name = argument.partition("=")[0]
        raise ValueError(f"{argument} share out environments, and {type(env).__name__} keeps them together: give an id or a function, or {name}=1.")
    part = SerialVecEnv([lambda one=one: one for one in env.envs[lanes]])
    part._seeds, part._options = env._seeds[lanes], env._options[lanes]
    return part


def base_seed(model: Any) -> int:
    """The seed from which workers' follow: the model's, or one drawn now where it has none."""
    given = model.seeds[0] if model.seeds else model.seed
    return int(np.random.SeedSequence().generate_state(1)[0]) if given is None else int(given)
