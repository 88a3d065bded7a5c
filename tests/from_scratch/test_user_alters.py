"""A model belongs to its user: whatever is done to one that was built, before or while it learns, has the effect that it has in Stable-Baselines3."""

import copy
import inspect
import weakref
from functools import cache, partial

import pytest
import sb3_contrib
import stable_baselines3 as sb3
import torch
from gymnasium import spaces
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from sb3_contrib.common.torch_layers import BatchRenorm1d
from stable_baselines3.common.callbacks import BaseCallback, CheckpointCallback
from stable_baselines3.common.distributions import DiagGaussianDistribution
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import TrainFreq, TrainFrequencyUnit
from torch import nn

import from_scratch as ours
from benchmarks.parity.cases import VECTOR
from benchmarks.parity.envs import MaskedSpaces
from from_scratch import registry
from from_scratch.core.lockstep.programs import ArrayRows
from from_scratch.core.loops.natural import NaturalSteps
from from_scratch.core.watch import Watch, altered, has_own_code, patched

MEMORY = {"learning_starts": 20, "buffer_size": 500, "batch_size": 16, "policy_kwargs": {"net_arch": [16, 16]}}
RUNS = {  # name: class, environment, arguments
    "PPO": ("PPO", "CartPole-v1", {"n_steps": 32, "batch_size": 16, "n_epochs": 2}),
    "PPO, Box": ("PPO", "Pendulum-v1", {"n_steps": 32, "batch_size": 16, "n_epochs": 2}),
    "A2C": ("A2C", "CartPole-v1", {}),
    "MaskablePPO": ("MaskablePPO", partial(MaskedSpaces, VECTOR, spaces.Discrete(5)), {"n_steps": 32, "batch_size": 16, "n_epochs": 2}),
    "DQN": ("DQN", "CartPole-v1", {**MEMORY, "train_freq": 2, "target_update_interval": 8, "exploration_fraction": 0.5}),
    "TD3": ("TD3", "Pendulum-v1", MEMORY),
    "DDPG": ("DDPG", "Pendulum-v1", MEMORY),
    "SAC": ("SAC", "Pendulum-v1", MEMORY),
    "QRDQN": ("QRDQN", "CartPole-v1", {**MEMORY, "train_freq": 2, "target_update_interval": 8, "exploration_fraction": 0.5,
                                       "policy_kwargs": {"net_arch": [16, 16], "n_quantiles": 5}}),
    "TQC": ("TQC", "Pendulum-v1", {**MEMORY, "policy_kwargs": {"net_arch": [16, 16], "n_quantiles": 5}}),
    "TRPO": ("TRPO", "CartPole-v1", {"n_steps": 32, "batch_size": 16, "n_critic_updates": 2, "cg_max_steps": 3}),
    "IMPALA": ("IMPALA", "CartPole-v1", {"n_steps": 5, "ent_coef": 0.01}),  # without lag: A2C
    "RecurrentPPO": ("RecurrentPPO", "CartPole-v1", {"policy": "MlpLstmPolicy", "n_steps": 32, "batch_size": 16, "n_epochs": 2, "learning_rate": 2e-3,
                                                     "policy_kwargs": {"net_arch": [16, 16], "lstm_hidden_size": 8}}),
    "CrossQ": ("CrossQ", "Pendulum-v1", {**MEMORY, "train_freq": 2, "policy_kwargs": {"net_arch": [16, 16], "renorm_warmup_steps": 10}}),
}  # fmt: skip
ON, OFF = (["PPO", "PPO, Box", "A2C", "MaskablePPO", "IMPALA", "RecurrentPPO", "TRPO"], ["DQN", "TD3", "DDPG", "SAC", "QRDQN", "TQC", "CrossQ"])
ALL = ON + OFF


def that(names, what):
    return [name for name in names if what(getattr(ours, RUNS[name][0]))]


def each(cases, at=None):
    """Cases for parametrize: each is a name, or has one at that place. All are tried over SB3's own classes, and with make test-all over the others, whose
    loops and networks are these with something more: `test_alterations_one_after_the_other` has them in every run of the tests.
    """
    marks = {True: [], False: [pytest.mark.slow]}
    return [pytest.param(*([case] if at is None else case), marks=marks[case in SB3S if at is None else case[at] in SB3S]) for case in cases]


def over(names):
    return pytest.mark.parametrize("name", each(names))


SB3S = [name for name in ALL if hasattr(sb3, RUNS[name][0])]


NATURAL = that(ON, lambda cls: issubclass(cls, NaturalSteps))  # the policy goes by hand, and the optimizer's steps are of V
BY_GRADIENT = that(ON, lambda cls: not issubclass(cls, NaturalSteps))
CONTINUOUS = that(OFF, lambda cls: cls.supported_action_spaces == (spaces.Box,))
FOLLOWED = that(OFF, lambda cls: "tau" in inspect.signature(cls).parameters)  # by target networks


class At(BaseCallback):
    """Does something to the model after its n-th step, in the middle of a rollout, or after every step from then on."""

    def __init__(self, do, n=45, every=False):
        super().__init__()
        self.do, self.n, self.every = do, n, every

    def _on_step(self):
        if self.n_calls == self.n or (self.every and self.n_calls > self.n):
            self.do(self.model)
        return True


def make(name, library=ours, **more):
    kind, env, kwargs = RUNS[name]
    env = env if isinstance(env, str) or "seeds" in more else env()
    seed = {} if "seeds" in more else {"seed": 1}
    return library_of(kind, library)(env=env, **{"policy": "MlpPolicy", "device": "cpu", **copy.deepcopy(kwargs), **seed, **more})


def weights(model, policy=None):
    return torch.cat([p.detach().double().flatten() for p in (policy or model.policy).parameters()])


