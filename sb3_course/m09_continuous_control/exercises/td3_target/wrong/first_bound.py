"""every component is clipped to the bounds of the first one: with several components each has bounds of its own

Where all components have the same bounds, as in most tasks, nobody notices.
"""

import torch


def next_action(actor_target, next_obs, noise, low, high, sigma=0.2, clip=0.5):
    half = (high - low) / 2
    epsilon = (sigma * noise).clamp(-clip, clip) * half
    return torch.clamp(actor_target(next_obs) + epsilon, low[0], high[0])


def td3_target(q1_target, q2_target, actor_target, reward, next_obs, terminated, noise, low, high, gamma):
    with torch.no_grad():
        a = next_action(actor_target, next_obs, noise, low, high)
        smaller = torch.min(q1_target(next_obs, a), q2_target(next_obs, a))
        return reward + gamma * (1 - terminated) * smaller


def actor_loss(q1, q2, actor, obs):
    return -q1(obs, actor(obs)).mean()


if __name__ == "__main__":
    low, high = torch.tensor([-2.0]), torch.tensor([2.0])
    still = lambda s: torch.zeros(len(s), 1)
    print(next_action(still, torch.zeros(3, 1), torch.tensor([[0.5], [1.0], [9.0]]), low, high))
