"""Whether a learner that is asked for a return delivers it (Chen et al. 2021, section 5.2 and its figure)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from benchmarks import UserError
from benchmarks.measures.measure import Measure
from benchmarks.running.evaluation import episode_seeds, remembered, takes
from benchmarks.studies import environments

INSIDE = 8  # returns that are asked for, equally far from one another, from one that a tenth of the recorded episodes fell short of to the best
EPISODES = 10  # of each seed for each of them


class AskedReturn(Measure):
    """rank_agreement   Spearman's correlation of the returns asked for, inside the data, and the mean returns of the episodes that were played for them
    inside_error       how far the two are apart on average, in percent of the way from the least to the best that is asked for
    beyond             the mean return where half of that way more than the best is asked for, over that where the best is; both from the least, in percent

    All are asked from the same starts, without chance in the choice of actions, in environments of the measure's own. It is for learners from data whose
    predict() takes `target_return` and `reward`.
    """

    model: Any

    def _on_training_start(self) -> None:
        run = self.job.runs[0]
        if not takes(self.model, "target_return"):
            raise UserError(f"asked_return asks for returns, and {run.algo} takes no target_return")
        returns = self.model.data.returns
        least, best = float(np.quantile(returns, 0.1)), float(returns.max())
        self.asked = np.array([*np.linspace(least, best, INSIDE), best + (best - least) / 2])
        starts = [episode_seeds(one.protocol["eval_seed"], one.seed, EPISODES) for one in self.job.runs]
        self.starts = [seed for of_seed in starts for _ in self.asked for seed in of_seed]
        self.targets = np.tile(np.repeat(self.asked, EPISODES), self.n_seeds)
        self.lanes = [environments.make_env(run.env, run.spec, run.hyperparams.get("env_wrapper"), monitor=False) for _ in self.starts]

    def values(self) -> Sequence[dict[str, float]]:
        obs = np.stack([env.reset(seed=seed)[0] for env, seed in zip(self.lanes, self.starts, strict=True)])
        n = len(self.lanes)
        returns, rewards, alive, going_on, state = np.zeros(n), np.zeros(n, np.float32), np.ones(n, bool), np.zeros(n, bool), None
        while alive.any():
            told = {"reward": rewards, "target_return": self.targets, **remembered(state, going_on)}
            actions, state = self.model.predict(obs, deterministic=True, **told)
            for k in np.flatnonzero(alive).tolist():
                obs[k], reward, terminated, truncated, _ = self.lanes[k].step(actions[k])
                returns[k] += reward
                rewards[k], alive[k] = reward, not (terminated or truncated)
        return [compared(self.asked, delivered) for delivered in returns.reshape(self.n_seeds, len(self.asked), EPISODES).mean(-1)]


def compared(asked: np.ndarray, delivered: np.ndarray) -> dict[str, float]:
    """Returns asked for, in their order, the last of them beyond the data, and what came of each, [n + 1] both."""
    least, best = asked[0], asked[-2]
    constant = np.ptp(delivered[:-1]) == 0  # it does the same whatever it is asked for: no agreement
    rank = 0.0 if constant else float(stats.spearmanr(asked[:-1], delivered[:-1]).statistic)
    error = 100 * float(np.abs(delivered - asked)[:-1].mean() / (best - least))
    reached = delivered[-2] - least
    return {"rank_agreement": rank, "inside_error": error, "beyond": 100 * float((delivered[-1] - least) / reached) if reached else 0.0}
