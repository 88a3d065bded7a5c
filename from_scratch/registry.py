"""Every algorithm that can be named in a study: ours, and the Stable-Baselines3 twins that ours are compared with.

One line per algorithm. Classes are imported when they are asked for, so that listing costs nothing.
"""

from __future__ import annotations

import difflib
import importlib
from dataclasses import dataclass

FAMILIES = {  # an entry's family, and its title: in the order in which they are learnt
    "baselines": "Baseline",
    "bandits": "Bandits",
    "dynamic_programming": "Dynamic programming",
    "monte_carlo": "Monte Carlo",
    "temporal_difference": "Temporal differences",
    "eligibility_traces": "Eligibility traces",
    "model_based": "Learnt models and planning",
    "linear": "Linear function approximation",
    "value_based": "Deep value learning",
    "policy_gradient": "Policy gradients",
    "continuous_control": "Off-policy continuous control",
    "stable_baselines3": "Stable-Baselines3",
}
_LEARNS = {"TabularPolicy": "table", "LinearPolicy": "linear", "RandomPolicy": "–"}


class UnknownAlgorithm(ValueError):
    """Raised for an identifier that the registry does not hold."""


@dataclass(frozen=True)
class Entry:
    """What the harness and the documentation need to know of an algorithm without importing it."""

    id: str  # "ppo", "sb3/ppo"
    target: str  # "module:Class"
    family: str
    title: str
    paper: str
    twin: str | None = None  # the registry's id of the reference implementation
    policy: str = "MlpPolicy"
    lockstep: bool = True  # trains many seeds in one process through `seeds=`
    together: int = 10  # seeds in lock-step beyond which a process gains little, as `python -m benchmarks.speed` measures it
    unit: str = "steps"  # what total_timesteps counts: environment "steps", or "backups" of a planner
    predicts: bool = False  # learns what a given policy is worth, not a better one: its return says nothing of what it learnt
    deviations: tuple[str, ...] = ()  # known differences from the twin, printed in every report

    @property
    def class_name(self) -> str:
        return self.target.partition(":")[2]

    @property
    def kind(self) -> str:
        if self.predicts:
            return "prediction"
        return "planning" if self.unit == "backups" else "bandit" if self.family == "bandits" else "control"

    @property
    def learns(self) -> str:
        """What holds what it learns: a "table", weights of "linear" features, neural networks ("deep"), or nothing ("–")."""
        return _LEARNS.get(self.policy, "deep")

    def load(self) -> type:
        module, _, name = self.target.partition(":")
        return getattr(importlib.import_module(module), name)


def _ours(id: str, target: str, title: str, paper: str, **more) -> Entry:
    family = target.partition(":")[0].partition(".")[0]
    return Entry(id, f"from_scratch.{target}", family, title, paper, **more)


def _sb3(name: str, paper: str) -> Entry:
    return Entry(f"sb3/{name.lower()}", f"stable_baselines3:{name}", "stable_baselines3", f"{name} of Stable-Baselines3", paper, lockstep=False)


_KEYWORDS = "Two keywords are added behind SB3's: seeds, which trains several models in lock-step from private random streams, and n_envs."
_BATCHED = (
    "Values, log-probabilities and bootstraps are computed in one batched pass after the rollout, and updates of plain MLPs run in NumPy, which round "
    "differently: weights stay within 1e-6 of SB3's over some hundred steps, but are not equal to the bit."
)
_MOMENTS = "The optimizers' state is there before the first update, with moments of zero, where SB3's is still empty; files hold it."
_FOLLOWS = (_KEYWORDS, _MOMENTS)

