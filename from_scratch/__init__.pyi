"""The constructors, for type checkers and editors. Written by `python -m from_scratch.stub` from the classes' fields: do not edit."""

import collections.abc
import typing

import gymnasium.core
import stable_baselines3.common.noise
import stable_baselines3.common.policies
import stable_baselines3.common.vec_env.base_vec_env
import torch

import from_scratch.core.linear.features
from from_scratch.bandits.epsilon_greedy import EpsilonGreedyBandit as _EpsilonGreedyBandit
from from_scratch.bandits.gradient import GradientBandit as _GradientBandit
from from_scratch.bandits.optimistic import OptimisticBandit as _OptimisticBandit
from from_scratch.bandits.thompson_sampling import GaussianThompsonSampling as _GaussianThompsonSampling
from from_scratch.bandits.thompson_sampling import ThompsonSampling as _ThompsonSampling
from from_scratch.bandits.ucb import UCBBandit as _UCBBandit
from from_scratch.baselines.random_agent import RandomAgent as _RandomAgent
from from_scratch.continuous_control.ddpg import DDPG as _DDPG
from from_scratch.continuous_control.sac import SAC as _SAC
from from_scratch.continuous_control.td3 import TD3 as _TD3
from from_scratch.continuous_control.tqc import TQC as _TQC
from from_scratch.core.lockstep import eager as eager
from from_scratch.dynamic_programming.asynchronous_value_iteration import AsynchronousValueIteration as _AsynchronousValueIteration
from from_scratch.dynamic_programming.gauss_seidel_value_iteration import GaussSeidelValueIteration as _GaussSeidelValueIteration
from from_scratch.dynamic_programming.linear_programming import LinearProgramming as _LinearProgramming
from from_scratch.dynamic_programming.modified_policy_iteration import ModifiedPolicyIteration as _ModifiedPolicyIteration
from from_scratch.dynamic_programming.policy_evaluation import PolicyEvaluation as _PolicyEvaluation
from from_scratch.dynamic_programming.policy_iteration import PolicyIteration as _PolicyIteration
from from_scratch.dynamic_programming.prioritised_value_iteration import PrioritisedValueIteration as _PrioritisedValueIteration
from from_scratch.dynamic_programming.value_iteration import ValueIteration as _ValueIteration
from from_scratch.eligibility_traces.offline_lambda_return import OfflineLambdaReturn as _OfflineLambdaReturn
from from_scratch.eligibility_traces.sarsa_lambda import SARSALambda as _SARSALambda
from from_scratch.eligibility_traces.td_lambda import TDLambda as _TDLambda
from from_scratch.eligibility_traces.true_online_td_lambda import TrueOnlineTDLambda as _TrueOnlineTDLambda
from from_scratch.eligibility_traces.watkins_q_lambda import WatkinsQLambda as _WatkinsQLambda
from from_scratch.linear.differential_sarsa import DifferentialSARSA as _DifferentialSARSA
from from_scratch.linear.emphatic_td import EmphaticTD as _EmphaticTD
from from_scratch.linear.gradient_mc import GradientMC as _GradientMC
from from_scratch.linear.gtd2 import GTD2 as _GTD2
from from_scratch.linear.lstd import LSTD as _LSTD
from from_scratch.linear.n_step_semi_gradient_sarsa import NStepSemiGradientSARSA as _NStepSemiGradientSARSA
from from_scratch.linear.n_step_semi_gradient_td import NStepSemiGradientTD as _NStepSemiGradientTD
from from_scratch.linear.sarsa_lambda import LinearSARSALambda as _LinearSARSALambda
from from_scratch.linear.semi_gradient_sarsa import SemiGradientSARSA as _SemiGradientSARSA
from from_scratch.linear.semi_gradient_td import SemiGradientTD as _SemiGradientTD
from from_scratch.linear.td_lambda import LinearTDLambda as _LinearTDLambda
from from_scratch.linear.tdc import TDC as _TDC
from from_scratch.linear.true_online_sarsa_lambda import TrueOnlineSARSALambda as _TrueOnlineSARSALambda
from from_scratch.linear.true_online_td_lambda import LinearTrueOnlineTDLambda as _LinearTrueOnlineTDLambda
from from_scratch.linear.watkins_q_lambda import LinearWatkinsQLambda as _LinearWatkinsQLambda
from from_scratch.model_based.dyna_q import DynaQ as _DynaQ
from from_scratch.model_based.dyna_q_plus import DynaQPlus as _DynaQPlus
from from_scratch.model_based.prioritized_sweeping import PrioritizedSweeping as _PrioritizedSweeping
from from_scratch.model_based.trajectory_sampling import TrajectorySampling as _TrajectorySampling
from from_scratch.model_based.trajectory_sampling import UniformUpdates as _UniformUpdates
from from_scratch.monte_carlo.control import MCControl as _MCControl
from from_scratch.monte_carlo.exploring_starts import MCExploringStarts as _MCExploringStarts
from from_scratch.monte_carlo.off_policy_control import OffPolicyMCControl as _OffPolicyMCControl
from from_scratch.monte_carlo.off_policy_prediction import OffPolicyMCPrediction as _OffPolicyMCPrediction
from from_scratch.monte_carlo.off_policy_prediction import OrdinaryOffPolicyMCPrediction as _OrdinaryOffPolicyMCPrediction
from from_scratch.monte_carlo.off_policy_prediction import PerDecisionOffPolicyMCPrediction as _PerDecisionOffPolicyMCPrediction
from from_scratch.monte_carlo.prediction import EveryVisitMCPrediction as _EveryVisitMCPrediction
from from_scratch.monte_carlo.prediction import MCPrediction as _MCPrediction
from from_scratch.policy_gradient.a2c import A2C as _A2C
from from_scratch.policy_gradient.ppo import PPO as _PPO
from from_scratch.policy_gradient.reinforce import REINFORCE as _REINFORCE
from from_scratch.policy_gradient.reinforce_baseline import REINFORCEBaseline as _REINFORCEBaseline
from from_scratch.policy_gradient.softmax_reinforce import SoftmaxREINFORCE as _SoftmaxREINFORCE
from from_scratch.policy_gradient.softmax_reinforce_baseline import SoftmaxREINFORCEBaseline as _SoftmaxREINFORCEBaseline
from from_scratch.temporal_difference.afterstate_td import AfterstateTD as _AfterstateTD
from from_scratch.temporal_difference.batch_mc import BatchMC as _BatchMC
from from_scratch.temporal_difference.batch_td import BatchTD as _BatchTD
from from_scratch.temporal_difference.double_q_learning import DoubleQLearning as _DoubleQLearning
from from_scratch.temporal_difference.expected_sarsa import ExpectedSARSA as _ExpectedSARSA
from from_scratch.temporal_difference.n_step_sarsa import NStepSARSA as _NStepSARSA
from from_scratch.temporal_difference.n_step_td import NStepTD as _NStepTD
from from_scratch.temporal_difference.off_policy_n_step_sarsa import OffPolicyNStepSARSA as _OffPolicyNStepSARSA
from from_scratch.temporal_difference.q_learning import QLearning as _QLearning
from from_scratch.temporal_difference.q_sigma import QSigma as _QSigma
from from_scratch.temporal_difference.sarsa import SARSA as _SARSA
from from_scratch.temporal_difference.td0 import TD0 as _TD0
from from_scratch.temporal_difference.tree_backup import TreeBackup as _TreeBackup
from from_scratch.value_based.dqn import DQN as _DQN
from from_scratch.value_based.naive_deep_q import DQNWithoutReplay as _DQNWithoutReplay
from from_scratch.value_based.naive_deep_q import DQNWithoutTarget as _DQNWithoutTarget
from from_scratch.value_based.naive_deep_q import DiagnosedDQN as _DiagnosedDQN
from from_scratch.value_based.naive_deep_q import NaiveDeepQ as _NaiveDeepQ
from from_scratch.value_based.qrdqn import QRDQN as _QRDQN

