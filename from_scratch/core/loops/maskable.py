"""Valid actions alone, for whatever learns values of actions from a replay memory: DQN and all that is derived from it.

    class MaskableRainbow(Maskable, Rainbow): ...

Where the environment has `action_masks()`, every choice is made among the actions that it allows: the greedy one, the random one of ε, those before learning
starts, and the target's max_a' Q(s', a'), for which the mask of s' is stored with each step. Where it has none, nothing is done: not a bit changes.

Why a class in front, and not something that DQN does by itself: SB3's DQN takes no notice of masks, and the same code must give the same run here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from from_scratch.core.data import Step, tree_map
from from_scratch.core.masks import METHOD, has_masks, masks_of
from from_scratch.core.replay.forms import Stretches, WithMasks

HUGE = 1e8  # what is taken from the value of an invalid action


class Maskable:
    """A mixin: it stands in front of the algorithm."""

    masks: np.ndarray | None  # of what is seen now, [S, E, n_actions]; None where nothing is masked
    masked = False  # does the environment say which actions are valid?

    # --------------------------------------------------------------------------------------------------------------- choosing
    def best(self: Any, q: Any) -> np.ndarray:
        """argmax among the valid actions of values [S, E, ..., n_actions]."""
        if self.masks is None:
            return super().best(q)  # type: ignore[misc]
        mask = self.masks.reshape(*self.masks.shape[:2], *(1,) * (q.ndim - 3), -1)
        return super().best(np.where(mask == 1, q, -np.inf))  # type: ignore[misc]

    def at_random(self: Any, who: np.ndarray | None = None) -> np.ndarray:
        return self._rng.sample_actions(self.n_envs, who, self.masks)

    def asked(self: Any, obs: Any, deterministic: bool = False) -> np.ndarray:
        """By the networks where there is a mask, of which policies of DQN know nothing."""
        return super().asked(obs, deterministic) if self.masks is None else self.choose(obs, deterministic)  # type: ignore[misc]

    def predict(
        self: Any, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False, action_masks: np.ndarray | None = None
    ) -> tuple[np.ndarray, Any]:
        """As without masks, among the actions whose mask is 1: action_masks [n] for one observation, [S·n, ...] for many; None allows all."""
        if action_masks is None:
            return super().predict(observation, state, episode_start, deterministic)  # type: ignore[misc]
        seen, is_many = self.policy.obs_to_tensor(observation)
        masks = _known(np.asarray(action_masks).reshape(-1, self.action_space.n)).reshape(self.n_seeds, -1, self.action_space.n)
        if not deterministic and self.n_seeds == 1 and np.random.rand() < self.exploration_rate:
            actions = np.array([self.action_space.sample(mask) for mask in masks[0]])
        else:
            now, self.masks = getattr(self, "masks", None), masks
            try:
                actions = self.choose(self.by_seed(tree_map(lambda x: x.cpu().numpy(), seen)), True).reshape(-1)
            finally:
                self.masks = now
        return (actions if is_many else actions[0]), state

    # --------------------------------------------------------------------------------------------------------------- learning
    def valid(self: Any, q: Any, b: Any) -> Any:
        """Values [S, M, ..., n_actions] of s', those of invalid actions far below all others."""
        if not self.masked:
            return q
        mask = b.next_mask if len(q.shape) == 3 else b.next_mask.unsqueeze(2)
        return q * mask - (1 - mask) * HUGE

    # ------------------------------------------------------------------------------------------------------------ remembering
    def check(self: Any) -> None:
        super().check()  # type: ignore[misc]
        self.masks = None

    def _bind_memory(self: Any) -> None:
        masked = self.env is not None and has_masks(self.env)
        if masked != self.masked:
            self.masked, self.masks = masked, None
            vars(self).pop("memory", None)
        super()._bind_memory()  # type: ignore[misc]

    def new_form(self: Any) -> Any:
        form = super().new_form()  # type: ignore[misc]
        if self.masked and isinstance(form, Stretches):
            raise ValueError(
                f"{type(self).__name__} learns from stretches of steps, with which masks are not kept: take a class without a memory of its own, such as "
                "MaskableDQN, or an environment without action_masks()."
            )
        return WithMasks(int(self.action_space.n), form) if self.masked else form

    def collect_rollouts(self: Any, env: Any, *args: Any, **kwargs: Any) -> Any:
        self.masks = self.by_seed(_known(masks_of(env))) if self.masked else None
        return super().collect_rollouts(env, *args, **kwargs)  # type: ignore[misc]

    def _store_transition(self: Any, replay_buffer: Any, buffer_action: np.ndarray, new_obs: Any, reward: np.ndarray, dones: np.ndarray, infos: list) -> None:
        if self.masked:
            now = _known(masks_of(self.env))
            after = now.copy()  # of the true successors: where an episode ended, `now` is the next one's
            for lane in Step(new_obs, reward, dones, infos).ended:
                after[lane] = _known(np.array(infos[lane].get(METHOD, np.ones(len(now[lane]))))[None])[0]
            self.masks = self.by_seed(now)
            self.memory.storage.write("next_masks", self.by_seed(after))
        super()._store_transition(replay_buffer, buffer_action, new_obs, reward, dones, infos)  # type: ignore[misc]

    def _excluded_save_params(self: Any) -> list[str]:
        return [*super()._excluded_save_params(), "masks", "masked"]  # type: ignore[misc]


def _known(masks: np.ndarray) -> np.ndarray:
    """Masks [..., n] as int8; where none is left, as in some states that end an episode, all actions count as valid."""
    masks = np.asarray(masks).astype(np.int8)
    return np.where(masks.any(-1, keepdims=True), masks, np.int8(1))
