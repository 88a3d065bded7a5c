"""The same loss by cases: where the ratio is past the clip in the direction that Â wants, there is nothing more to gain."""

import torch

from from_scratch import PPO
from from_scratch.core.lockstep import per_seed


def policy_loss(log_pi, log_pi_old, advantage, clip_range):
    with torch.no_grad():
        data = advantage.clone()
        old = log_pi_old.clone()
        bound = torch.where(data >= 0, 1 + clip_range, 1 - clip_range)
    ratio = torch.exp(log_pi - old)
    is_past = torch.where(data >= 0, ratio > bound, ratio < bound)
    gain = torch.where(is_past, bound, ratio) * data
    return -gain.sum() / len(gain)


def value_loss(v, v_old, ret, clip_range_vf=None):
    if clip_range_vf is not None:
        low, high = v_old.detach() - clip_range_vf, v_old.detach() + clip_range_vf
        v = torch.minimum(torch.maximum(v, low), high)
    return torch.nn.functional.mse_loss(v, ret.detach())


def ppo_loss(log_pi, log_pi_old, advantage, v, v_old, ret, entropy, clip_range=0.2, clip_range_vf=None, vf_coef=0.5, ent_coef=0.0):
    with torch.no_grad():
        whitened = advantage - advantage.mean()
        whitened /= advantage.std() + 1e-8
    bonus = ent_coef * entropy.sum() / len(entropy)
    return vf_coef * value_loss(v, v_old, ret, clip_range_vf) - bonus + policy_loss(log_pi, log_pi_old, whitened, clip_range)


class MyPPO(PPO):
    @per_seed
    def loss(self, b):
        v, log_pi, entropy = self.actor_critic.evaluate(*b.played)
        ε, ε_v = self.now(self.clip_range), None if self.clip_range_vf is None else self.now(self.clip_range_vf)
        total = ppo_loss(log_pi[0], b.log_prob[0], b.advantage[0], v[0], b.v[0], b.ret[0], entropy[0], ε, ε_v, self.vf_coef, self.ent_coef)
        return total[None], {"loss": total[None].detach()}