_ALL = (
    _ours("random", "baselines.random_agent:RandomAgent", "Uniformly random actions", "–", policy="RandomPolicy"),
    _ours("epsilon_greedy_bandit", "bandits.epsilon_greedy:EpsilonGreedyBandit", "ε-greedy bandit", "Sutton & Barto 2018, §2.4", policy="TabularPolicy"),
    _ours("optimistic_bandit", "bandits.optimistic:OptimisticBandit", "Bandit with optimistic initial values", "Sutton & Barto 2018, §2.6",
          policy="TabularPolicy"),
    _ours("ucb_bandit", "bandits.ucb:UCBBandit", "Upper confidence bounds (UCB1)", "Auer et al. 2002", policy="TabularPolicy"),
    _ours("gradient_bandit", "bandits.gradient:GradientBandit", "Gradient bandit", "Sutton & Barto 2018, §2.8", policy="TabularPolicy"),
    _ours("thompson_sampling", "bandits.thompson_sampling:ThompsonSampling", "Thompson sampling (Beta–Bernoulli)", "Thompson 1933", policy="TabularPolicy"),
    _ours("gaussian_thompson_sampling", "bandits.thompson_sampling:GaussianThompsonSampling", "Thompson sampling (Gaussian)", "Thompson 1933",
          policy="TabularPolicy"),
    _ours("value_iteration", "dynamic_programming.value_iteration:ValueIteration", "Value iteration", "Sutton & Barto 2018, §4.4",
          policy="TabularPolicy", unit="backups"),
    _ours("policy_iteration", "dynamic_programming.policy_iteration:PolicyIteration", "Policy iteration", "Sutton & Barto 2018, §4.3",
          policy="TabularPolicy", unit="backups"),
    _ours("policy_evaluation", "dynamic_programming.policy_evaluation:PolicyEvaluation", "Policy evaluation", "Sutton & Barto 2018, §4.1",
          policy="TabularPolicy", unit="backups", predicts=True),
    _ours("modified_policy_iteration", "dynamic_programming.modified_policy_iteration:ModifiedPolicyIteration", "Modified policy iteration",
          "Puterman & Shin 1978", policy="TabularPolicy", unit="backups"),
    _ours("gauss_seidel_value_iteration", "dynamic_programming.gauss_seidel_value_iteration:GaussSeidelValueIteration", "Gauss–Seidel value iteration",
          "Sutton & Barto 2018, §4.4", policy="TabularPolicy", unit="backups"),
    _ours("asynchronous_value_iteration", "dynamic_programming.asynchronous_value_iteration:AsynchronousValueIteration", "Asynchronous value iteration",
          "Sutton & Barto 2018, §4.5", policy="TabularPolicy", unit="backups"),
    _ours("prioritised_value_iteration", "dynamic_programming.prioritised_value_iteration:PrioritisedValueIteration", "Prioritised value iteration",
          "Moore & Atkeson 1993; Wingate & Seppi 2005", policy="TabularPolicy", unit="backups"),
    _ours("linear_programming", "dynamic_programming.linear_programming:LinearProgramming", "Linear programming", "d'Epenoux 1963; Puterman 1994, §6.9",
          policy="TabularPolicy", unit="backups"),
    _ours("afterstate_td", "temporal_difference.afterstate_td:AfterstateTD", "TD learning of afterstates by self-play", "Sutton & Barto 2018, §1.5",
          policy="TabularPolicy"),
    _ours("mc_prediction", "monte_carlo.prediction:MCPrediction", "First-visit Monte Carlo prediction", "Sutton & Barto 2018, §5.1",
          policy="TabularPolicy", predicts=True),
    _ours("every_visit_mc_prediction", "monte_carlo.prediction:EveryVisitMCPrediction", "Every-visit Monte Carlo prediction", "Singh & Sutton 1996",
          policy="TabularPolicy", predicts=True),
    _ours("mc_exploring_starts", "monte_carlo.exploring_starts:MCExploringStarts", "Monte Carlo control with exploring starts",
          "Sutton & Barto 2018, §5.3", policy="TabularPolicy"),
    _ours("mc_control", "monte_carlo.control:MCControl", "Monte Carlo control (ε-soft, on-policy)", "Sutton & Barto 2018, §5.4", policy="TabularPolicy"),
    _ours("off_policy_mc_prediction", "monte_carlo.off_policy_prediction:OffPolicyMCPrediction",
          "Off-policy Monte Carlo prediction (weighted importance sampling)", "Sutton & Barto 2018, §5.6", policy="TabularPolicy", predicts=True),
    _ours("ordinary_off_policy_mc_prediction", "monte_carlo.off_policy_prediction:OrdinaryOffPolicyMCPrediction",
          "Off-policy Monte Carlo prediction (ordinary importance sampling)", "Sutton & Barto 2018, §5.5", policy="TabularPolicy", predicts=True),
    _ours("per_decision_off_policy_mc_prediction", "monte_carlo.off_policy_prediction:PerDecisionOffPolicyMCPrediction",
          "Off-policy Monte Carlo prediction (per-decision importance sampling)", "Precup et al. 2000", policy="TabularPolicy", predicts=True),
    _ours("off_policy_mc_control", "monte_carlo.off_policy_control:OffPolicyMCControl", "Off-policy Monte Carlo control", "Sutton & Barto 2018, §5.7",
          policy="TabularPolicy"),
    _ours("q_learning", "temporal_difference.q_learning:QLearning", "Q-learning", "Watkins & Dayan 1992", policy="TabularPolicy"),
    _ours("sarsa", "temporal_difference.sarsa:SARSA", "SARSA", "Rummery & Niranjan 1994", policy="TabularPolicy"),
    _ours("expected_sarsa", "temporal_difference.expected_sarsa:ExpectedSARSA", "Expected SARSA", "van Seijen et al. 2009", policy="TabularPolicy"),
    _ours("double_q_learning", "temporal_difference.double_q_learning:DoubleQLearning", "Double Q-learning", "van Hasselt 2010", policy="TabularPolicy"),
    _ours("n_step_sarsa", "temporal_difference.n_step_sarsa:NStepSARSA", "n-step SARSA", "Sutton & Barto 2018, §7.2", policy="TabularPolicy"),
    _ours("off_policy_n_step_sarsa", "temporal_difference.off_policy_n_step_sarsa:OffPolicyNStepSARSA", "Off-policy n-step SARSA",
          "Sutton & Barto 2018, §7.3", policy="TabularPolicy"),
    _ours("tree_backup", "temporal_difference.tree_backup:TreeBackup", "n-step tree backup", "Precup et al. 2000", policy="TabularPolicy"),
    _ours("q_sigma", "temporal_difference.q_sigma:QSigma", "n-step Q(σ)", "De Asis et al. 2018", policy="TabularPolicy"),
    _ours("td0", "temporal_difference.td0:TD0", "TD(0), prediction", "Sutton 1988", policy="TabularPolicy", predicts=True),
    _ours("n_step_td", "temporal_difference.n_step_td:NStepTD", "n-step TD, prediction", "Sutton & Barto 2018, §7.1", policy="TabularPolicy", predicts=True),
    _ours("batch_td", "temporal_difference.batch_td:BatchTD", "Batch TD(0), prediction", "Sutton & Barto 2018, §6.3", policy="TabularPolicy", predicts=True),
    _ours("batch_mc", "temporal_difference.batch_mc:BatchMC", "Batch Monte Carlo, prediction", "Sutton & Barto 2018, §6.3",
          policy="TabularPolicy", predicts=True),
    _ours("offline_lambda_return", "eligibility_traces.offline_lambda_return:OfflineLambdaReturn", "Off-line λ-return, prediction",
          "Sutton & Barto 2018, §12.1", policy="TabularPolicy", predicts=True),
    _ours("td_lambda", "eligibility_traces.td_lambda:TDLambda", "TD(λ), prediction", "Sutton 1988", policy="TabularPolicy", predicts=True),
    _ours("true_online_td_lambda", "eligibility_traces.true_online_td_lambda:TrueOnlineTDLambda", "True online TD(λ), prediction",
          "van Seijen & Sutton 2014", policy="TabularPolicy", predicts=True),
    _ours("sarsa_lambda", "eligibility_traces.sarsa_lambda:SARSALambda", "SARSA(λ)", "Rummery & Niranjan 1994", policy="TabularPolicy"),
    _ours("watkins_q_lambda", "eligibility_traces.watkins_q_lambda:WatkinsQLambda", "Watkins's Q(λ)", "Watkins 1989", policy="TabularPolicy"),
    _ours("dyna_q", "model_based.dyna_q:DynaQ", "Dyna-Q", "Sutton 1990; Sutton & Barto 2018, §8.2", policy="TabularPolicy"),
    _ours("dyna_q_plus", "model_based.dyna_q_plus:DynaQPlus", "Dyna-Q+", "Sutton 1990; Sutton & Barto 2018, §8.3", policy="TabularPolicy"),
    _ours("prioritized_sweeping", "model_based.prioritized_sweeping:PrioritizedSweeping", "Prioritised sweeping", "Moore & Atkeson 1993",
          policy="TabularPolicy"),
    _ours("gradient_mc", "linear.gradient_mc:GradientMC", "Gradient Monte Carlo prediction", "Sutton & Barto 2018, §9.3",
          policy="LinearPolicy", predicts=True),
    _ours("semi_gradient_td", "linear.semi_gradient_td:SemiGradientTD", "Semi-gradient TD(0)", "Sutton 1988", policy="LinearPolicy", predicts=True),
    _ours("n_step_semi_gradient_td", "linear.n_step_semi_gradient_td:NStepSemiGradientTD", "n-step semi-gradient TD",
          "Sutton & Barto 2018, §9.4", policy="LinearPolicy", predicts=True),
    _ours("linear_td_lambda", "linear.td_lambda:LinearTDLambda", "Semi-gradient TD(λ)", "Sutton 1988", policy="LinearPolicy", predicts=True),
    _ours("linear_true_online_td_lambda", "linear.true_online_td_lambda:LinearTrueOnlineTDLambda", "True online TD(λ), linear",
          "van Seijen & Sutton 2014", policy="LinearPolicy", predicts=True),
    _ours("lstd", "linear.lstd:LSTD", "Least-squares TD", "Bradtke & Barto 1996", policy="LinearPolicy", predicts=True),
    _ours("gtd2", "linear.gtd2:GTD2", "Gradient TD (GTD2)", "Sutton et al. 2009", policy="LinearPolicy", predicts=True),
    _ours("tdc", "linear.tdc:TDC", "TD with gradient correction (TDC)", "Sutton et al. 2009", policy="LinearPolicy", predicts=True),
    _ours("emphatic_td", "linear.emphatic_td:EmphaticTD", "Emphatic TD", "Sutton, Mahmood & White 2016", policy="LinearPolicy", predicts=True),
    _ours("semi_gradient_sarsa", "linear.semi_gradient_sarsa:SemiGradientSARSA", "Semi-gradient Sarsa", "Sutton & Barto 2018, §10.1", policy="LinearPolicy"),
    _ours("n_step_semi_gradient_sarsa", "linear.n_step_semi_gradient_sarsa:NStepSemiGradientSARSA", "n-step semi-gradient Sarsa",
          "Sutton & Barto 2018, §10.2", policy="LinearPolicy"),
    _ours("differential_sarsa", "linear.differential_sarsa:DifferentialSARSA", "Differential Sarsa", "Sutton & Barto 2018, §10.3", policy="LinearPolicy"),
    _ours("linear_sarsa_lambda", "linear.sarsa_lambda:LinearSARSALambda", "Sarsa(λ), linear", "Rummery 1995", policy="LinearPolicy"),
    _ours("true_online_sarsa_lambda", "linear.true_online_sarsa_lambda:TrueOnlineSARSALambda", "True online Sarsa(λ)",
          "van Seijen et al. 2016", policy="LinearPolicy"),
    _ours("linear_watkins_q_lambda", "linear.watkins_q_lambda:LinearWatkinsQLambda", "Watkins's Q(λ), linear", "Watkins 1989", policy="LinearPolicy"),
    _ours("uniform_updates", "model_based.trajectory_sampling:UniformUpdates", "Expected updates of Q in turn", "Sutton & Barto 2018, §8.6",
          policy="TabularPolicy", unit="backups"),
    _ours("trajectory_sampling", "model_based.trajectory_sampling:TrajectorySampling", "Trajectory sampling", "Sutton & Barto 2018, §8.6",
          policy="TabularPolicy", unit="backups"),
    _ours("reinforce", "policy_gradient.reinforce:REINFORCE", "REINFORCE", "Williams 1992", lockstep=False),
    _ours("reinforce_baseline", "policy_gradient.reinforce_baseline:REINFORCEBaseline", "REINFORCE with a learned baseline",
          "Sutton & Barto 2018, §13.4", lockstep=False),
    _ours("softmax_reinforce", "policy_gradient.softmax_reinforce:SoftmaxREINFORCE", "REINFORCE of tables", "Williams 1992", policy="TabularPolicy"),
    _ours("softmax_reinforce_baseline", "policy_gradient.softmax_reinforce_baseline:SoftmaxREINFORCEBaseline", "REINFORCE with baseline, of tables",
          "Sutton & Barto 2018, §13.4", policy="TabularPolicy"),
    _ours("a2c", "policy_gradient.a2c:A2C", "Advantage actor-critic", "Mnih et al. 2016", twin="sb3/a2c", deviations=(_BATCHED, *_FOLLOWS)),
    _ours("ddpg", "continuous_control.ddpg:DDPG", "Deep deterministic policy gradient", "Lillicrap et al. 2016", twin="sb3/ddpg", together=5,
          deviations=_FOLLOWS),
    _ours("td3", "continuous_control.td3:TD3", "Twin delayed DDPG", "Fujimoto et al. 2018", twin="sb3/td3", together=5, deviations=_FOLLOWS),
    _ours("sac", "continuous_control.sac:SAC", "Soft actor-critic", "Haarnoja et al. 2018", twin="sb3/sac", together=5, deviations=_FOLLOWS),
    _ours("dqn", "value_based.dqn:DQN", "Deep Q-network", "Mnih et al. 2015", twin="sb3/dqn", deviations=_FOLLOWS),
    _ours("naive_deep_q", "value_based.naive_deep_q:NaiveDeepQ", "Deep Q-learning without replay and target network", "Sutton & Barto 2018, §11.3"),
    _ours("dqn_without_replay", "value_based.naive_deep_q:DQNWithoutReplay", "DQN without replay", "van Hasselt et al. 2018"),
    _ours("dqn_without_target", "value_based.naive_deep_q:DQNWithoutTarget", "DQN without target network", "van Hasselt et al. 2018"),
    _ours("dqn_diagnosed", "value_based.naive_deep_q:DiagnosedDQN", "DQN with divergence diagnostics", "van Hasselt et al. 2018"),
    _ours("ppo", "policy_gradient.ppo:PPO", "Proximal policy optimisation (clip)", "Schulman et al. 2017", twin="sb3/ppo", deviations=(_BATCHED, *_FOLLOWS)),
    _sb3("DQN", "Mnih et al. 2015"),
    _sb3("PPO", "Schulman et al. 2017"),
    _sb3("A2C", "Mnih et al. 2016"),
    _sb3("DDPG", "Lillicrap et al. 2016"),
    _sb3("TD3", "Fujimoto et al. 2018"),
    _sb3("SAC", "Haarnoja et al. 2018"),
)

ENTRIES: dict[str, Entry] = {entry.id: entry for entry in _ALL}


def find(id: str) -> Entry:
    """The entry of an algorithm; raises UnknownAlgorithm with the nearest name."""
    if id in ENTRIES:
        return ENTRIES[id]
    near = difflib.get_close_matches(id, ENTRIES, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise UnknownAlgorithm(f"unknown algorithm '{id}': {hint}(sb3-course list)")


def load(id: str) -> type:
    """The algorithm's class, imported now."""
    return find(id).load()
