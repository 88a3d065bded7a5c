"""π and V that remember, as SB3-Contrib's recurrent policies have them: an LSTM each, one for both, or one of π alone, and heads behind.

Two ways: for all seeds together where LSTMs and heads are plain ones on flat observations, and through the policies' public methods, padded as
SB3-Contrib pads, for everything else. A state is [..., layers, 2, H]: h and c of every layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from sb3_contrib.common.recurrent import buffers, policies
from sb3_contrib.common.recurrent.policies import (
    RecurrentActorCriticCnnPolicy,
    RecurrentActorCriticPolicy,
    RecurrentMultiInputActorCriticPolicy,
)
from sb3_contrib.common.recurrent.type_aliases import RNNStates
from stable_baselines3.common.torch_layers import MlpExtractor

from from_scratch.core.data import Observation, _Fields, tree_map
from from_scratch.core.distributions import distribution
from from_scratch.core.finite import real
from from_scratch.core.lockstep import Array, Rows, StackedLSTM, StackedMLP, is_plain_lstm, is_plain_mlp, stack
from from_scratch.core.networks.actor_critic import SIMPLE, Parts
from from_scratch.core.networks.inputs import flat, one, sees_flat_vectors
from from_scratch.core.networks.kinds import OneByOne, Together
from from_scratch.core.networks.net import KINDS
from from_scratch.core.rng import Rng
from from_scratch.core.watch import imitate


@dataclass
class Sequences(_Fields):
    """Observations as sequences one behind the other, and what is remembered where one begins."""

    obs: Observation  # [S, M, ...]
    begins: torch.Tensor  # [S, M]: 0 where a sequence goes on, 1 where one begins, 2 where it begins with an episode
    pi: torch.Tensor  # π's state before each sample, [S, M, layers, 2, H], read where a sequence begins; 0 before an episode
    v: torch.Tensor  # V's


class States(NamedTuple):
    """What π and V remember of each lane, [S, E, layers, 2, H]."""

    pi: np.ndarray
    v: np.ndarray

    def before(self, starts: np.ndarray) -> States:
        """The same with nothing remembered where an episode starts [S, E]."""
        if not starts.any():
            return self
        stays = (1 - starts).astype(np.float32)[..., None, None, None]
        return States(self.pi * stays, self.v * stays)


class Played(NamedTuple):
    """One step of all lanes, [S, E, ...]."""

    actions: np.ndarray
    values: np.ndarray  # V(s)
    log_probs: np.ndarray  # log π(a|s)
    states: States  # after it


class RecurrentActorCritic(Together):
    of, within, anywhere = (RecurrentActorCriticPolicy,), (RecurrentActorCriticPolicy,), False

    def __init__(self, networks: Sequence[RecurrentActorCriticPolicy], rows: Rows):
        super().__init__(networks, rows)
        first, bodies = networks[0], networks[0].mlp_extractor
        self.space = first.action_space
        self.lstm = StackedLSTM(rows, "lstm_actor", first.lstm_actor)
        self.lstm_of_v = StackedLSTM(rows, "lstm_critic", first.lstm_critic) if first.lstm_critic is not None else None
        self.layer_of_v = StackedMLP.of(rows, {"critic": first.critic}) if first.critic is not None else None
        self.actor = StackedMLP.of(rows, {"mlp_extractor.policy_net": bodies.policy_net, "action_net": first.action_net})
        self.critic = StackedMLP.of(rows, {"mlp_extractor.value_net": bodies.value_net, "value_net": first.value_net})
        self.log_std_numpy = rows.of_all(rows.theta, rows.names["log_std"]).unsqueeze(1).numpy() if "log_std" in rows.names else None

    @classmethod
    def fits(cls, policy: RecurrentActorCriticPolicy) -> bool:
        return (
            type(policy.action_dist) in SIMPLE
            and not policy.use_sde
            and not policy.squash_output
            and type(policy.mlp_extractor) is MlpExtractor
            and sees_flat_vectors(policy)
            and policy.features_dim == spaces.flatdim(policy.observation_space)
            and is_plain_lstm(policy.lstm_actor)
            and (policy.lstm_critic is None or is_plain_lstm(policy.lstm_critic))
            and (policy.critic is None or is_plain_mlp(policy.critic))
            and is_plain_mlp(*policy.mlp_extractor.policy_net, policy.action_net)
            and is_plain_mlp(*policy.mlp_extractor.value_net, policy.value_net)
        )

    # ------------------------------------------------------------------------------------------------------------------- learning
    def evaluate(self, seen: Sequences, action: Any) -> Parts:
        """V(s), log π(a|s) and the entropy, [S, M], of samples in their sequences."""
        x = flat(seen.obs)
        h = self.lstm(x, seen.pi, seen.begins)
        if self.lstm_of_v is not None:
            h_of_v = self.lstm_of_v(x, seen.v, seen.begins)
        else:  # V learns nothing for an LSTM that it shares
            h_of_v = h.detach() if self.layer_of_v is None else self.layer_of_v(x)
        log_std = None if self.log_std_numpy is None else self.rows.parameter("log_std", x)[:, None]
        pi = distribution(self.space, self.actor(h), log_std)
        return self.critic(h_of_v).squeeze(-1), pi.log_prob(action), pi.entropy()

    # --------------------------------------------------------------------------------------------------------------------- playing
    def play(self, obs: Any, states: States, starts: np.ndarray, rng: Rng | None) -> Played:  # type: ignore[override]
        """Actions of every lane: sampled from π, or its mode without a rng. obs [S, E, ...]; starts [S, E], where an episode starts."""
        x, before = flat(obs), states.before(starts)
        h, of_pi = self.lstm.play(x, before.pi)
        h_of_v, of_v = (h, of_pi) if self.layer_of_v is None else (self.layer_of_v.play(x), of_pi)
        if self.lstm_of_v is not None:
            h_of_v, of_v = self.lstm_of_v.play(x, before.v)
        parameters = real(self.actor.play(h), self.space)
        pi = distribution(self.space, parameters, self.log_std_numpy)
        actions = pi.mode() if rng is None else pi.sample(rng)
        return Played(actions, self.critic.play(h_of_v)[..., 0], self._log_probs(parameters, actions), States(of_pi, of_v))

    @torch.no_grad()
    def _log_probs(self, parameters: np.ndarray, actions: np.ndarray) -> np.ndarray:
        log_std = None if self.log_std_numpy is None else Array(self.log_std_numpy)
        return distribution(self.space, Array(parameters), log_std).log_prob(Array(actions)).value  # type: ignore[arg-type,attr-defined]

    def choose(self, obs: Any, pi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The mode of π for observations [S, n, ...] and π's states before them, and the states after them."""
        h, after = self.lstm.play(flat(obs), pi)
        return distribution(self.space, real(self.actor.play(h), self.space), self.log_std_numpy).mode(), after

    def values(self, obs: Any, states: States, starts: np.ndarray) -> np.ndarray:
        """V(s) [S, E] of what is seen with what is remembered."""
        x, before = flat(obs), states.before(starts)
        if self.layer_of_v is not None:
            h = self.layer_of_v.play(x)
        else:
            h = self.lstm.play(x, before.pi)[0] if self.lstm_of_v is None else self.lstm_of_v.play(x, before.v)[0]
        return self.critic.play(h)[..., 0]


