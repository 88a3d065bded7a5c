"""A time limit is not death: where it cut an episode short, what would have followed counts by its estimate; where the episode terminated, nothing follows."""

from typing import Any

import numpy as np
import pytest
import torch
from sb3_contrib.common.recurrent.type_aliases import RNNStates

from tests.contract.probes import TwoStates, every, make, train

FASTER = {  # rates with which some hundred steps are enough
    "table": {"learning_rate": 0.5, "learning_rate_decay": 0.0, "baseline_learning_rate": 0.5},
    "linear": {"learning_rate": 0.2, "beta": 0.5},
    "deep": {"learning_rate": 0.02, "baseline_learning_rate": 0.02, "critic_learning_rate": 0.02, "tau": 0.2, "train_freq": 1, "target_update_interval": 4,
             "ent_coef": 0.001},
}  # fmt: skip
HALF = {"gamma": 0.5}
STEPS = {"table": 300, "linear": 300, "deep": 600}


def value(model: Any) -> float:
    """What state 1 is worth to the model, by whatever of it says so."""
    if isinstance(getattr(model, "values", None), np.ndarray):
        return model.values[1]
    policy, obs = model.policy, torch.ones(1, *model.observation_space.shape)
    policy.set_training_mode(False)  # one state has no variance to normalise by
    with torch.no_grad():
        if hasattr(policy, "lstm_actor"):  # the state after state 0
            nothing = (torch.zeros(policy.lstm_hidden_state_shape),) * 2
            *_, states = policy(torch.zeros_like(obs), RNNStates(nothing, nothing), torch.ones(1))
            return policy.predict_values(obs, states.vf, torch.zeros(1)).item()
        if hasattr(policy, "q_net"):
            return getattr(policy.q_net, "values", policy.q_net)(obs).max().item()  # where it puts out something else than Q
        if hasattr(policy, "quantile_net"):
            return policy.quantile_net(obs).mean(1).max().item()
        if hasattr(policy, "critic") and hasattr(policy.critic, "values"):  # of every action
            return policy.critic.values(obs).max().item()
        if hasattr(policy, "critic"):
            q = policy.critic(obs, policy.actor(obs))
            return min(critic.mean().item() for critic in (q if isinstance(q, tuple) else q[0]))  # numbers, or quantiles [1, C, N]
        return (policy.baseline(obs) if hasattr(policy, "baseline") else policy.predict_values(obs)).item()


def learnt_value(entry, terminates):
    fields = {name: x for name, x in {**FASTER[entry.learns], **HALF}.items() if name in entry.load().hyperparameters}
    return value(train(make(entry, env=TwoStates.of(entry, terminates), seeds=[3], **fields), STEPS[entry.learns]))


@every("time limit", where=lambda entry: entry.unit == "steps", one_of=2)
def test_it_bootstraps_from_the_state_that_a_time_limit_cut_and_not_where_the_episode_terminated(entry):
    """γ = ½: the state is worth 2 if it goes on for ever, however often it is cut, and 1 if it ends. With the successor of the next episode it would be 1⅓."""
    assert learnt_value(entry, terminates=False) == pytest.approx(2, abs=0.25)
    assert learnt_value(entry, terminates=True) == pytest.approx(1, abs=0.25)
