"""The target of TD3, and what its actor climbs (Fujimoto et al. 2018, arXiv:1802.09477).

Actors and critics are given as functions of tensors: actor(obs) is [M, n], an action in the environment's own units, between low and high, both [n];
q(obs, action) is [M]. A name that ends in _target is a slow copy.

TD3 is DDPG with three changes: the target takes the smaller of two critics; the target's action gets a little noise, so that a narrow peak of a critic
is not believed; and the actor is updated less often. You write the first two, and the actor's loss.
"""

import torch


def next_action(actor_target, next_obs, noise, low, high, sigma=0.2, clip=0.5):
    """The action at which the target critics are asked, [M, n] (eq. 14, "target policy smoothing").

        ã = clip(μ'(s') + ε, low, high)        ε = clip(σ · noise, −c, c) · (high − low) / 2

    noise: [M, n], drawn from N(0, 1). sigma (σ) and clip (c) are shares of half the range: for actions between −2 and 2, σ = 0.2 means 0.4.

    A worked example: actions from −2 to 2, μ'(s') = 0, noise 1 and 9. Then ε = 0.2 · 2 = 0.4, and clip(1.8, −0.5, 0.5) · 2 = 1.
    """
    raise NotImplementedError("your turn: an action with bounded noise")


def td3_target(q1_target, q2_target, actor_target, reward, next_obs, terminated, noise, low, high, gamma):
    """y [M], without a gradient (eq. 10).

        y = r + γ · (1 − terminated) · min(Q₁'(s', ã), Q₂'(s', ã))        ã = next_action(…)

    reward, terminated (0.0 or 1.0): [M]. The smaller is taken row by row.
    """
    raise NotImplementedError("your turn: a target from two critics")


def actor_loss(q1, q2, actor, obs):
    """What the actor descends on, one number: −mean Q₁(s, μ(s)). Both critics are at hand; TD3's actor climbs the first alone (algorithm 1)."""
    raise NotImplementedError("your turn: let the actor climb")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    low, high = torch.tensor([-2.0]), torch.tensor([2.0])
    still = lambda s: torch.zeros(len(s), 1)
    print(next_action(still, torch.zeros(3, 1), torch.tensor([[0.5], [1.0], [9.0]]), low, high))
