"""PPO that chooses among valid actions alone (Huang & Ontañón 2022, arXiv:2006.14171, §3; Schulman et al. 2017, arXiv:1707.06347, Algorithm 1).

    at every step the environment says which actions are valid, m(s)
    π(a|s) = softmax of the logits, those of invalid actions being replaced by a large negative number
    store m(s) with s and a; in PPO's loss, too, log π(a|s) and the entropy are those of the masked π

So an invalid action is never played, and the gradient of its logit is 0: nothing has to be learnt of it, where a penalty would have to teach it in every
state. Masks that were forgotten in the loss would make r_t(θ) the ratio of two different policies.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import sb3_contrib
from gymnasium import spaces
from sb3_contrib.common.maskable.buffers import MaskableDictRolloutBuffer, MaskableRolloutBuffer
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import MaybeCallback
from stable_baselines3.common.vec_env import VecEnv

from from_scratch.core.data import MaskedSample
from from_scratch.core.distributions import choices
from from_scratch.core.masks import has_masks, masks_of
from from_scratch.core.networks.maskable import MASKABLE_ALIASES, MaskableActorCriticPolicy
from from_scratch.policy_gradient.ppo import PPO


class MaskablePPO(PPO):
    batch_size: int | None = 64  # M
    use_sde: ClassVar[bool] = False
    sde_sample_freq: ClassVar[int] = -1

    policy_aliases = MASKABLE_ALIASES
    supported_action_spaces = (spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)
    buffers = (MaskableRolloutBuffer, MaskableDictRolloutBuffer)
    beside, sample_of = ("action_masks",), MaskedSample
    tells_of_smaller_minibatches = False
    use_masking = True

    def new_policy(self) -> BasePolicy:
        policy = self.policy_class(self.observation_space, self.action_space, self.lr_schedule, **self.policy_kwargs)
        if not isinstance(policy, MaskableActorCriticPolicy):
            raise ValueError(f"Policy must subclass MaskableActorCriticPolicy; {type(policy).__name__} does not.")
        return policy

    def act(self, obs: Any, deterministic: bool = False) -> np.ndarray:
        masks = masks_of(self.env) if self.use_masking else np.ones((self.n_lanes, sum(choices(self.action_space))), bool)
        self._masks = masks.reshape(self.n_lanes, -1)  # m(s), [S·E, n]
        return self.actor_critic.play(obs, None if deterministic else self._rng, *self.beside_by_seed())

    def beside_now(self) -> dict[str, np.ndarray]:
        return {"action_masks": self._masks}

    def collect_rollouts(
        self, env: VecEnv, callback: BaseCallback, rollout_buffer: RolloutBuffer, n_rollout_steps: int, use_masking: bool = True
    ) -> bool:  # fmt: skip
        """As PPO's, among the actions that env says are valid; ValueError if it does not say. use_masking=False: among all."""
        if not isinstance(rollout_buffer, self.buffers):
            kinds = " or ".join(kind.__name__ for kind in self.buffers)
            raise AssertionError(f"RolloutBuffer doesn't support action masking: {type(rollout_buffer).__name__} must be derived from {kinds}.")
        if use_masking and not has_masks(env):
            raise ValueError(
                "Environment does not support action masking. Consider using ActionMasker wrapper of sb3_contrib.common.wrappers, or learn(use_masking=False)."
            )
        self.use_masking = use_masking
        return super().collect_rollouts(env, callback, rollout_buffer, n_rollout_steps)

    def learn(  # type: ignore[override]
        self, total_timesteps: int, callback: MaybeCallback = None, log_interval: int | None = 1, tb_log_name: str = "MaskablePPO",
        reset_num_timesteps: bool = True, use_masking: bool = True, progress_bar: bool = False,
    ) -> Self:  # fmt: skip
        """As PPO's. use_masking=False: every action counts as valid."""
        self.collecting = {"use_masking": use_masking}
        return super().learn(total_timesteps, callback, log_interval, tb_log_name, reset_num_timesteps, progress_bar)

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False, action_masks: np.ndarray | None = None
    ) -> tuple[np.ndarray, Any]:
        """As PPO's, among the actions whose mask is 1: action_masks [n] for one observation, [S·n, ...] for many; None allows all."""
        return self.policy.predict(observation, state, episode_start, deterministic, action_masks=action_masks)  # type: ignore[call-arg]

    def locals_at_start(self, variables: dict[str, Any]) -> dict[str, Any]:
        return super().locals_at_start({**variables, **self.collecting})

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "use_masking", "collecting", "_masks"]


sb3_contrib.MaskablePPO.register(MaskablePPO)  # isinstance(model, sb3_contrib.MaskablePPO) holds, as tools expect
