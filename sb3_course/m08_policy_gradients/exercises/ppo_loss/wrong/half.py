"""the loss of the values has a factor ½, and vf_coef, which is ½ already, comes on top

Many texts have ½ here; Stable-Baselines3 has not.
"""

import torch

from from_scratch import PPO
from from_scratch.core.lockstep import per_seed


def policy_loss(log_pi, log_pi_old, advantage, clip_range):
    log_pi_old, advantage = log_pi_old.detach(), advantage.detach()
    ratio = torch.exp(log_pi - log_pi_old)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return -torch.min(ratio * advantage, clipped * advantage).mean()  # eq. (7)


def value_loss(v, v_old, ret, clip_range_vf=None):
    v_old, ret = v_old.detach(), ret.detach()
    if clip_range_vf is not None:
        v = v_old + (v - v_old).clamp(-clip_range_vf, clip_range_vf)
    return 0.5 * ((v - ret) ** 2).mean()


def ppo_loss(log_pi, log_pi_old, advantage, v, v_old, ret, entropy, clip_range=0.2, clip_range_vf=None, vf_coef=0.5, ent_coef=0.0):
    advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    l_pi = policy_loss(log_pi, log_pi_old, advantage, clip_range)
    l_v = value_loss(v, v_old, ret, clip_range_vf)
    return l_pi + vf_coef * l_v - ent_coef * entropy.mean()  # −(eq. 9)


class MyPPO(PPO):
    @per_seed
    def loss(self, b):
        v, log_pi, entropy = self.actor_critic.evaluate(*b.played)
        ε, ε_v = self.now(self.clip_range), None if self.clip_range_vf is None else self.now(self.clip_range_vf)
        total = ppo_loss(log_pi[0], b.log_prob[0], b.advantage[0], v[0], b.v[0], b.ret[0], entropy[0], ε, ε_v, self.vf_coef, self.ent_coef)
        return total[None], {"loss": total[None].detach()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    MyPPO("MlpPolicy", "CartPole-v1", seed=0, n_steps=512, verbose=1).learn(5120)
