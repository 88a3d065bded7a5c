"""Deep recurrent Q-learning (Hausknecht & Stone 2015, arXiv:1507.06527), with what R2D2 added to its replay (Kapturowski et al. 2019).

    Q(o_1 … o_t, ·; θ) = MLP(h_t),  h_t = LSTM(o_t, h_(t−1)):  what was seen once is remembered until the episode ends
    act, store and copy the target network as in DQN
    draw stretches of L successive steps of an episode, each from a random step on
        unroll both networks over a stretch, from a state of zeros (the paper), or from the one that was there when it was played ("stored states")
        y_t = r_t + γ max_a Q(…, o_(t+1), a; θ⁻), or r_t if the episode terminated there
    descend on the mean of (y_t − Q(…, o_t, a_t; θ))² over all steps, the error clipped

With a burn-in of B steps a stretch begins B steps earlier: each network unrolls them with its own weights, only to have a state to begin with. Nothing is
learnt from them, and no gradient goes back into them.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from stable_baselines3.common.policies import BasePolicy

from from_scratch.core.data import Stretch, tree_map
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.lockstep import per_seed
from from_scratch.core.networks.recurrent_values import RECURRENT_Q_ALIASES
from from_scratch.core.replay.forms import Stretches
from from_scratch.value_based.dqn import DQN


class DRQN(DQN):
    batch_size: int = 32  # M  stretches of steps that an update learns from
    sequence_length: int = 10  # L  steps of a stretch that are learnt from
    burn_in: int = 0  # B  steps before them that only warm up the state
    stored_states: bool = False  # does a stretch begin with the state that was there, or with zeros?
    lstm_hidden_size: int = 64  # H  numbers in the memory, of each layer
    n_lstm_layers: int = 1  # layers of the LSTM, one upon the other
    n_steps: ClassVar[int] = 1
    replay_buffer_class: ClassVar[None] = None
    replay_buffer_kwargs: ClassVar[None] = None
    optimize_memory_usage: ClassVar[bool] = False

    policy_aliases: ClassVar[dict[str, type]] = RECURRENT_Q_ALIASES

    def check(self) -> None:
        super().check()
        for name, low in (("sequence_length", 1), ("burn_in", 0), ("lstm_hidden_size", 1), ("n_lstm_layers", 1)):
            check_range(self, name, low=low, whole=True)
        self.hidden = self.no_state(self.n_seeds, self.n_envs if self.env is not None else 1)  # h and c of every lane, [S, E, layers, 2, H]
        self.hidden_next: np.ndarray | None = None  # after what is seen now; None: nobody has asked yet

    def no_state(self, S: int, n: int) -> np.ndarray:
        return np.zeros((S, n, self.n_lstm_layers, 2, self.lstm_hidden_size), np.float32)

    def new_policy(self) -> BasePolicy:
        of_memory = {"lstm_hidden_size": self.lstm_hidden_size, "n_lstm_layers": self.n_lstm_layers}
        return self.policy_class(self.observation_space, self.action_space, self.lr_schedule, **{**self.policy_kwargs, **of_memory})

    def new_form(self) -> Stretches:
        return Stretches(self.sequence_length, self.burn_in, {"hidden": self.hidden.shape[2:]} if self.stored_states else None)

    # ------------------------------------------------------------------------------------------------------------------------ acting
    def choose(self, obs: Any, deterministic: bool = False) -> np.ndarray:
        q, self.hidden_next = self.q.play(obs, self.hidden)
        return q.argmax(-1)

    def asked(self, obs: Any, deterministic: bool = False) -> np.ndarray:
        return self.choose(obs, deterministic)  # a policy asked by itself remembers nothing

    def predict(self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False) -> tuple[np.ndarray, Any]:
        """As SB3-Contrib's RecurrentPPO: state is (h, c), [layers, n, H] each, and None stands for zeros; the state after it is returned with the actions."""
        instead = None if deterministic else self.instead(observation)
        actions, state = self.policy.predict(observation, state, episode_start, deterministic=True)
        return actions if instead is None else instead, state

    def _setup_learn(self, *args: Any, **kwargs: Any) -> Any:
        seen, found = self._last_obs, super()._setup_learn(*args, **kwargs)
        if self._last_obs is not seen:  # the environments were reset
            self.hidden, self.hidden_next = np.zeros_like(self.hidden), None
        return found

    def _store_transition(self, replay_buffer: Any, buffer_action: np.ndarray, new_obs: Any, reward: np.ndarray, dones: np.ndarray, infos: list[dict]) -> None:
        if self.hidden_next is None:  # a random action was taken: what was seen is remembered all the same
            self.choose(self.by_seed(self._last_obs))
        if self.stored_states:
            self.memory.storage.write("hidden", self.hidden)
        super()._store_transition(replay_buffer, buffer_action, new_obs, reward, dones, infos)
        goes_on = 1 - dones.reshape(self.n_seeds, self.n_envs).astype(np.float32)
        self.hidden, self.hidden_next = self.hidden_next * goes_on[..., None, None, None], None

    def _hand_over(self, model: Any, k: int) -> None:
        super()._hand_over(model, k)
        model.hidden = self.hidden[k : k + 1].copy()

    # ---------------------------------------------------------------------------------------------------------------------- learning
    def update(self, b: Stretch) -> None:  # type: ignore[override]
        S, M = b.reward.shape[:2]
        state = b.kept["hidden"] if self.stored_states else torch.from_numpy(self.no_state(S, M)).to(self.device)
        state_target = state
        if self.burn_in:
            first = b.learnt.argmax(-1)  # of the steps that are learnt from, [S, M]
            state, state_target = (self.unrolled(net, b.obs, state, first) for net in (self.q, self.q_target))
            b = from_step(b, first, self.sequence_length)
        self.minimise(self.loss, b.obs, b.action, b.reward, b.discount, b.learnt, state, state_target, by=self.q)

    def unrolled(self, net: Any, obs: Any, state: torch.Tensor, first: torch.Tensor) -> torch.Tensor:
        """A network's own states before the first steps that are learnt from, [S, M, ...]."""
        now, kept = state.cpu().numpy(), state.cpu().numpy().copy()
        for t in range(self.burn_in):
            now = net.play(tree_map(lambda x, t=t: x[:, :, t].cpu().numpy(), obs), now)[1]
            ends = (first == t + 1).cpu().numpy()
            kept[ends] = now[ends]
        return torch.from_numpy(kept).to(self.device)

    @per_seed
    def loss(  # type: ignore[override]
        self, obs: Any, a: Any, r: Any, discount: Any, learnt: Any, state: Any, state_target: Any
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # obs [S, M, L + 1, ...], states [S, M, ...], all else [S, M, L, ...]
        with torch.no_grad():
            y = r + discount * self.q_target(obs, state_target)[:, :, 1:].amax(-1)
        q = self.q(obs, state)[:, :, :-1].gather(-1, a.long()).squeeze(-1)
        error = F.smooth_l1_loss(q, y, reduction="none")  # the error clipped to [−1, 1], as in DQN
        loss = (learnt * error).sum(-1).sum(-1) / learnt.sum(-1).sum(-1)  # steps behind an episode's end do not count
        return loss, {"loss": loss}


def from_step(b: Stretch, first: torch.Tensor, length: int) -> Stretch:
    """The stretches from step `first` [S, M] on, `length` steps of each; what is kept stays that of their beginnings."""
    S, M, n = b.learnt.shape
    s, m = torch.arange(S, device=first.device)[:, None, None], torch.arange(M, device=first.device)[None, :, None]
    at = first[..., None] + torch.arange(length + 1, device=first.device)  # never beyond n
    take = lambda x: x[s, m, at[..., :-1].clamp(max=n - 1)]
    return Stretch(tree_map(lambda x: x[s, m, at], b.obs), take(b.action), take(b.reward), take(b.discount), take(b.learnt), b.kept)
