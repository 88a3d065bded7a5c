"""the test of learning looks at the error and not at the weights: it falls even if a layer is frozen

A frozen first layer is a network of random features, and those learn surprisingly well.
"""

import torch


def batch(m=64):
    draws = torch.Generator().manual_seed(1)
    return torch.randn(m, 3, generator=draws), torch.randint(2, (m,), generator=draws), torch.full((m,), 10.0)


def weights(network):
    return [p.detach().clone() for p in network.parameters()]


def values(network):
    with torch.no_grad():
        return network(batch()[0])


def test_target(Agent):
    agent = Agent(n_obs=3, n_actions=2)
    before = values(agent.q)
    assert torch.allclose(values(agent.q_target), before), "q_target does not begin as q"
    agent.learn(*batch())
    assert torch.allclose(values(agent.q_target), before), "q_target moved while q learnt"
    for _ in range(2):
        agent.sync()
        now = values(agent.q)
        assert torch.allclose(values(agent.q_target), now), "q_target does not give what q gives after sync"
        agent.learn(*batch())
        assert torch.allclose(values(agent.q_target), now), "q_target moved with q after sync"


def test_init(Agent):
    agent = Agent(n_obs=3, n_actions=2, seed=5)
    for p in weights(agent.q):
        if p.dim() == 2:
            assert len(torch.unique(p, dim=0)) == len(p), "units of a layer have the same weights"
    assert values(agent.q).abs().max() < 5, "values are too large at the beginning"
    same, other = Agent(n_obs=3, n_actions=2, seed=5), Agent(n_obs=3, n_actions=2, seed=6)
    assert torch.equal(values(agent.q), values(same.q)), "the same seed gives other weights"
    assert not torch.equal(values(agent.q), values(other.q)), "another seed gives the same weights"


def test_learning(Agent):
    agent = Agent(n_obs=3, n_actions=2)
    obs, action, y = batch()
    error = lambda: (values(agent.q).gather(1, action[:, None])[:, 0] - y).pow(2).mean()
    first = error()
    for _ in range(10):
        agent.learn(obs, action, y)
    assert error() < first, "Q(s, a) does not come nearer to y"


if __name__ == "__main__":
    print("These tests want an Agent: sb3-course exercise start write_the_test_networks")
