"""How often a policy reaches the goal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks import UserError
from benchmarks.measures.measure import Measure
from benchmarks.running.evaluation import episode_seeds, remembered, takes_masks
from benchmarks.studies import environments

EPISODES = 50  # of each seed at each checkpoint


class SuccessRate(Measure):
    """success_rate: the share of episodes, in %, at whose last step info["is_success"] is true, in environments of the measure's own, without exploration."""

    def _on_training_start(self) -> None:
        run = self.job.runs[0]
        for name in ("normalize", "frame_stack"):
            if run.hyperparams.get(name):
                raise UserError(f"success_rate plays in bare environments: {run.algo} cannot have {name}={run.hyperparams[name]}")
        self.starts = [seed for one in self.job.runs for seed in episode_seeds(one.protocol["eval_seed"], one.seed, EPISODES)]
        self.lanes = [environments.make_env(run.env, run.spec, run.hyperparams.get("env_wrapper"), monitor=False) for _ in self.starts]

    def values(self) -> Sequence[dict[str, float]]:
        obs = [env.reset(seed=seed)[0] for env, seed in zip(self.lanes, self.starts, strict=True)]
        succeeded = np.zeros(len(self.lanes), dtype=bool)
        alive, state, going_on = np.ones(len(self.lanes), dtype=bool), None, np.zeros(len(self.lanes), dtype=bool)
        masked = takes_masks(self.model) and self.lanes[0].has_wrapper_attr("action_masks")
        masks: list = [None] * len(self.lanes)
        while alive.any():
            if masked:
                masks = [env.get_wrapper_attr("action_masks")() if lives else last for env, lives, last in zip(self.lanes, alive, masks, strict=True)]
            more: dict = {"action_masks": np.stack(masks)} if masked else {}
            actions, state = self.model.predict(_joined(obs), deterministic=True, **remembered(state, going_on), **more)
            for k in np.flatnonzero(alive).tolist():
                obs[k], _, terminated, truncated, info = self.lanes[k].step(actions[k])
                alive[k] = not (terminated or truncated)
                if "is_success" not in info:
                    raise UserError(f"{self.job.runs[0].env} does not say in info['is_success'] whether its goal is reached")
                succeeded[k] = info["is_success"]
        return [{"success_rate": 100 * float(share.mean())} for share in np.split(succeeded, self.n_seeds)]


def _joined(obs: list):
    """Observations of all lanes as one batch, dictionaries key by key."""
    return {key: np.stack([one[key] for one in obs]) for key in obs[0]} if isinstance(obs[0], dict) else np.stack(obs)
