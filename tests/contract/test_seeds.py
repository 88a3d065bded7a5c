"""What seeds promise: the same ones the same run, whatever else the process draws; several in lock-step what each learns alone, to the bit."""

import random

import numpy as np
import pytest
import torch

from from_scratch.envs.vector import vectorised
from tests.contract.probes import assert_same_state, env_for, every, learnt, make, one_line, same, state, train, unable

pytestmark = [pytest.mark.numerical, pytest.mark.filterwarnings("ignore:The number of environments used is greater:UserWarning")]  # as SB3's, of DQN

LOCKSTEP = {"where": lambda entry: entry.lockstep}


@every("learns")
def test_some_dozen_steps_change_what_it_has_learnt(entry):
    model = make(entry, seed=3)
    before = learnt(model)
    first = next(iter(before))  # values or weights: counts and models of the world come behind them
    assert not torch.equal(before[first], learnt(train(model))[first])


@unable("learns")
def test_whoever_learns_nothing_has_nothing_to_change(entry):
    assert learnt(train(make(entry, seed=3))) == {}


@every()
def test_the_same_seed_gives_the_same_weights_whatever_else_draws(entry):
    first = state(train(make(entry, seeds=[3])))
    random.random(), np.random.random(7), torch.rand(7)
    again = make(entry, seeds=[3])
    random.random(), np.random.random(7), torch.rand(7)
    assert_same_state(first, train(again))


@every(one_of=3)
def test_the_process_s_own_streams_give_the_same_numbers_as_private_ones(entry):
    assert_same_state(train(make(entry, seed=3)), train(make(entry, seeds=[3])))


@every("seeds")
def test_another_seed_gives_other_weights(entry):
    assert not same(learnt(train(make(entry, seeds=[3]))), learnt(train(make(entry, seeds=[4]))))


@unable("seeds")
def test_whoever_draws_nothing_learns_the_same_for_every_seed(entry):
    assert same(learnt(train(make(entry, seeds=[3]))), learnt(train(make(entry, seeds=[4]))))


@every("n_envs")
def test_several_environments_of_a_seed_are_played_side_by_side(entry):
    model = train(make(entry, seeds=[3], n_envs=2))
    assert (model.n_envs, model.env.num_envs) == (2, 2) and model.num_timesteps % 2 == 0


@unable("n_envs")
def test_whoever_plays_one_environment_refuses_two(entry):
    with pytest.raises(ValueError, match="plays one environment per seed, but 2 were given") as error:
        make(entry, seeds=[3], n_envs=2)
    one_line(error)


@every(**LOCKSTEP)
def test_a_seed_in_a_stack_is_the_seed_alone_to_the_bit_and_its_member_goes_on_as_it_would(entry):
    stack, alone = train(make(entry, seeds=[3, 4, 5])), train(make(entry, seeds=[4]))
    member = stack.member(1)
    assert_same_state(member, alone)
    assert_same_state(train(member), train(alone))


@every("n_envs", **LOCKSTEP)
def test_so_it_is_with_several_environments_for_each_seed(entry):
    stack, alone = (train(make(entry, seeds=seeds, n_envs=2)) for seeds in ([3, 4], [4]))
    assert_same_state(stack.member(1), alone)


@every(where=lambda entry: entry.lockstep and hasattr(env_for(entry)(), "P"))
def test_environments_in_one_block_are_environments_one_by_one(entry):
    env = env_for(entry)
    assert_same_state(train(make(entry, env=vectorised(env), seeds=[3, 4])), train(make(entry, env=env, seeds=[3, 4])))


@every(where=lambda entry: not entry.lockstep)
def test_whoever_trains_one_seed_at_a_time_refuses_several(entry):
    with pytest.raises(ValueError, match=r"trains one seed at a time \(lockstep = False\), but 2 were given") as error:
        make(entry, seeds=[3, 4])
    one_line(error)
    stack, alone = train(make(entry, seeds=[3])), train(make(entry, seeds=[3]))
    assert_same_state(train(stack.member(0)), train(alone))