def run(name, library, before=None, during=None, steps=96, every=False, **more):
    model = make(name, library, **more)
    if before is not None:
        before(model)
    return model.learn(steps, callback=None if during is None else At(during, every=every))


@cache
def unaltered(name, steps=96):
    return weights(run(name, ours, steps=steps))


def obeys(name, alter, when, differs=True, steps=96, every=False, **more):
    """The altered run follows SB3's, and is another than the unaltered one."""
    mine, theirs = (run(name, library, **{when: alter}, steps=steps, every=every, **more) for library in (ours, sb3))
    assert weights(mine).shape == weights(theirs).shape
    assert (weights(mine) - weights(theirs)).abs().max() < 1e-6
    plain = unaltered(name, steps)
    same = weights(mine).shape == plain.shape and (weights(mine) - plain).abs().max() < 1e-6
    assert differs is None or same != differs
    return mine, theirs


ACTS = {"DQN": "q_net", "QRDQN": "quantile_net"}  # the network that acts and is trained, where there is no actor


class ContribsTRPO(sb3_contrib.TRPO):
    """It raises a RuntimeError where a parameter of the policy is frozen, as it asks for all their gradients. Here it does not ask for those."""

    def _compute_actor_grad(self, *losses):
        named = list(self.policy.named_parameters())
        self.policy.named_parameters = lambda: ((name, p) for name, p in named if p.requires_grad)
        found = super()._compute_actor_grad(*losses)
        del self.policy.named_parameters
        return found


def library_of(name, library):
    """The class in this library, or in SB3's, where it may be SB3-Contrib's, or go by another name."""
    known = {"TRPO": ContribsTRPO, "IMPALA": sb3.A2C} if library is sb3 else {}
    return known.get(name) or getattr(library, name, None) or getattr(sb3_contrib, name)


def of_values(policy, target=False):
    """The layers of a policy without an actor; None where there is one."""
    part = next((part for part in ACTS.values() if hasattr(policy, part)), None)
    return part and getattr(getattr(policy, f"{part}_target" if target else part), part)


class Unnormalised:
    """The layers of a network but for those that normalise: 0 is the first linear one, 1 its activation …"""

    def __init__(self, network):
        self.network, self.at = network, [i for i, layer in enumerate(network) if not isinstance(layer, BatchRenorm1d)]

    def __getitem__(self, i):
        return self.network[self.at[i]]

    def __setitem__(self, i, layer):
        self.network[self.at[i]] = layer
        if isinstance(layer, nn.Linear) and len(self.at) < len(self.network):
            for place, width in ((self.at[i] - 1, layer.in_features), (self.at[i] + 2, layer.out_features)):
                if self.network[place].num_features != width:
                    self.network[place] = BatchRenorm1d(width)


def body(model):
    """The network that acts, without its head where that is apart."""
    return Unnormalised(all_of_body(model))


def trained_by_optimizer(model):
    """The same, or that of V where the optimizer's steps are of V alone."""
    return model.policy.mlp_extractor.value_net if isinstance(model, NaturalSteps | sb3_contrib.TRPO) else body(model)


def all_of_body(model):
    policy = model.policy
    if hasattr(policy, "mlp_extractor"):
        return policy.mlp_extractor.policy_net
    if of_values(policy):
        return of_values(policy)
    return policy.actor.mu if isinstance(policy.actor.mu, nn.Sequential) else policy.actor.latent_pi


def optimizers(model):
    policy = model.policy
    return [policy.optimizer] if hasattr(policy, "optimizer") and policy.optimizer is not None else [policy.actor.optimizer, policy.critic.optimizer]


WHENS = pytest.mark.parametrize("when", ["before", "during"])


# ------------------------------------------------------------------------------------------------------------- B1: frozen parameters
def freeze(model, on=False):
    for p in body(model)[0].parameters():
        p.requires_grad_(on)


@WHENS
@over(ALL)
def test_frozen_parameters_do_not_move(name, when):
    kept = []

    def alter(model):
        freeze(model)
        kept.append(body(model)[0].weight.detach().clone())

    mine, _ = obeys(name, alter, when)
    assert torch.equal(body(mine)[0].weight, kept[0])


@over(ALL)
def test_parameters_that_thaw_go_on_with_the_counters_of_their_own(name):
    def alter(model):
        model.since = getattr(model, "since", 0) + 1
        if model.since in (1, 25):
            freeze(model, on=model.since == 25)

    obeys(name, alter, "during", steps=128, every=True)


# ------------------------------------------------------------------------------------------------------------------------ B2: layers
def another_activation(model):
    body(model)[1] = nn.LeakyReLU()


def wrapped(model):
    body(model)[0] = nn.Sequential(body(model)[0], nn.Dropout(0.3))


def exchanged(model):
    torch.manual_seed(7)
    body(model)[0] = nn.Linear(body(model)[0].in_features, body(model)[0].out_features)


def wider_with_a_new_optimizer(model):
    torch.manual_seed(4)
    layers, policy = body(model), model.policy
    layers[0], layers[2] = nn.Linear(layers[0].in_features, 48), nn.Linear(48, layers[2].out_features)
    follower = of_values(policy, target=True) or getattr(getattr(policy, "actor_target", None), "mu", None)
    if follower is not None:
        follower[0], follower[2] = copy.deepcopy(layers[0]), copy.deepcopy(layers[2])
    owner, trained = (policy.actor, policy.actor) if hasattr(policy, "actor") else (policy, of_values(policy) or policy)
    owner.optimizer = torch.optim.Adam(trained.parameters(), lr=1e-3)


class Extractor(nn.Module):
    features_dim = 4

    def __init__(self):
        super().__init__()
        torch.manual_seed(5)
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return torch.tanh(self.layer(x.flatten(1)))