def to_torch(state: np.ndarray, device: Any = "cpu") -> tuple[torch.Tensor, torch.Tensor]:
    """[E, layers, 2, H] → h and c, [layers, E, H], as torch's LSTM has them."""
    h, c = (torch.as_tensor(np.ascontiguousarray(state[:, :, i].swapaxes(0, 1)), device=device) for i in range(2))
    return h, c


def from_torch(state: tuple[Any, ...]) -> np.ndarray:
    """h and c [layers, E, H] → [E, layers, 2, H]."""
    return np.stack([np.asarray(part.cpu() if isinstance(part, torch.Tensor) else part, np.float32) for part in state], 1).transpose(2, 0, 1, 3)


class RecurrentActorCritics(OneByOne):
    """The same through the policies' public methods, seed by seed: images, Dict observations, gSDE, dropout, whatever a user has made."""

    @torch.no_grad()
    def play(self, obs: Any, states: States, starts: np.ndarray, rng: Rng | None) -> Played:  # type: ignore[override]
        played = []
        for k, policy in enumerate(self.networks):
            given = one(obs, k, self.device), self._states(states, k), torch.as_tensor(starts[k], dtype=torch.float32, device=self.device)
            if rng is None:
                actions, values, log_probs, after = policy(*given, deterministic=True)
            else:
                with rng.streams[k].as_process():
                    actions, values, log_probs, after = policy(*given)
            played.append((actions.cpu().numpy(), values.cpu().numpy()[:, 0], log_probs.cpu().numpy(), from_torch(after.pi), from_torch(after.vf)))
        actions, values, log_probs, of_pi, of_v = map(np.stack, zip(*played, strict=True))
        return Played(actions, values, log_probs, States(of_pi, of_v))

    def _states(self, states: States, k: int) -> RNNStates:
        return RNNStates(to_torch(states.pi[k], self.device), to_torch(states.v[k], self.device))

    @torch.no_grad()
    def values(self, obs: Any, states: States, starts: np.ndarray) -> np.ndarray:
        found = []
        for k, policy in enumerate(self.networks):
            began = torch.as_tensor(starts[k], dtype=torch.float32, device=self.device)
            found.append(policy.predict_values(one(obs, k, self.device), to_torch(states.v[k], self.device), began).cpu().numpy()[:, 0])
        return np.stack(found)

    def evaluate(self, seen: Sequences, action: torch.Tensor) -> Parts:
        parts = []
        for k, policy in enumerate(self.networks):
            padded = Padding(seen.begins[k])
            states = RNNStates(padded.states(seen.pi[k]), padded.states(seen.v[k]))
            given = tree_map(lambda x, k=k, padded=padded: padded(x[k]), seen.obs), padded(action[k]), states, padded((seen.begins[k] == 2).float())
            v, log_prob, entropy = policy.evaluate_actions(*given)
            entropy = -log_prob if entropy is None else entropy  # no closed form: −log π, as SB3
            parts.append([x.flatten()[padded.real] for x in (v, log_prob, entropy)])
        v, log_prob, entropy = (stack(part) for part in zip(*parts, strict=True))
        return v, log_prob, entropy


