"""A3C: one worker is A2C; several learn together on shared weights, and none is lost or left behind in silence."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from stable_baselines3.common.callbacks import BaseCallback

from from_scratch import A2C, A3C
from from_scratch.core.loops.asynchronous import Shared, SharedOptimiser
from tests.from_scratch.workers import Broken, Walk, killer

pytestmark = pytest.mark.numerical
GIVEN = {"policy_kwargs": {"net_arch": [8]}, "device": "cpu"}


def a3c(env=Walk, **more):
    return A3C("MlpPolicy", env, **{"seeds": [1], "n_workers": 2, **GIVEN, **more})


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.policy.parameters()])


# ---------------------------------------------------------------------------------------------------------------------- what is learnt
@pytest.mark.parametrize("normalize_advantage", [False, True])
def test_one_worker_is_a2c_to_the_bit(normalize_advantage):
    a2c = A2C("MlpPolicy", Walk, seeds=[1], ent_coef=0.01, normalize_advantage=normalize_advantage, **GIVEN).learn(200, log_interval=None)
    assert torch.equal(weights(a3c(n_workers=1, normalize_advantage=normalize_advantage).learn(200, log_interval=None)), weights(a2c))


@pytest.mark.parametrize("optimizer_class", [torch.optim.RMSprop, torch.optim.Adam, torch.optim.AdamW])
def test_a_worker_through_shared_memory_learns_what_it_learns_without(optimizer_class):
    """Alone at the shared weights and statistics, it finds what it left there."""
    more = {"policy_kwargs": {"net_arch": [8], "optimizer_class": optimizer_class}}
    alone, sharing = (a3c(n_workers=1, **more) for _ in range(2))
    shared, _ = Shared.of(sharing, 1)
    sharing.actor_critic.optimiser = SharedOptimiser(sharing.actor_critic.optimiser, shared)
    for model in (alone, sharing):
        model.learn(200, log_interval=None)
    torch.testing.assert_close(weights(sharing), weights(alone), rtol=0, atol=1e-5)


def test_a_step_is_taken_from_what_others_have_learnt_and_added_to_it():
    """SGD at a rate of 0.1: what another worker has added to the weights meanwhile stays, less 0.1 times the gradient that was found before."""
    model = a3c(n_workers=1, learning_rate=0.1, max_grad_norm=1e9, policy_kwargs={"net_arch": [8], "optimizer_class": torch.optim.SGD})
    shared, _ = Shared.of(model, 1)
    before = weights(model)
    model.actor_critic.rows.set_gradients(np.full_like(model.actor_critic.rows.gradients(), 2.0))
    for x in shared.ours:
        x.add_(1.0)
    SharedOptimiser(model.actor_critic.optimiser, shared).step(model.active)
    torch.testing.assert_close(weights(model), before + 1.0 - 0.1 * 2.0)
    shared.read()
    torch.testing.assert_close(weights(model), before + 1.0 - 0.1 * 2.0)


class Told(BaseCallback):
    def __init__(self):
        super().__init__()
        self.times, self.episodes, self.thetas = [], [], []

    def _on_step(self):
        self.times.append(self.num_timesteps)
        self.episodes += [info["episode"]["r"] for info in self.locals["infos"] if "episode" in info]
        self.thetas.append(weights(self.model).clone())
        return True


def test_callbacks_in_the_parent_are_told_of_every_step_and_see_what_is_learnt():
    model, told = a3c(), Told()
    model.learn(400, callback=told, log_interval=None)
    assert told.times == list(range(1, model.num_timesteps + 1)) and 400 <= model.num_timesteps < 420
    assert len(told.episodes) >= 400 // 8 - 2 and len(model.ep_info_buffer) == len(told.episodes)
    assert not torch.equal(told.thetas[0], told.thetas[-1]) and model._n_updates == model.num_timesteps / 5


def test_what_a_callback_does_to_the_weights_the_workers_have():
    model = a3c(learning_rate=0.0)

    def shift(*_):
        if model.num_timesteps == 3:
            model.policy.value_net.bias.data.fill_(7.0)
        return True

    model.learn(400, callback=shift, log_interval=None)
    assert model.policy.value_net.bias.item() == 7.0


def test_workers_have_what_a_user_has_made_of_the_model():
    """One layer is frozen, another's output counts for nothing: neither has moved, and the others have, in the shared memory and so here."""
    model = a3c()
    first, _, *_ = model.policy.mlp_extractor.policy_net
    first.requires_grad_(False)
    model.policy.value_net.register_forward_hook(silent)
    before = {name: p.detach().clone() for name, p in model.policy.named_parameters()}
    model.learn(60, log_interval=None)
    still = {name for name, p in model.policy.named_parameters() if torch.equal(p, before[name])}
    of_values = {name for name in before if "value_net" in name}
    assert still == {"mlp_extractor.policy_net.0.weight", "mlp_extractor.policy_net.0.bias", *of_values}


def silent(module, x, y):
    return 0 * y


