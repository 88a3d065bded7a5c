"""Learnt models and planning: experience also teaches what the world does, and is relived (Sutton & Barto 2018, chapter 8).

Dyna-Q learns from a step, remembers where it led, and learns again from what it remembers; Dyna-Q+ looks after what it has not tried for long, and prioritised
sweeping backs up first what has changed most. `trajectory_sampling.py` asks which pairs a planner should update at all, `replay_q_learning.py` which memories
are worth reliving. Read `dyna_q.py` first.
"""

from from_scratch.core.entry import Family, algorithm

FAMILY = Family.of(
    "model_based",
    title="Learnt models and planning",
    about="A model is learnt, or given by samples, and planned with, beside or instead of learning from experience.",
    shared={"policy": "TabularPolicy", "actions": ("Discrete",)},
    algorithms=[
        algorithm("dyna_q", ".dyna_q:DynaQ", "Dyna-Q", "Sutton 1990; Sutton & Barto 2018, §8.2"),
        algorithm("dyna_q_plus", ".dyna_q_plus:DynaQPlus", "Dyna-Q+", "Sutton 1990; Sutton & Barto 2018, §8.3"),
        algorithm("prioritized_sweeping", ".prioritized_sweeping:PrioritizedSweeping", "Prioritised sweeping", "Moore & Atkeson 1993"),
        algorithm("uniform_updates", ".trajectory_sampling:UniformUpdates", "Expected updates of Q in turn", "Sutton & Barto 2018, §8.6",
                  loop="planning", unit="backups", cannot={"seeds": "the order of its updates is fixed"}),
        algorithm("trajectory_sampling", ".trajectory_sampling:TrajectorySampling", "Trajectory sampling", "Sutton & Barto 2018, §8.6",
                  loop="planning", unit="backups"),
        algorithm("replay_q_learning", ".replay_q_learning:ReplayQLearning", "Q-learning from a full memory, drawn uniformly",
                  "Schaul et al. 2016, §3.1", loop="planning", unit="backups"),
        algorithm("greedy_replay_q_learning", ".replay_q_learning:GreedyReplayQLearning", "The same, the largest error first",
                  "Schaul et al. 2016, §3.2", loop="planning", unit="backups"),
        algorithm("prioritized_replay_q_learning", ".replay_q_learning:PrioritizedReplayQLearning", "The same, drawn by priority",
                  "Schaul et al. 2016, §3.3", loop="planning", unit="backups"),
        algorithm("oracle_replay_q_learning", ".replay_q_learning:OracleReplayQLearning", "The same, chosen by an oracle",
                  "Schaul et al. 2016, §3.1", loop="planning", unit="backups"),
    ],
)