@WHENS
@over(ALL)
@pytest.mark.parametrize("alter", [another_activation, wrapped, exchanged, wider_with_a_new_optimizer])
def test_an_exchanged_layer_is_played_and_trained(name, alter, when):
    obeys(name, alter, when)


@WHENS
@over(CONTINUOUS)
def test_a_pretrained_mu_is_played_and_trained(name, when):
    def alter(model):
        torch.manual_seed(8)
        actor = model.policy.actor
        if isinstance(actor.mu, nn.Sequential):
            actor.mu = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1), nn.Tanh())
            model.policy.actor_target.mu = copy.deepcopy(actor.mu)
        else:
            actor.mu = nn.Linear(16, 1)

    obeys(name, alter, when)


@WHENS
@pytest.mark.parametrize("name", ["PPO", "A2C"])
def test_an_exchanged_features_extractor_is_played_and_trained(name, when):
    def alter(model):
        policy = model.policy
        policy.features_extractor = policy.pi_features_extractor = policy.vf_features_extractor = Extractor()

    obeys(name, alter, when)


@WHENS
@over([*ON, "SAC"])
@pytest.mark.parametrize("norm", [torch.nn.utils.parametrizations.spectral_norm, torch.nn.utils.weight_norm])
@pytest.mark.filterwarnings("ignore:.*weight_norm")
def test_a_layer_that_computes_its_weights_is_played_and_trained(name, when, norm):
    obeys(name, lambda model: norm(body(model)[0]), when)


@WHENS
@pytest.mark.parametrize("name", ["DQN", "TD3"])
def test_a_layer_exchanged_in_a_target_network_alone_is_used(name, when):
    def alter(model):
        (model.q_net_target.q_net if name == "DQN" else model.critic_target.q_networks[0])[1] = nn.Tanh()

    obeys(name, alter, when)


# ------------------------------------------------------------------------------------------------------------------------- B3: hooks
@over(ALL)
def test_hooks_are_called_as_often_as_in_sb3(name):
    counts = []

    def watch(model):  # as wandb.watch does
        seen = {}
        counts.append(seen)
        for key, module in model.policy.named_modules():
            module.register_forward_hook(lambda *_, key=key: seen.update({f"forward {key}": seen.get(f"forward {key}", 0) + 1}))
        for key, p in model.policy.named_parameters():
            p.register_hook(lambda _, key=key: seen.update({key: seen.get(key, 0) + 1}))

    obeys(name, watch, "before", differs=False)
    assert counts[0] == counts[1]
    assert len(counts[0]) > 8


@WHENS
@over(ALL)
def test_what_a_forward_hook_returns_is_used(name, when):
    obeys(name, lambda model: body(model)[0].register_forward_hook(lambda module, x, y: 1.5 * y), when)


@WHENS
@over(ON)
def test_what_a_gradient_hook_returns_is_used(name, when):
    obeys(name, lambda model: [p.register_hook(lambda g: 10 * g) for p in body(model)[0].parameters()], when)


@over(ALL)
def test_a_hook_that_is_removed_is_gone(name):
    def alter(model):
        model.since = getattr(model, "since", 0) + 1
        if model.since == 1:
            model.handle = body(model)[0].register_forward_hook(lambda module, x, y: 2 * y + 1)
        if model.since == 12:
            model.handle.remove()

    mine, _ = obeys(name, alter, "during", every=True)
    assert altered(mine.policy) is None


@pytest.mark.parametrize("name", ["PPO", "SAC"])
def test_an_optimizers_step_hook_is_called(name):
    calls = []
    model = make(name)
    optimizers(model)[0].register_step_post_hook(lambda *_: calls.append(1))
    model.learn(32)
    assert len(calls) == (4 if name == "PPO" else 12)


# ----------------------------------------------------------------------------------------------------------------------- B4: methods
def replace_method(owner, method, change, model):
    holder = owner(model)
    old = getattr(holder, method)
    setattr(holder, method, lambda *args, **kwargs: change(old(*args, **kwargs)))


def policy_of(model):
    return model.policy


def model_of(model):
    return model


def half(given):
    return tuple(0.5 * x for x in given) if isinstance(given, tuple) else 0.5 * given


def half_the_action(given):
    return 0.5 * given[0], given[1]


def one_more(given):
    return tuple(x + 1 for x in given) if isinstance(given, tuple) else given + 1


def louder(given):
    given.distribution.logits = 2 * given.distribution.logits
    return given


METHODS = {
    "forward of an actor-critic": (ON, policy_of, "forward", lambda r: (r[0], r[1] + 1, *r[2:])),
    "get_distribution": (NATURAL, policy_of, "get_distribution", louder),
    "evaluate_actions": (BY_GRADIENT, policy_of, "evaluate_actions", lambda r: (r[0] + 1, *r[1:])),
    "predict_values": (ON, policy_of, "predict_values", one_more),
    "extract_features": (ON, policy_of, "extract_features", half),
    "forward of q_net": (["DQN"], lambda m: m.q_net, "forward", lambda r: 2 * r),
    "forward of q_net_target": (["DQN"], lambda m: m.q_net_target, "forward", lambda r: 2 * r),
    "_predict of DQN's policy": (["DQN"], policy_of, "_predict", lambda r: 1 - r),
    "predict of DQN's policy": (["DQN"], policy_of, "predict", lambda r: (1 - r[0], r[1])),
    "predict of a DQN": (["DQN"], model_of, "predict", lambda r: (1 - r[0], r[1])),
    "predict of a model": (CONTINUOUS, model_of, "predict", half_the_action),
    "predict of a policy": (CONTINUOUS, policy_of, "predict", half_the_action),
    "_predict of a policy": (CONTINUOUS, policy_of, "_predict", half),
    "forward of an actor": (CONTINUOUS, lambda m: m.actor, "forward", half),
    "forward of a critic": (CONTINUOUS, lambda m: m.critic, "forward", one_more),
    "forward of a target critic": ([name for name in CONTINUOUS if name in FOLLOWED], lambda m: m.critic_target, "forward", one_more),
    "q1_forward": (["TD3", "DDPG"], lambda m: m.critic, "q1_forward", lambda r: 2 * r),
    "get_action_dist_params": (["SAC"], lambda m: m.actor, "get_action_dist_params", lambda r: (r[0], r[1] - 1, r[2])),
    "sample of a replay buffer": (OFF, lambda m: m.replay_buffer, "sample", lambda r: r._replace(rewards=2 * r.rewards)),
    "get of a rollout buffer": (ON, lambda m: m.rollout_buffer, "get", lambda r: (b._replace(returns=b.returns + 1, advantages=b.advantages**3) for b in r)),
}
CASES = [(method, name) for method, (names, *_) in METHODS.items() for name in names]