class Padding:
    """Sequences [M, ...] → [n · length of the longest, ...], one behind the other, with zeros behind each."""

    def __init__(self, begins: torch.Tensor):
        flags = begins > 0
        flags[0] = True
        self.first = flags.nonzero()[:, 0]
        sequence = flags.long().cumsum(0) - 1
        place = torch.arange(len(begins), device=begins.device) - self.first[sequence]
        self.longest = int(place.max()) + 1
        self.real = sequence * self.longest + place  # where the samples are

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        padded = torch.zeros(len(self.first) * self.longest, *x.shape[1:], dtype=x.dtype, device=x.device)
        padded[self.real] = x
        return padded

    def states(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """[M, layers, 2, H] → h and c, [layers, n, H], before each sequence."""
        h, c = (x[self.first, :, i].transpose(0, 1).contiguous() for i in range(2))
        return h, c


KINDS[RecurrentActorCriticPolicy] = RecurrentActorCritic, RecurrentActorCritics
imitate(buffers, policies)
RECURRENT_ALIASES = {
    "MlpLstmPolicy": RecurrentActorCriticPolicy,
    "CnnLstmPolicy": RecurrentActorCriticCnnPolicy,
    "MultiInputLstmPolicy": RecurrentMultiInputActorCriticPolicy,
}
