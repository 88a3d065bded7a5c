"""no gradient goes through log π: nothing then holds the policy's spread, and it becomes deterministic"""

import torch


def soft_value(q1, q2, log_pi, alpha):
    return torch.min(q1, q2) - alpha * log_pi


def soft_target(q1_next, q2_next, log_pi_next, reward, terminated, alpha, gamma):
    with torch.no_grad():
        return reward + gamma * (1 - terminated) * soft_value(q1_next, q2_next, log_pi_next, alpha)


def actor_loss(q1, q2, log_pi, alpha):
    return -soft_value(q1, q2, log_pi.detach(), alpha).mean()


if __name__ == "__main__":
    one = torch.ones(1)
    print(soft_target(3 * one, 4 * one, -0.5 * one, one, 0 * one, 0.2, 0.5))