@pytest.mark.parametrize(("method", "name"), each(CASES, at=1))
def test_a_method_replaced_on_an_instance_is_used(method, name):
    obeys(name, partial(replace_method, *METHODS[method][1:]), "during")


@WHENS
@over(ON)
def test_an_action_distribution_made_by_the_user_is_used(name, when):
    def alter(model):
        old = model.policy._get_action_dist_from_latent
        model.policy._get_action_dist_from_latent = lambda latent: old(0.1 * latent)

    obeys(name, alter, when)


@WHENS
def test_an_exchanged_kind_of_distribution_is_used(when):
    class Doubled(DiagGaussianDistribution):
        def log_prob(self, actions):
            return 2 * super().log_prob(actions)

    obeys("PPO, Box", lambda model: setattr(model.policy, "action_dist", Doubled(1)), when)


@over(ALL)
def test_what_a_users_add_stores_is_learnt_from(name):
    obeys(name, doubled_rewards, "during")


@WHENS
@over(ON)
def test_a_users_returns_are_learnt_from(name, when):
    def alter(model):
        buffer = model.rollout_buffer
        old = buffer.compute_returns_and_advantage

        def doubled(last_values, dones):
            old(last_values, dones)
            buffer.returns *= 2

        buffer.compute_returns_and_advantage = doubled

    obeys(name, alter, when)


@over(OFF)
def test_a_subclass_that_overrides_predict_acts_by_it(name):
    def subclass(library):
        class Own(library_of(name, library)):
            def predict(self, *args, **kwargs):
                action, state = super().predict(*args, **kwargs)
                return (1 - action if name in ACTS else 0.5 * action), state

        return Own("MlpPolicy", RUNS[name][1], seed=1, device="cpu", **copy.deepcopy(RUNS[name][2])).learn(96)

    mine, theirs = subclass(ours), subclass(sb3)
    assert (weights(mine) - weights(theirs)).abs().max() < 1e-6
    assert (weights(mine) - unaltered(name)).abs().max() > 1e-5


PATCHED = {  # class, method, and what is done to what it returns
    "PPO": (ActorCriticPolicy, "evaluate_actions", lambda r: (r[0] + 1, *r[1:])),
    "DQN": (sb3.dqn.policies.QNetwork, "forward", lambda r: 2 * r),
    "QRDQN": (sb3_contrib.qrdqn.policies.QuantileNetwork, "forward", lambda r: 2 * r),
    "TQC": (sb3_contrib.tqc.policies.Critic, "forward", lambda r: r + 1),
    "CrossQ": (BatchRenorm1d, "forward", lambda r: 2 * r),
    "RecurrentPPO": (RecurrentActorCriticPolicy, "evaluate_actions", lambda r: (r[0] + 1, *r[1:])),
}


@over(PATCHED)
def test_a_method_patched_in_one_of_sb3s_classes_is_used(name, monkeypatch):
    kind, method, change = PATCHED[name]
    old = getattr(kind, method)
    unaltered(name)  # before the class is another
    model = make(name)
    monkeypatch.setattr(kind, method, lambda *args, **kwargs: change(old(*args, **kwargs)))
    model.learn(96)
    assert (weights(model) - weights(run(name, sb3))).abs().max() < 1e-6
    assert (weights(model) - unaltered(name)).abs().max() > 1e-5


TWINS = [entry for entry in registry.ENTRIES.values() if entry.is_ours and entry.twin]


@pytest.mark.parametrize("entry", TWINS, ids=lambda entry: entry.id)
def test_a_patch_of_any_class_that_a_twin_s_networks_and_memories_are_made_of_is_noticed(entry, monkeypatch):
    """`__init__` stands for all methods, its own ones and those that it inherits."""
    cls = entry.load()
    box = cls.supported_action_spaces == (spaces.Box,)
    model = cls(next(iter(cls.policy_aliases)), "Pendulum-v1" if box else partial(MaskedSpaces, VECTOR, spaces.Discrete(5)), device="cpu")
    holders = [*model.policy.modules(), *(vars(model)[name] for name in ("replay_buffer", "rollout_buffer") if name in vars(model))]
    kinds = {
        kind for holder in holders for kind in type(holder).__mro__ if kind.__module__.startswith(("stable_baselines3", "sb3_contrib", "torch.nn.modules"))
    }
    kinds -= {nn.Module}
    assert len(kinds) > 3
    for kind in kinds:
        assert patched(kind) is None
        with monkeypatch.context() as patching:
            patching.setattr(kind, "__init__", lambda self: None)
            assert patched(kind) == f"{kind.__name__}.__init__"


# -------------------------------------------------------------------------------------------------------------------- B5: optimizers
def sgd(model):
    policy = model.policy
    if hasattr(policy, "actor"):
        for part in (policy.actor, policy.critic):
            part.optimizer = torch.optim.SGD(part.parameters(), lr=1e-3)
    else:
        policy.optimizer = torch.optim.SGD(getattr(policy, "q_net", policy).parameters(), lr=1e-3)