def test_seeds_of_workers_are_noted_saved_and_never_used_twice(tmp_path):
    model = a3c().learn(40, log_interval=None)
    model.learn(40, log_interval=None, reset_num_timesteps=False)
    assert len(set(model.worker_seeds)) == 4 and model.worker_seeds[0] == 1 and model.num_timesteps >= 80
    model.save(tmp_path / "model")
    loaded = A3C.load(tmp_path / "model", env=Walk)
    assert (loaded.worker_seeds, loaded.num_timesteps) == (model.worker_seeds, model.num_timesteps)
    assert torch.equal(weights(loaded), weights(model)) and loaded.predict(np.zeros(1, np.float32), deterministic=True)[0] in (0, 1)
    optimizer = lambda m: [x for state in m.policy.optimizer.state.values() for x in state.values()]
    assert all(map(torch.equal, optimizer(loaded), optimizer(model))) and optimizer(model)[0] == model._n_updates


def test_a_callback_that_returns_false_stops_everybody_and_what_they_played_is_counted():
    model = a3c()
    model.learn(100_000, callback=lambda *_: False, log_interval=None)
    assert 5 <= model.num_timesteps < 50_000 and model.num_timesteps % 5 == 0 and not multiprocessing.active_children()


# ------------------------------------------------------------------------------------------------------------------ what may go wrong
def test_a_worker_that_is_killed_is_replaced_and_it_is_said():
    model = a3c()
    with pytest.warns(RuntimeWarning, match=r"Worker \d of A3C \(process \d+\) ended by signal 9: another one begins anew in its place"):
        model.learn(4000, callback=killer(at=20), log_interval=None)
    assert model.num_timesteps >= 4000 and len(model.worker_seeds) == 3 and not multiprocessing.active_children()


@pytest.mark.filterwarnings("ignore:Worker:RuntimeWarning")
def test_where_workers_are_killed_again_and_again_training_ends_with_an_error():
    with pytest.raises(RuntimeError, match="the 4th that was lost in this training: something kills them"):
        a3c().learn(10**7, callback=killer(at=20, times=10**6), log_interval=None)
    assert not multiprocessing.active_children()


def test_a_worker_that_fails_ends_training_with_what_it_said_and_what_was_learnt_stays():
    model = a3c(lambda: Broken(at=200))
    before = weights(model)
    with pytest.raises(RuntimeError, match=r"(?s)Worker \d of A3C failed, and training ends with it.*ValueError: the motor is broken"):
        model.learn(4000, log_interval=None)
    assert not multiprocessing.active_children() and not torch.equal(weights(model), before)


@pytest.mark.parametrize("how", ["an exception", "Ctrl-C"])
@pytest.mark.usefixtures("ctrl_c")
def test_no_worker_is_left_after(how):
    model, there = a3c(), []

    def stop(*_):
        there.append(len(multiprocessing.active_children()))
        if how == "Ctrl-C":
            signal.raise_signal(signal.SIGINT)  # to this thread: the process has others
        raise ZeroDivisionError

    with pytest.raises(KeyboardInterrupt if how == "Ctrl-C" else ZeroDivisionError):
        model.learn(100_000, callback=stop, log_interval=None)
    assert there == [2] and not multiprocessing.active_children()


SCRIPT = """
import multiprocessing
from tests.from_scratch.test_a3c import a3c
from tests.from_scratch.workers import Stuck

if __name__ == "__main__":
    tell = lambda *_: tell.told or (print(*(child.pid for child in multiprocessing.active_children()), flush=True), setattr(tell, "told", True)) or True
    tell.told = False
    a3c(lambda: Stuck(at=50)).learn(10**8, callback=tell, log_interval=None)
"""


def is_there(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="looks processes up in /proc")
@pytest.mark.parametrize("how", ["SIGKILL", pytest.param("SIGINT", marks=pytest.mark.slow)])
def test_workers_leave_when_their_parent_is_ended_by(how, tmp_path):
    """SIGKILL for the parent alone; SIGINT for the whole group, as a terminal sends it. The workers are in a step that takes minutes."""
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parent = subprocess.Popen(
        [sys.executable, tmp_path / "script.py"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=root, env={**os.environ, "PYTHONPATH": root},
        start_new_session=True,
    )  # fmt: skip
    workers = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(workers) == 2 and all(map(is_there, workers))
    os.kill(parent.pid, signal.SIGKILL) if how == "SIGKILL" else os.killpg(parent.pid, signal.SIGINT)
    assert parent.wait(30) != 0
    until = time.monotonic() + 20
    while any(map(is_there, workers)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(is_there, workers))


def test_no_workers_at_all_are_refused():
    with pytest.raises(ValueError, match="n_workers=0: give a whole number from 1 on"):
        a3c(n_workers=0)


def test_statistics_of_a_vec_normalize_cannot_be_shared_and_that_is_said():
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.vec_env import VecNormalize

    with pytest.raises(ValueError, match="A3C with n_workers=2 cannot use VecNormalize: every process would have statistics of its own"):
        a3c(VecNormalize(make_vec_env(Walk, 1))).learn(40, log_interval=None)


@pytest.mark.slow
def test_two_workers_learn_to_hold_the_pole():
    model = A3C("MlpPolicy", "CartPole-v1", seeds=[1], n_workers=2, device="cpu", n_steps=10).learn(100_000, log_interval=None)
    assert np.mean([episode["r"] for episode in model.ep_info_buffer]) > 100
