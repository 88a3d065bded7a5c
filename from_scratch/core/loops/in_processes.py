"""Candidates that play in processes of their own: those of SB3-Contrib's AsyncEval, which `learn` is given."""

from __future__ import annotations

from typing import Any, Self

from stable_baselines3.common.type_aliases import MaybeCallback

from from_scratch.core.algorithm import StopTraining
from from_scratch.core.loops.population import Generation, Population


class InProcesses(Population):
    """A population whose candidates may be handed to `async_eval`: a whole one at a time, as in SB3-Contrib, so that the last goes beyond the budget."""

    not_copied = (*Population.not_copied, "_async_eval")
    _async_eval: Any

    def learn(  # type: ignore[override]
        self, total_timesteps: int, callback: MaybeCallback = None, log_interval: int | None = 1, tb_log_name: str = "ARS",
        reset_num_timesteps: bool = True, async_eval: Any = None, progress_bar: bool = False,
    ) -> Self:  # fmt: skip
        """As everywhere. async_eval: a sb3_contrib.common.vec_env.AsyncEval, in whose processes candidates then play, of one seed alone.

        They are ended when it is over, as by SB3-Contrib's.
        """
        if async_eval is not None and self.n_seeds > 1:
            raise ValueError(f"async_eval plays the candidates of one seed, and this model has {self.n_seeds}: leave it out, they play in lock-step.")
        self._async_eval = async_eval
        super().learn(total_timesteps, callback, log_interval, tb_log_name, reset_num_timesteps, progress_bar)
        if async_eval is not None:
            async_eval.close()
        return self

    def why_not_exact(self) -> str | None:
        return "async_eval plays in processes of its own" if getattr(self, "_async_eval", None) is not None else super().why_not_exact()

    def iterate(self) -> None:
        if self._async_eval is None:
            return super().iterate()
        self._update_current_progress_remaining(self.num_timesteps, self._total_timesteps)
        candidates, noise = self.propose(0)
        tried = self.generations[0] = Generation(candidates, noise, self._current_progress_remaining, *self.rounds(len(candidates)))
        self._callback.on_rollout_start()
        self._async_eval.send_jobs(candidates, len(candidates))
        for i, (returns, lengths) in self._async_eval.get_results():
            tried.returns[i], tried.lengths[i] = sum(returns), sum(lengths)
            self._note_episodes(0, tried, [{"r": r, "l": t} for r, t in zip(returns, lengths, strict=True)])
        self._gather_statistics()
        n = len(self._async_eval.remotes)
        for _ in range(int(tried.lengths.sum()) // n):
            self.num_timesteps += n
            if not self._callback.on_step():
                raise StopTraining
        self._callback.on_rollout_end()
        self.heed()
        self._learn(0)

    def _gather_statistics(self) -> None:
        """What the processes' VecNormalize saw is added to ours, and they go on with the sum."""
        ours = self.get_vec_normalize_env()
        seen = self._async_eval.get_obs_rms()
        if ours is None:
            return
        for statistics in seen:
            ours.obs_rms.combine(statistics)
            ours.obs_rms.count -= self.old_count  # each of them has counted the common past again
        self._async_eval.sync_obs_rms(ours.obs_rms.copy())
        self.old_count = ours.obs_rms.count

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "_async_eval"]