def weight_decay(model):
    for optimizer in optimizers(model):
        optimizer.param_groups[0]["weight_decay"] = 0.1


def vector(model):
    values = 0.9 * torch.nn.utils.parameters_to_vector(model.policy.parameters()).detach()
    torch.nn.utils.vector_to_parameters(values, model.policy.parameters())


@WHENS
@over(ALL)
@pytest.mark.parametrize("alter", [sgd, weight_decay, vector])
def test_what_is_done_to_optimizers_and_parameters_is_obeyed(name, alter, when):
    obeys(name, alter, when)


@over(ALL)
def test_a_learning_rate_set_by_hand_lasts_until_the_next_training_as_in_sb3(name):
    obeys(name, lambda model: [o.param_groups[0].update(lr=0.1) for o in optimizers(model)], "during", differs=False)


@over(ALL)
def test_an_added_group_of_parameters_is_trained_too(name):
    extras = []

    def alter(model):
        torch.manual_seed(3)
        first = trained_by_optimizer(model)[0]
        layer = nn.Linear(first.in_features, first.out_features)
        extras.append(layer.weight)
        optimizers(model)[0].add_param_group({"params": list(layer.parameters())})
        first.register_forward_hook(lambda module, x, y: y + layer(x[0]))

    obeys(name, alter, "before")
    assert torch.allclose(*extras, atol=1e-6)
    torch.manual_seed(3)
    assert not torch.allclose(extras[0], nn.Linear(*reversed(extras[0].shape)).weight, atol=1e-5)


@over(ALL)
@pytest.mark.parametrize("event", ["_on_training_start", "_on_rollout_start", "_on_rollout_end"])
def test_what_a_callback_does_at_other_times_is_obeyed(name, event):
    def alter(callback):
        if not hasattr(callback, "done"):
            callback.done = True
            freeze(callback.model)
            another_activation(callback.model)

    trained = []
    for library in (ours, sb3):
        kind = type("Once", (BaseCallback,), {event: alter, "_on_step": lambda self: True})
        trained.append(make(name, library).learn(96, callback=kind()))
    assert (weights(trained[0]) - weights(trained[1])).abs().max() < 1e-6
    assert (weights(trained[0]) - unaltered(name)).abs().max() > 1e-5


@over(ALL)
def test_moments_that_a_callback_forgets_are_forgotten(name):
    obeys(name, lambda model: [o.state.clear() for o in optimizers(model)], "during")


@WHENS
@pytest.mark.parametrize(
    "alter",
    [
        lambda m: setattr(m, "ent_coef_optimizer", torch.optim.SGD([m.log_ent_coef], lr=0.1)),
        lambda m: vars(m).update(log_ent_coef=(x := torch.tensor([-1.0], requires_grad=True)), ent_coef_optimizer=torch.optim.SGD([x], lr=0.1)),
        lambda m: vars(m).update(ent_coef_optimizer=None, ent_coef_tensor=torch.tensor(0.05)),
        lambda m: m.log_ent_coef.data.fill_(-2.0),
    ],
    ids=["optimizer", "tensor", "fixed", "filled"],
)
def test_what_is_done_to_sacs_temperature_is_obeyed(alter, when):
    mine, theirs = obeys("SAC", alter, when)
    assert abs(mine.log_ent_coef.item() - theirs.log_ent_coef.item()) < 1e-6


@WHENS
@over(OFF)
@pytest.mark.parametrize("of_policy", [False, True])
def test_the_alias_is_trained_and_the_policy_is_played_as_in_sb3(name, of_policy, when):
    def alter(model):
        part = ACTS.get(name) or ("actor" if of_policy else "critic")
        setattr(model.policy if of_policy else model, part, copy.deepcopy(getattr(model, part)))

    differs = not (name not in ACTS and not of_policy and when == "before")  # critics are read through the alias alone, but the policy's are compared
    mine, theirs = (run(name, library, **{when: alter}) for library in (ours, sb3))
    assert (weights(mine) - weights(theirs)).abs().max() < 1e-6
    assert not differs or (weights(mine) - unaltered(name)).abs().max() > 1e-6


# ------------------------------------------------------------------------------------------------------------------------ all at once
def doubled_rewards(model):
    buffer = getattr(model, "replay_buffer", None) or model.rollout_buffer
    old, reward = buffer.add, 3 if hasattr(model, "replay_buffer") else 2
    buffer.add = lambda *args, **more: old(*args[:reward], 2 * args[reward], *args[reward + 1 :], **more)


