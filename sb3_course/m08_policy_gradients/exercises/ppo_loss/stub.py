"""The loss of PPO (Schulman et al. 2017, arXiv:1707.06347).

A minibatch has M samples of a rollout that the old policy has played. All arguments are tensors [M], all results one number, a tensor with a gradient:

    log_pi       ln π(a|s) under the policy that learns              log_pi_old   the same when the action was taken
    v            V(s) under the network that learns                  v_old        the same when the action was taken
    advantage    Â                                                   ret          the return that V should foretell
    entropy      of π(·|s), under the policy that learns

What the rollout holds (log_pi_old, advantage, v_old, ret) is data. No gradient may flow into it, even if a tensor that is given carries one.

A worked example with M = 1: π(a|s) has grown from 0.2 to 0.3, so the ratio is 1.5; Â = 2, ε = 0.2. The objective is the smaller of 1.5 · 2 and 1.2 · 2, which
is 2.4, and the loss −2.4. For Â = −2 it is the smaller of −3 and −2.4, which is −3, and the loss 3.
"""

import torch

from from_scratch import PPO
from from_scratch.core.lockstep import per_seed


def policy_loss(log_pi, log_pi_old, advantage, clip_range):
    """−L of eq. (7), for descent.

    L = mean of min(ratio · Â, clip(ratio, 1 − ε, 1 + ε) · Â)        ratio = π(a|s) / π_old(a|s), ε = clip_range
    """
    raise NotImplementedError("your turn: the clipped objective")


def value_loss(v, v_old, ret, clip_range_vf=None):
    """The mean of (v − ret)², without a factor ½.

    With clip_range_vf, v is first kept within clip_range_vf of v_old, as Stable-Baselines3 does it; None leaves v as it is.
    """
    raise NotImplementedError("your turn: the loss of the values")


def ppo_loss(log_pi, log_pi_old, advantage, v, v_old, ret, entropy, clip_range=0.2, clip_range_vf=None, vf_coef=0.5, ent_coef=0.0):
    """policy loss + vf_coef · value loss − ent_coef · mean entropy        −(eq. 9).

    The advantages are first brought to mean 0 and standard deviation 1 within the minibatch: Â ← (Â − mean) / (std + 1e-8), with std = advantage.std().
    """
    raise NotImplementedError("your turn: the whole loss")


class MyPPO(PPO):
    """The library's PPO with the function above. It is written already: read it, for it says where each tensor comes from.

    The library can learn several seeds at once, and every tensor of a minibatch is [seeds, M]. Here there is one seed, and [0] picks it.
    """

    @per_seed
    def loss(self, b):
        v, log_pi, entropy = self.actor_critic.evaluate(*b.played)
        ε, ε_v = self.now(self.clip_range), None if self.clip_range_vf is None else self.now(self.clip_range_vf)
        total = ppo_loss(log_pi[0], b.log_prob[0], b.advantage[0], v[0], b.v[0], b.ret[0], entropy[0], ε, ε_v, self.vf_coef, self.ent_coef)
        return total[None], {"loss": total[None].detach()}


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    torch.set_num_threads(1)
    MyPPO("MlpPolicy", "CartPole-v1", seed=0, n_steps=512, verbose=1).learn(5120)