__all__: list[str]

class A2C(_A2C):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] = 0.0007,
        n_steps: int = 5,
        gamma: float = 0.99,
        gae_lambda: float = 1.0,
        ent_coef: float = 0.0,
        vf_coef: float = 0.5,
        max_grad_norm: float = 0.5,
        rms_prop_eps: float = 1e-05,
        use_rms_prop: bool = True,
        use_sde: bool = False,
        sde_sample_freq: int = -1,
        rollout_buffer_class: type | None = None,
        rollout_buffer_kwargs: dict | None = None,
        normalize_advantage: bool = False,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class AfterstateTD(_AfterstateTD):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.1,
        initial_value: float = 0.5,
        learning_rate_decay: float = 0.0,
        exploration_rate: float = 0.1,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class AsynchronousValueIteration(_AsynchronousValueIteration):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        gamma: float = 0.99,
        theta: float = 1e-12,
        tolerance: float = 1e-09,
        max_sweeps: int = 1000000,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class BatchMC(_BatchMC, BatchTD):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float = 0.5,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        pi: typing.Any = None,
        theta: float = 1e-09,
        exact: bool = False,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class BatchTD(_BatchTD):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float = 0.5,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        pi: typing.Any = None,
        theta: float = 1e-09,
        exact: bool = False,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class DDPG(_DDPG, TD3):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] = 0.001,
        buffer_size: int = 1000000,
        learning_starts: int = 100,
        batch_size: int = 256,
        tau: float = 0.005,
        gamma: float = 0.99,
        train_freq: int | tuple[int, str] = 1,
        gradient_steps: int = 1,
        action_noise: stable_baselines3.common.noise.ActionNoise | None = None,
        replay_buffer_class: type | None = None,
        replay_buffer_kwargs: dict | None = None,
        optimize_memory_usage: bool = False,
        n_steps: int = 1,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class DQN(_DQN):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] = 0.0001,
        buffer_size: int = 1000000,
        learning_starts: int = 100,
        batch_size: int = 32,
        tau: float = 1.0,
        gamma: float = 0.99,
        train_freq: int | tuple[int, str] = 4,
        gradient_steps: int = 1,
        replay_buffer_class: type | None = None,
        replay_buffer_kwargs: dict | None = None,
        optimize_memory_usage: bool = False,
        n_steps: int = 1,
        target_update_interval: int = 10000,
        exploration_fraction: float = 0.1,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        max_grad_norm: float = 10,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class DQNWithoutReplay(_DQNWithoutReplay, DiagnosedDQN):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] = 0.0001,
        tau: float = 1.0,
        gamma: float = 0.99,
        target_update_interval: int = 10000,
        exploration_fraction: float = 0.1,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        max_grad_norm: float = 10,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class DQNWithoutTarget(_DQNWithoutTarget, DiagnosedDQN):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] = 0.0001,
        buffer_size: int = 1000000,
        learning_starts: int = 100,
        batch_size: int = 32,
        gamma: float = 0.99,
        replay_buffer_class: type | None = None,
        replay_buffer_kwargs: dict | None = None,
        optimize_memory_usage: bool = False,
        n_steps: int = 1,
        exploration_fraction: float = 0.1,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        max_grad_norm: float = 10,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class DiagnosedDQN(_DiagnosedDQN, DQN):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] = 0.0001,
        buffer_size: int = 1000000,
        learning_starts: int = 100,
        batch_size: int = 32,
        tau: float = 1.0,
        gamma: float = 0.99,
        replay_buffer_class: type | None = None,
        replay_buffer_kwargs: dict | None = None,
        optimize_memory_usage: bool = False,
        n_steps: int = 1,
        target_update_interval: int = 10000,
        exploration_fraction: float = 0.1,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        max_grad_norm: float = 10,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class DifferentialSARSA(_DifferentialSARSA):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.01,
        features: str | collections.abc.Callable[..., from_scratch.core.linear.features.Features] = "auto",
        features_kwargs: dict[str, typing.Any] | None = None,
        exploration_initial_eps: float = 0.1,
        exploration_final_eps: float = 0.1,
        exploration_fraction: float = 0.1,
        beta: float = 0.01,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class DoubleQLearning(_DoubleQLearning):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.1,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        learning_rate_decay: float = 0.0,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        exploration_fraction: float = 0.1,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class DynaQ(_DynaQ, QLearning):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.1,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        learning_rate_decay: float = 0.0,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        exploration_fraction: float = 0.1,
        planning_steps: int = 5,
        model_size: int = 1,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class DynaQPlus(_DynaQPlus, DynaQ):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.1,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        learning_rate_decay: float = 0.0,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        exploration_fraction: float = 0.1,
        planning_steps: int = 5,
        model_size: int = 1,
        kappa: float = 0.001,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class EmphaticTD(_EmphaticTD):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.01,
        gamma: float = 0.99,
        features: str | collections.abc.Callable[..., from_scratch.core.linear.features.Features] = "auto",
        features_kwargs: dict[str, typing.Any] | None = None,
        pi: typing.Any = None,
        behaviour: typing.Any = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class EpsilonGreedyBandit(_EpsilonGreedyBandit):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] = 1.0,
        learning_rate_decay: float = 1.0,
        initial_value: float = 0.0,
        epsilon: float = 0.1,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class EveryVisitMCPrediction(_EveryVisitMCPrediction, MCPrediction):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 1.0,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        learning_rate_decay: float = 1.0,
        pi: typing.Any = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class ExpectedSARSA(_ExpectedSARSA):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.1,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        learning_rate_decay: float = 0.0,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        exploration_fraction: float = 0.1,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class GTD2(_GTD2):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.01,
        gamma: float = 0.99,
        features: str | collections.abc.Callable[..., from_scratch.core.linear.features.Features] = "auto",
        features_kwargs: dict[str, typing.Any] | None = None,
        pi: typing.Any = None,
        behaviour: typing.Any = None,
        beta: float = 0.05,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class GaussSeidelValueIteration(_GaussSeidelValueIteration):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        gamma: float = 0.99,
        theta: float = 1e-12,
        tolerance: float = 1e-09,
        max_sweeps: int = 1000000,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class GaussianThompsonSampling(_GaussianThompsonSampling):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        prior_mean: float = 0.0,
        prior_std: float = 1.0,
        noise_std: float = 1.0,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class GradientBandit(_GradientBandit):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] = 0.1,
        baseline: bool = True,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class GradientMC(_GradientMC):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.01,
        gamma: float = 0.99,
        features: str | collections.abc.Callable[..., from_scratch.core.linear.features.Features] = "auto",
        features_kwargs: dict[str, typing.Any] | None = None,
        pi: typing.Any = None,
        behaviour: typing.Any = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class LSTD(_LSTD):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        gamma: float = 0.99,
        features: str | collections.abc.Callable[..., from_scratch.core.linear.features.Features] = "auto",
        features_kwargs: dict[str, typing.Any] | None = None,
        pi: typing.Any = None,
        behaviour: typing.Any = None,
        epsilon: float = 1.0,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class LinearProgramming(_LinearProgramming):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        gamma: float = 0.99,
        theta: float = 1e-12,
        tolerance: float = 1e-09,
        mu: typing.Any = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class LinearSARSALambda(_LinearSARSALambda):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.01,
        gamma: float = 0.99,
        features: str | collections.abc.Callable[..., from_scratch.core.linear.features.Features] = "auto",
        features_kwargs: dict[str, typing.Any] | None = None,
        exploration_initial_eps: float = 0.1,
        exploration_final_eps: float = 0.1,
        exploration_fraction: float = 0.1,
        lambda_: float = 0.9,
        trace: str = "replacing",
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class LinearTDLambda(_LinearTDLambda):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.01,
        gamma: float = 0.99,
        features: str | collections.abc.Callable[..., from_scratch.core.linear.features.Features] = "auto",
        features_kwargs: dict[str, typing.Any] | None = None,
        pi: typing.Any = None,
        behaviour: typing.Any = None,
        lambda_: float = 0.9,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class LinearTrueOnlineTDLambda(_LinearTrueOnlineTDLambda):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.01,
        gamma: float = 0.99,
        features: str | collections.abc.Callable[..., from_scratch.core.linear.features.Features] = "auto",
        features_kwargs: dict[str, typing.Any] | None = None,
        pi: typing.Any = None,
        lambda_: float = 0.9,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class LinearWatkinsQLambda(_LinearWatkinsQLambda):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.01,
        gamma: float = 0.99,
        features: str | collections.abc.Callable[..., from_scratch.core.linear.features.Features] = "auto",
        features_kwargs: dict[str, typing.Any] | None = None,
        exploration_initial_eps: float = 0.1,
        exploration_final_eps: float = 0.1,
        exploration_fraction: float = 0.1,
        lambda_: float = 0.9,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class MCControl(_MCControl):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 1.0,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        learning_rate_decay: float = 1.0,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        exploration_fraction: float = 0.1,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class MCExploringStarts(_MCExploringStarts, MCControl):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 1.0,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        learning_rate_decay: float = 1.0,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class MCPrediction(_MCPrediction):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 1.0,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        learning_rate_decay: float = 1.0,
        pi: typing.Any = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class ModifiedPolicyIteration(_ModifiedPolicyIteration):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        gamma: float = 0.99,
        theta: float = 1e-12,
        tolerance: float = 1e-09,
        evaluation_sweeps: int = 10,
        max_sweeps: int = 1000000,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class NStepSARSA(_NStepSARSA):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.1,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        learning_rate_decay: float = 0.0,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        exploration_fraction: float = 0.1,
        n_steps: int = 4,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class NStepSemiGradientSARSA(_NStepSemiGradientSARSA):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.01,
        gamma: float = 0.99,
        features: str | collections.abc.Callable[..., from_scratch.core.linear.features.Features] = "auto",
        features_kwargs: dict[str, typing.Any] | None = None,
        exploration_initial_eps: float = 0.1,
        exploration_final_eps: float = 0.1,
        exploration_fraction: float = 0.1,
        n_steps: int = 4,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class NStepSemiGradientTD(_NStepSemiGradientTD):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.01,
        gamma: float = 0.99,
        features: str | collections.abc.Callable[..., from_scratch.core.linear.features.Features] = "auto",
        features_kwargs: dict[str, typing.Any] | None = None,
        pi: typing.Any = None,
        behaviour: typing.Any = None,
        n_steps: int = 4,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class NStepTD(_NStepTD):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.1,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        learning_rate_decay: float = 0.0,
        pi: typing.Any = None,
        n_steps: int = 4,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class NaiveDeepQ(_NaiveDeepQ, DQNWithoutReplay):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] = 0.0001,
        gamma: float = 0.99,
        exploration_fraction: float = 0.1,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        max_grad_norm: float = 10,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class OffPolicyMCControl(_OffPolicyMCControl):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        exploration_fraction: float = 0.1,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class OffPolicyMCPrediction(_OffPolicyMCPrediction):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        pi: typing.Any = None,
        behaviour: typing.Any = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class OffPolicyNStepSARSA(_OffPolicyNStepSARSA):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.1,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        learning_rate_decay: float = 0.0,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        exploration_fraction: float = 0.1,
        n_steps: int = 4,
        target_eps: float = 0.0,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class OfflineLambdaReturn(_OfflineLambdaReturn):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.1,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        learning_rate_decay: float = 0.0,
        pi: typing.Any = None,
        lambda_: float = 0.9,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class OptimisticBandit(_OptimisticBandit, EpsilonGreedyBandit):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] = 0.1,
        learning_rate_decay: float = 0.0,
        initial_value: float = 5.0,
        epsilon: float = 0.0,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class OrdinaryOffPolicyMCPrediction(_OrdinaryOffPolicyMCPrediction, OffPolicyMCPrediction):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        pi: typing.Any = None,
        behaviour: typing.Any = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class PPO(_PPO):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] = 0.0003,
        n_steps: int = 2048,
        batch_size: int = 64,
        n_epochs: int = 10,
        gamma: float = 0.99,
        gae_lambda: float = 0.95,
        clip_range: float | collections.abc.Callable[[float], float] = 0.2,
        clip_range_vf: float | collections.abc.Callable[[float], float] | None = None,
        normalize_advantage: bool = True,
        ent_coef: float = 0.0,
        vf_coef: float = 0.5,
        max_grad_norm: float = 0.5,
        use_sde: bool = False,
        sde_sample_freq: int = -1,
        rollout_buffer_class: type | None = None,
        rollout_buffer_kwargs: dict | None = None,
        target_kl: float | None = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class PerDecisionOffPolicyMCPrediction(_PerDecisionOffPolicyMCPrediction, OffPolicyMCPrediction):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        pi: typing.Any = None,
        behaviour: typing.Any = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class PolicyEvaluation(_PolicyEvaluation):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        gamma: float = 0.99,
        theta: float = 1e-12,
        tolerance: float = 1e-09,
        pi: typing.Any = None,
        in_place: bool = True,
        exact: bool = False,
        max_sweeps: int = 10000,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class PolicyIteration(_PolicyIteration):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        gamma: float = 0.99,
        theta: float = 1e-12,
        tolerance: float = 1e-09,
        exact_evaluation: bool = False,
        max_sweeps: int = 10000,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class PrioritisedValueIteration(_PrioritisedValueIteration):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        gamma: float = 0.99,
        theta: float = 1e-12,
        tolerance: float = 1e-09,
        max_sweeps: int = 1000000,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class PrioritizedSweeping(_PrioritizedSweeping, DynaQ):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.1,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        learning_rate_decay: float = 0.0,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        exploration_fraction: float = 0.1,
        planning_steps: int = 5,
        model_size: int = 1,
        theta: float = 0.0001,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class QLearning(_QLearning):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.1,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        learning_rate_decay: float = 0.0,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        exploration_fraction: float = 0.1,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class QRDQN(_QRDQN):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] = 5e-05,
        buffer_size: int = 1000000,
        learning_starts: int = 100,
        batch_size: int = 32,
        tau: float = 1.0,
        gamma: float = 0.99,
        train_freq: int | tuple[int, str] = 4,
        gradient_steps: int = 1,
        replay_buffer_class: type | None = None,
        replay_buffer_kwargs: dict | None = None,
        optimize_memory_usage: bool = False,
        n_steps: int = 1,
        target_update_interval: int = 10000,
        exploration_fraction: float = 0.005,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.01,
        max_grad_norm: float | None = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class QSigma(_QSigma):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.1,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        learning_rate_decay: float = 0.0,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        exploration_fraction: float = 0.1,
        n_steps: int = 4,
        sigma: float = 0.5,
        target_eps: float = 0.0,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class REINFORCE(_REINFORCE):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] = 0.001,
        episodes_per_update: int = 5,
        gamma: float = 0.99,
        gamma_power: bool = False,
        normalize_returns: bool = False,
        ent_coef: float = 0.0,
        max_grad_norm: float | None = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class REINFORCEBaseline(_REINFORCEBaseline, REINFORCE):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] = 0.001,
        episodes_per_update: int = 5,
        gamma: float = 0.99,
        gamma_power: bool = False,
        normalize_returns: bool = False,
        ent_coef: float = 0.0,
        max_grad_norm: float | None = None,
        baseline_learning_rate: float | collections.abc.Callable[[float], float] = 0.01,
        baseline_steps: int = 10,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class RandomAgent(_RandomAgent):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class SAC(_SAC):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] = 0.0003,
        buffer_size: int = 1000000,
        learning_starts: int = 100,
        batch_size: int = 256,
        tau: float = 0.005,
        gamma: float = 0.99,
        train_freq: int | tuple[int, str] = 1,
        gradient_steps: int = 1,
        action_noise: stable_baselines3.common.noise.ActionNoise | None = None,
        replay_buffer_class: type | None = None,
        replay_buffer_kwargs: dict | None = None,
        optimize_memory_usage: bool = False,
        n_steps: int = 1,
        ent_coef: str | float = "auto",
        target_update_interval: int = 1,
        target_entropy: str | float = "auto",
        use_sde: bool = False,
        sde_sample_freq: int = -1,
        use_sde_at_warmup: bool = False,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class SARSA(_SARSA):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.1,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        learning_rate_decay: float = 0.0,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        exploration_fraction: float = 0.1,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class SARSALambda(_SARSALambda):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.1,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        learning_rate_decay: float = 0.0,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        exploration_fraction: float = 0.1,
        lambda_: float = 0.9,
        trace: str = "replacing",
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class SemiGradientSARSA(_SemiGradientSARSA):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.01,
        gamma: float = 0.99,
        features: str | collections.abc.Callable[..., from_scratch.core.linear.features.Features] = "auto",
        features_kwargs: dict[str, typing.Any] | None = None,
        exploration_initial_eps: float = 0.1,
        exploration_final_eps: float = 0.1,
        exploration_fraction: float = 0.1,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class SemiGradientTD(_SemiGradientTD):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.01,
        gamma: float = 0.99,
        features: str | collections.abc.Callable[..., from_scratch.core.linear.features.Features] = "auto",
        features_kwargs: dict[str, typing.Any] | None = None,
        pi: typing.Any = None,
        behaviour: typing.Any = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class SoftmaxREINFORCE(_SoftmaxREINFORCE):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] = 0.01,
        gamma: float = 0.99,
        min_probability: float = 0.0,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class SoftmaxREINFORCEBaseline(_SoftmaxREINFORCEBaseline, SoftmaxREINFORCE):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] = 0.01,
        gamma: float = 0.99,
        min_probability: float = 0.0,
        baseline_learning_rate: float = 0.1,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class TD0(_TD0):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.1,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        learning_rate_decay: float = 0.0,
        pi: typing.Any = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class TD3(_TD3):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] = 0.001,
        buffer_size: int = 1000000,
        learning_starts: int = 100,
        batch_size: int = 256,
        tau: float = 0.005,
        gamma: float = 0.99,
        train_freq: int | tuple[int, str] = 1,
        gradient_steps: int = 1,
        action_noise: stable_baselines3.common.noise.ActionNoise | None = None,
        replay_buffer_class: type | None = None,
        replay_buffer_kwargs: dict | None = None,
        optimize_memory_usage: bool = False,
        n_steps: int = 1,
        policy_delay: int = 2,
        target_policy_noise: float = 0.2,
        target_noise_clip: float = 0.5,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class TDC(_TDC):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.01,
        gamma: float = 0.99,
        features: str | collections.abc.Callable[..., from_scratch.core.linear.features.Features] = "auto",
        features_kwargs: dict[str, typing.Any] | None = None,
        pi: typing.Any = None,
        behaviour: typing.Any = None,
        beta: float = 0.05,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class TDLambda(_TDLambda):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.1,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        learning_rate_decay: float = 0.0,
        pi: typing.Any = None,
        lambda_: float = 0.9,
        trace: str = "accumulating",
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class TQC(_TQC, SAC):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] = 0.0003,
        buffer_size: int = 1000000,
        learning_starts: int = 100,
        batch_size: int = 256,
        tau: float = 0.005,
        gamma: float = 0.99,
        train_freq: int | tuple[int, str] = 1,
        gradient_steps: int = 1,
        action_noise: stable_baselines3.common.noise.ActionNoise | None = None,
        replay_buffer_class: type | None = None,
        replay_buffer_kwargs: dict | None = None,
        optimize_memory_usage: bool = False,
        n_steps: int = 1,
        ent_coef: str | float = "auto",
        target_update_interval: int = 1,
        target_entropy: str | float = "auto",
        top_quantiles_to_drop_per_net: int = 2,
        use_sde: bool = False,
        sde_sample_freq: int = -1,
        use_sde_at_warmup: bool = False,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class ThompsonSampling(_ThompsonSampling):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        prior_successes: float = 1.0,
        prior_failures: float = 1.0,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class TrajectorySampling(_TrajectorySampling):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        gamma: float = 0.99,
        exploration_rate: float = 0.1,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class TreeBackup(_TreeBackup):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.1,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        learning_rate_decay: float = 0.0,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        exploration_fraction: float = 0.1,
        n_steps: int = 4,
        target_eps: float = 0.0,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class TrueOnlineSARSALambda(_TrueOnlineSARSALambda):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.01,
        gamma: float = 0.99,
        features: str | collections.abc.Callable[..., from_scratch.core.linear.features.Features] = "auto",
        features_kwargs: dict[str, typing.Any] | None = None,
        exploration_initial_eps: float = 0.1,
        exploration_final_eps: float = 0.1,
        exploration_fraction: float = 0.1,
        lambda_: float = 0.9,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class TrueOnlineTDLambda(_TrueOnlineTDLambda):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.1,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        learning_rate_decay: float = 0.0,
        pi: typing.Any = None,
        lambda_: float = 0.9,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class UCBBandit(_UCBBandit):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] = 1.0,
        learning_rate_decay: float = 1.0,
        initial_value: float = 0.0,
        c: float = 2.0,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class UniformUpdates(_UniformUpdates):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        gamma: float = 0.99,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class ValueIteration(_ValueIteration):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        gamma: float = 0.99,
        theta: float = 1e-12,
        tolerance: float = 1e-09,
        max_sweeps: int = 1000000,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...

class WatkinsQLambda(_WatkinsQLambda, SARSALambda):
    def __init__(
        self,
        policy: str | type[stable_baselines3.common.policies.BasePolicy],
        env: gymnasium.core.Env | stable_baselines3.common.vec_env.base_vec_env.VecEnv | str | collections.abc.Callable[[], typing.Any] | None,
        learning_rate: float | collections.abc.Callable[[float], float] | collections.abc.Sequence[float] = 0.1,
        gamma: float = 0.99,
        initial_value: float = 0.0,
        learning_rate_decay: float = 0.0,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        exploration_fraction: float = 0.1,
        lambda_: float = 0.9,
        trace: str = "replacing",
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, typing.Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
        *,
        seeds: collections.abc.Sequence[int] | int | None = None,
        n_envs: int = 1,
    ) -> None: ...
