"""Rainbow (Hessel et al. 2018, arXiv:1710.02298): six extensions of DQN in one agent, each of which can be left out.

    store each step with the largest priority so far; act by argmax_a Σ_i z_i p_i(s, a; θ, ε), with noise ε on the weights in the place of ε-greedy
    draw a minibatch by priority; R = r_1 + γ r_2 + … + γ^(n−1) r_n, s' the state after r_n
    a* = argmax_a' Σ_i z_i p_i(s', a'; θ, ε)            the network that learns chooses ...
    m = Φ (R + γⁿ Z(s', a*; θ⁻, ε'))                    ... the target network evaluates, projected onto the atoms z
    descend on w (−Σ_i m_i log p_i(s, a; θ, ε)),  p_j ← D_KL(m ‖ p(s, a))^ω          eq. (4)
    the network's two streams: softmax_i of V_i(s) + A_i(s, a) − mean_a' A_i(s, a')

    what              comes from                 is left out by              then
    double            double_dqn.py              double=False                the target network chooses a*, too
    prioritised       prioritized_dqn.py         prioritized=False           all steps are drawn alike, w = 1
    dueling           dueling_dqn.py             dueling=False               one stream
    n steps           n_step_dqn.py              n_steps=1                   s' is the next state
    distributional    c51.py                     distributional=False        Q(s, a) itself is learnt, with Huber's loss; p_j ← |δ_j|^ω
    noisy             noisy_dqn.py               noisy=False                 layers without noise, and ε-greedy

Learning rate and ω are the paper's, for Atari; its Adam has an ε of 1.5·10⁻⁴ (policy_kwargs), ours torch's. The paper's streams share the convolutions,
ours the features extractor. The online network has one draw of noise for s and s'.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.utils import LinearSchedule

from from_scratch.core.atoms import check_atoms, expected, projected
from from_scratch.core.data import Transition
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.lockstep import per_seed
from from_scratch.core.networks.noisy import f
from from_scratch.core.networks.rainbow import RainbowCnnPolicy, RainbowMultiInputPolicy, RainbowPolicy
from from_scratch.core.replay.forms import NSteps
from from_scratch.core.replay.samplers import Prioritised
from from_scratch.value_based.dqn import DQN


class Rainbow(DQN):
    learning_rate: float | Callable[[float], float] = 6.25e-5
    n_steps: int = 3  # n
    double: bool = True  # let the network that learns choose the action whose value the target network gives
    dueling: bool = True  # two streams, for the value and for the advantages
    prioritized: bool = True  # draw by priority
    distributional: bool = True  # learn how returns are distributed
    noisy: bool = True  # explore by noise on the weights; the arguments for ε then count for nothing
    n_atoms: int = 51  # N  returns that are told apart
    v_min: float = -10.0  # V_MIN  the smallest of them
    v_max: float = 10.0  # V_MAX  the largest
    sigma_0: float = 0.5  # σ_0  how noisy the layers are at first
    alpha: float = 0.5  # ω  how much priorities count: 0 draws all alike
    initial_beta: float = 0.4  # β  how much of the bias the weights take away at first; it rises to 1, linearly
    priority_eps: float = 1e-6  # added to each priority, so that every transition may be drawn again
    optimize_memory_usage: ClassVar[bool] = False

    policy_aliases: ClassVar[dict[str, type]] = {"MlpPolicy": RainbowPolicy, "CnnPolicy": RainbowCnnPolicy, "MultiInputPolicy": RainbowMultiInputPolicy}

    def check(self) -> None:
        super().check()
        check_atoms(self)
        check_range(self, "sigma_0", low=0)
        check_range(self, "alpha", "initial_beta", low=0, high=1)
        check_range(self, "priority_eps", above=0)

    def new_policy(self) -> BasePolicy:
        of_network = {name: getattr(self, name) for name in ("dueling", "noisy", "v_min", "v_max", "sigma_0")}
        of_network["n_atoms"] = self.n_atoms if self.distributional else 1
        return self.policy_class(self.observation_space, self.action_space, self.lr_schedule, **{**self.policy_kwargs, **of_network})

    def new_sampler(self) -> Prioritised | None:
        return Prioritised(self.alpha, beta=lambda: self.now(LinearSchedule(self.initial_beta, 1.0, 1.0))) if self.prioritized else None

    def new_form(self) -> NSteps | None:
        return NSteps(self.n_steps) if self.n_steps > 1 else None

    def build(self) -> None:
        super().build()
        self.z = self._policies[0].q_net.z
        self.i = torch.arange(self.n_atoms, device=self.device)
        if self.noisy:
            self.exploration_schedule = LinearSchedule(0.0, 0.0, 1.0)  # the noise explores

    def noise(self, n: int) -> list[torch.Tensor]:
        """n draws of f(ε) for all layers, [S, n, ...], as further arguments of a network: none without noise."""
        return [f(self._rng.noise(n, self._policies[0].q_net.n_noise)).to(self.device)] if self.noisy else []

    def choose(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        x = self.q.play(obs, *([] if deterministic else self.noise(self.n_envs)))
        return self.best(expected(torch.from_numpy(x), self.z.cpu()).numpy() if self.distributional else x)

    def update(self, b: Transition) -> None:
        w = torch.from_numpy(self.memory.sampler.weight).to(self.device) if self.prioritized else torch.ones_like(b.reward)
        self.minimise(self.loss if self.distributional else self.value_loss, b, w, *self.noise(1), *self.noise(1), by=self.q)
        if self.prioritized:
            self.memory.sampler.learnt(self.noted["priority"].cpu().numpy() + self.priority_eps)

    @per_seed
    def loss(self, b: Transition, w: torch.Tensor, *noise: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # type: ignore[override]
        mine, other = noise[:1], noise[1:]
        of = lambda logits, a: logits.gather(-1, a.long() * self.n_atoms + self.i)  # those of one action, [S, M, N]
        with torch.no_grad():
            after = self.q_target(b.next_obs, *other)
            best = self.valid(expected(self.q(b.next_obs, *mine) if self.double else after, self.z), b).argmax(-1, keepdim=True)  # a*
            tz = (b.reward[..., None] + b.discount[..., None] * self.z).clamp(self.v_min, self.v_max)
            m = projected(of(after, best).softmax(-1), tz, self.z, (self.v_max - self.v_min) / (self.n_atoms - 1))
            entropy = -(m * m.clamp(min=1e-30).log()).sum(-1)
        cross = -(m * of(self.q(b.obs, *mine), b.action).log_softmax(-1)).sum(-1)
        loss = (w * cross).mean(-1)
        return loss, {"loss": loss, "priority": (cross - entropy).clamp(min=0)}  # D_KL(m ‖ p)

    @per_seed
    def value_loss(self, b: Transition, w: torch.Tensor, *noise: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The same without a distribution."""
        mine, other = noise[:1], noise[1:]
        with torch.no_grad():
            after = self.q_target(b.next_obs, *other)
            best = self.valid(self.q(b.next_obs, *mine) if self.double else after, b).argmax(-1, keepdim=True)  # a*
            y = b.reward + b.discount * after.gather(-1, best).squeeze(-1)
        q = self.q(b.obs, *mine).gather(-1, b.action.long()).squeeze(-1)
        loss = (w * F.smooth_l1_loss(q, y, reduction="none")).mean(-1)
        return loss, {"loss": loss, "priority": (q - y).abs()}