@pytest.mark.parametrize("name", [name for name in ALL if name not in SB3S])
def test_alterations_one_after_the_other(name):
    def hook(model):
        body(model)[0].register_forward_hook(lambda module, x, y: 1.5 * y)

    ahead = [doubled_rewards, freeze, another_activation, partial(freeze, on=True), own_step, hook, weight_decay]

    def alter(model):
        model.since = getattr(model, "since", -1) + 1
        if model.since % 12 == 0:
            ahead[model.since // 12](model)

    obeys(name, alter, "during", every=True, steps=120)


# ------------------------------------------------------------------------------------------------------------- N: a user's own steps
def own_step(model):
    optimizer = optimizers(model)[0]
    (body(model)[0].weight ** 2).sum().backward()
    optimizer.step()
    optimizer.zero_grad()


@WHENS
@over(ALL)
def test_a_users_own_step_on_some_parameters_counts_for_these_alone(name, when):
    mine, theirs = obeys(name, own_step, when)
    counters = [[float(of["step"]) for of in optimizers(model)[0].state.values()] for model in (mine, theirs)]
    assert sorted(counters[0]) == sorted(counters[1])


# -------------------------------------------------------------------------------------------------------- E: attributes, read at use
ATTRIBUTES = [
    ("gamma", 0.1, OFF), ("tau", 0.5, FOLLOWED), ("batch_size", 8, ["PPO", "RecurrentPPO", "TRPO", *OFF]), ("gradient_steps", 2, OFF),
    ("target_update_interval", 3, ["DQN"]), ("policy_delay", 3, ["TD3", "DDPG"]), ("policy_delay", 1, ["CrossQ"]),
    ("target_policy_noise", 0.7, ["TD3"]), ("target_noise_clip", 0.01, ["TD3"]), ("ent_coef", 0.3, ["PPO", "A2C", "IMPALA"]), ("vf_coef", 2.0, BY_GRADIENT),
    ("max_grad_norm", 0.01, [*BY_GRADIENT, "DQN"]), ("target_kl", 1e-6, ["PPO"]), ("n_epochs", 5, ["PPO"]), ("normalize_advantage", False, ["PPO"]),
    ("normalize_advantage", True, ["IMPALA"]),
    ("target_entropy", -30.0, ["SAC"]), ("lr_schedule", lambda left: 2e-4, ALL), ("exploration_schedule", lambda left: 0.7, ["DQN"]),
    ("train_freq", TrainFreq(5, TrainFrequencyUnit.STEP), OFF), ("cg_max_steps", 1, NATURAL), ("cg_damping", 2.0, NATURAL), ("n_critic_updates", 1, NATURAL),
    ("sub_sampling_factor", 2, NATURAL), ("line_search_max_iter", 0, NATURAL), ("target_kl", 0.1, NATURAL),
]  # fmt: skip


@pytest.mark.parametrize(("attribute", "value", "name"), each([(key, value, name) for key, value, names in ATTRIBUTES for name in names], at=2))
def test_an_attribute_of_a_built_model_is_obeyed(attribute, value, name):
    obeys(name, lambda model: setattr(model, attribute, value), "during")


@over(OFF)
def test_another_gamma_is_obeyed_from_the_beginning(name):
    obeys(name, lambda model: setattr(model, "gamma", 0.1), "before")


@WHENS
@over(ON)
def test_returns_are_discounted_as_the_rollout_buffer_says(name, when):
    λ = 1.0 if name == "IMPALA" else 0.3  # V-trace is A2C's return with λ = 1 alone
    obeys(name, lambda model: vars(model.rollout_buffer).update(gamma=0.1, gae_lambda=λ), when)


@over(ON)
def test_what_sb3_does_not_read_again_is_not_read_again(name):
    obeys(name, lambda model: vars(model).update(gae_lambda=0.1, learning_rate=0.1), "before", differs=False)


def test_a_shorter_n_steps_needs_a_shorter_rollout_buffer():
    model = make("PPO")
    model.n_steps = 16
    with pytest.raises(ValueError, match="holds 16 of its 32 steps"):
        model.learn(16)


# ---------------------------------------------------------------------------------------------------- weights, memories and policies
def exchange_and_bring_back(model):
    """Keeps the memory of the weights itself, not a copy, while others are in their place."""
    if "kept" not in vars(model):
        model.kept = [p.data for p in model.policy.parameters()]
        for p in model.policy.parameters():
            p.data = 0.5 * p.data
    else:
        for p, kept in zip(model.policy.parameters(), model.kept, strict=True):
            p.data = kept
        del model.kept


def swap_with_an_average(model):
    if "average" not in vars(model):
        model.average = [nn.Parameter(0.9 * p.detach(), requires_grad=p.requires_grad) for p in model.policy.parameters()]
    for mean, p in zip(model.average, model.policy.parameters(), strict=True):
        if not weakref.getweakrefcount(p):  # torch refuses those of an LSTM, which keeps such references
            torch.utils.swap_tensors(mean, p)


def clip_weights(model):
    for p in model.policy.parameters():
        p.data.clamp_(-0.2, 0.2)


@over(ALL)
@pytest.mark.parametrize("alter", [exchange_and_bring_back, swap_with_an_average, clip_weights])
def test_weights_that_change_at_every_step_of_a_rollout_are_those_that_play(name, alter):
    obeys(name, alter, "during", differs=None if name in ACTS else True, steps=64, every=True)  # whose greedy action may stay


@over(ALL)
@pytest.mark.parametrize("assign", [False, True])
def test_weights_loaded_in_the_middle_of_a_rollout_are_used(name, assign):
    def alter(model):
        model.policy.load_state_dict({key: 0.7 * value for key, value in model.policy.state_dict().items()}, assign=assign)

    obeys(name, alter, "during")


# Not the memory alone with SB3-Contrib's TRPO, whose every update gives the parameters new memory.
SHARING = [(name, i % 2 == 0 and name not in NATURAL, "during" if i % 3 else "before") for i, name in enumerate([*ALL, *CONTINUOUS])]


@pytest.mark.parametrize(("name", "of_data", "when"), each(SHARING, at=0))
def test_networks_may_share_a_weight(name, of_data, when):
    def alter(model):
        policy = model.policy
        first = body(model)[2]
        if hasattr(policy, "mlp_extractor"):
            other = policy.mlp_extractor.value_net[2]
        else:
            other = of_values(policy, target=True)[2] if of_values(policy) else Unnormalised(policy.critic.q_networks[-1])[2]
        if of_data:
            other.weight.data = first.weight.data
        else:
            other.weight = first.weight

    obeys(name, alter, when)


@WHENS
@over(ALL)
@pytest.mark.parametrize("aliases", [False, True])
def test_another_policy_is_played_and_what_sb3_would_train_is_trained(name, aliases, when):
    def alter(model):
        torch.manual_seed(11)
        model.policy = model.policy_class(model.observation_space, model.action_space, model.lr_schedule, **model.policy_kwargs)
        if aliases and name in OFF:
            model._create_aliases()

    obeys(name, alter, when)


@over(OFF)
@pytest.mark.parametrize(
    "alter",
    [
        lambda m: m.replay_buffer.reset(),
        lambda m: setattr(m.replay_buffer, "rewards", 3 * m.replay_buffer.rewards),
        lambda m: setattr(m, "replay_buffer", copy.deepcopy(m.replay_buffer)) or m.replay_buffer.rewards.__imul__(3),
    ],
    ids=["reset", "array", "buffer"],
)
def test_what_is_done_to_the_replay_buffer_in_the_middle_is_obeyed(name, alter):
    obeys(name, alter, "during")


@pytest.mark.parametrize("name", ["DQN", "TD3", "SAC"])
def test_frozen_targets_stay_on_the_fast_path(name):
    def alter(model):
        for part in ("q_net_target", "actor_target", "critic_target"):
            if hasattr(model.policy, part):
                getattr(model.policy, part).requires_grad_(False)

    mine, _ = obeys(name, alter, "before", differs=False)
    assert all(isinstance(optimiser.rows, ArrayRows) for optimiser in mine.optimisers())


# --------------------------------------------------------------------------------------------------------------- which path is taken
@over(ALL)
def test_a_callback_that_alters_nothing_leaves_everything_on_the_fast_path(name):
    mine, _ = obeys(name, lambda model: None, "during", differs=False)
    assert all(isinstance(optimiser.rows, ArrayRows) and optimiser.in_rows for optimiser in mine.optimisers())


def test_an_altered_actor_leaves_the_critics_on_their_fast_path():
    for name in ("TD3", "SAC"):
        model = run(name, ours, before=freeze)
        assert isinstance(model.q.rows, ArrayRows) and not isinstance(model.nets["actor"].rows, ArrayRows)


def test_the_fast_path_is_taken_again_when_the_hook_is_gone():
    model = make("PPO")
    handle = body(model)[0].register_forward_hook(lambda *_: None)
    model.learn(32)
    assert not model.actor_critic.is_stacked
    handle.remove()
    model.learn(32)
    assert model.actor_critic.is_stacked and isinstance(model.actor_critic.rows, ArrayRows)


def test_the_general_path_is_announced_with_its_reason(capsys):
    run("PPO", ours, before=freeze, verbose=1)
    run("SAC", ours, before=freeze, verbose=1)
    lines = [line for line in capsys.readouterr().out.splitlines() if "general path" in line]
    assert lines == [
        "ActorCriticPolicy takes the general path (ActorCritics: mlp_extractor.policy_net.0.weight is frozen).",
        "Actor takes the general path (SquashedActors: latent_pi.0.weight is frozen).",
    ]


@over(ALL)
def test_gradients_are_there_for_who_looks_after_a_training_and_not_before(name):
    model = make(name)
    assert all(p.grad is None for p in model.policy.parameters())
    model.learn(96)
    trained = model.policy.value_net.parameters() if name in NATURAL else [p for o in optimizers(model) for group in o.param_groups for p in group["params"]]
    assert all(p.grad.abs().max() > 0 for p in trained if p.grad.numel() > 1)


# ------------------------------------------------------------------------------------------------------------------------ the watch
def test_callbacks_that_only_look_and_sb3s_own_need_no_watching_and_any_other_does(tmp_path):
    class Own(CheckpointCallback):
        def _on_step(self):
            return super()._on_step()

    class Idle(BaseCallback):
        def _on_step(self):
            return self.num_timesteps < 10 and self.model is not None

    class Clips(Idle):
        def _on_rollout_end(self):
            self.model.policy.log_std *= 0

    assert not has_own_code(Idle()) and has_own_code(Clips())
    assert not has_own_code(None) and not has_own_code(CheckpointCallback(10, tmp_path))
    assert not has_own_code(sb3.common.callbacks.CallbackList([CheckpointCallback(10, tmp_path)]))
    assert has_own_code(Own(10, tmp_path)) and has_own_code(sb3.common.callbacks.CallbackList([Own(10, tmp_path)]))
    assert has_own_code(sb3.common.callbacks.ConvertCallback(lambda local, glob: True))
    assert has_own_code(sb3.common.callbacks.EveryNTimesteps(10, Own(10, tmp_path)))


@pytest.mark.parametrize(
    "change",
    [
        lambda net: net.__setitem__(1, nn.ReLU()), lambda net: setattr(net, "forward", lambda x: x), lambda net: net[0].register_forward_hook(print),
        lambda net: net[0].weight.register_hook(print), lambda net: net[0].weight.requires_grad_(False), lambda net: net.double(),
        lambda net: setattr(net[0], "weight", nn.Parameter(torch.zeros(3, 2))), lambda net: net.append(nn.Tanh()), lambda net: net[0].compile(),
    ],
)  # fmt: skip
def test_a_watch_sees_every_change_and_nothing_else(change, monkeypatch):
    monkeypatch.setattr(torch.distributions.Distribution, "_validate_args", True)  # put back: torch switches it off for good with the first compile()
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    watch = Watch([net], trained=[net])
    nn.Linear(1, 1).register_forward_hook(lambda *_: None)  # elsewhere
    net[0].weight.data.add_(1)
    net.train(False)
    assert watch.holds() and watch.is_whole()
    change(net)
    assert not watch.is_whole()


# ---------------------------------------------------------------------------------------------------------------------------- stacks
STACKED = {"freeze": freeze, "method": partial(replace_method, all_of_body, "forward", half), "activation": another_activation}


class Member:
    """What the alterations of this file need of a model, for one member of a stack."""

    def __init__(self, policy):
        self.policy = policy


@pytest.mark.parametrize("name", ["PPO", "DQN", "TD3", "SAC"])
@pytest.mark.parametrize("alter", STACKED)
def test_a_member_of_a_stack_may_be_altered_and_the_others_do_not_notice(name, alter):
    stack = make(name, seeds=[1, 2])
    STACKED[alter](Member(stack.policies[1]))
    stack.learn(96)
    alone = make(name, seeds=[2])
    STACKED[alter](Member(alone.policy))
    assert (weights(alone.learn(96)) - weights(None, stack.policies[1])).abs().max() < 1e-6
    assert (unaltered(name) - weights(None, stack.policies[0])).abs().max() < 1e-6
    assert (weights(make(name, seeds=[2]).learn(96)) - weights(alone)).abs().max() > 1e-5


def test_a_members_policy_may_be_exchanged():
    def exchange(model):
        torch.manual_seed(11)
        return model.policy_class(model.observation_space, model.action_space, model.lr_schedule)

    stack, alone = make("PPO", seeds=[1, 2]), make("PPO", seeds=[2])
    stack.policies[1], alone.policy = exchange(stack), exchange(alone)
    stack.learn(96), alone.learn(96)
    assert (weights(alone) - weights(None, stack.policies[1])).abs().max() < 1e-6


@pytest.mark.parametrize(
    ("name", "alter", "error"),
    [
        ("PPO", lambda m: setattr(m, "policy", copy.deepcopy(m.policy)), r"model\.policy was replaced"),
        ("DQN", lambda m: setattr(m, "q_net", copy.deepcopy(m.q_net)), r"model\.q_net was replaced"),
        ("DQN", lambda m: setattr(m, "predict", m.predict), r"DQN\.predict was replaced"),
        ("SAC", lambda m: setattr(m, "ent_coef_optimizer", torch.optim.SGD([m.log_ent_coef], lr=0.1)), "log_ent_coef or its optimizer was replaced"),
        ("PPO", lambda m: setattr(m.rollout_buffer, "get", m.rollout_buffer.get), "The rollout buffer has ways of its own"),
    ],
)
def test_what_cannot_be_done_to_a_stack_is_refused_in_one_line(name, alter, error):
    model = make(name, seeds=[1, 2])
    alter(model)
    with pytest.raises(ValueError, match=error) as refused:
        model.learn(96)
    assert "\n" not in str(refused.value)


# ------------------------------------------------------------------------------------------------- algorithms without a twin in SB3
def reinforce(name, alter=lambda model: None, when="before"):
    model = getattr(ours, name)("MlpPolicy", "CartPole-v1", seed=1, episodes_per_update=2)
    if when == "before":
        alter(model)
    return model.learn(200, callback=At(alter, n=30) if when == "during" else None)


@WHENS
@pytest.mark.parametrize("name", ["REINFORCE", "REINFORCEBaseline"])
def test_a_frozen_layer_of_reinforce_does_not_move_and_the_others_do(name, when):
    kept = {}

    def alter(model):
        for key, p in model.policy.actor.layers.named_parameters():
            p.requires_grad_(not key.startswith("0."))
            kept[key] = p.detach().clone()

    model = reinforce(name, alter, when)
    for key, p in model.policy.actor.layers.named_parameters():
        assert torch.equal(p, kept[key]) == key.startswith("0.")


@WHENS
@pytest.mark.parametrize("name", ["REINFORCE", "REINFORCEBaseline"])
@pytest.mark.parametrize("change", ["hook", "layer", "forward", "optimizer", "_predict"])
def test_reinforce_obeys_its_user(name, change, when):
    calls = []

    def alter(model):
        actor = model.policy.actor
        if change == "hook":
            actor.layers.register_forward_hook(lambda *_: calls.append(1))
        elif change == "layer":
            actor.layers[1] = nn.Sequential(nn.LeakyReLU())
            actor.layers[1].register_forward_hook(lambda *_: calls.append(1))
        elif change == "forward":
            old = actor.forward
            actor.forward = lambda obs: calls.append(1) or 0.5 * old(obs)
        elif change == "optimizer":
            model.policy.optimizer = torch.optim.SGD(actor.parameters(), lr=0.1)
            model.policy.optimizer.register_step_post_hook(lambda *_: calls.append(1))
        else:
            model.policy._predict = lambda obs, deterministic=False: calls.append(1) or torch.zeros(len(obs), dtype=torch.long)

    model = reinforce(name, alter, when)
    assert len(calls) >= (1 if change == "optimizer" else 100)
    assert change == "hook" or (weights(model) - weights(reinforce(name))).abs().max() > 1e-5


@pytest.mark.parametrize("name", ["DiagnosedDQN", "DQNWithoutReplay", "DQNWithoutTarget", "NaiveDeepQ"])
def test_the_arms_of_the_deadly_triad_obey_their_user(name):
    def learnt(alter):
        model = getattr(ours, name)("MlpPolicy", "CartPole-v1", seed=1)
        alter(model)
        before = model.q_net.q_net[0].weight.detach().clone()
        return model.learn(150), torch.equal(model.q_net.q_net[0].weight, before)

    _, moved_not = learnt(freeze)
    assert moved_not
    (plain, _), (doubled, _) = learnt(lambda m: None), learnt(lambda m: replace_method(lambda m: m.q_net, "forward", lambda r: 2 * r, m))
    assert (weights(plain) - weights(doubled)).abs().max() > 1e-5


def test_a_callback_that_promises_to_leave_the_model_alone_is_not_watched():
    """As those that score the runs of a study do: they would cost a tenth of its training."""

    class Scores(BaseCallback):
        needs_no_values = True

        def _on_step(self):
            return bool(self.model.num_timesteps)

    assert not has_own_code(Scores()) and has_own_code(type("Plain", (Scores,), {"needs_no_values": False})())
