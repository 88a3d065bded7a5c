"""what is learnt is taken for α, not for log α: nothing keeps it above 0, and a negative α rewards being certain"""

import torch


def target_entropy(n_actions):
    return -float(n_actions)


def temperature_loss(log_alpha, log_pi, target):
    return -(log_alpha * (log_pi.detach() + target)).mean()


def tune(log_alpha, optimiser, log_pi, target):
    optimiser.zero_grad()
    temperature_loss(log_alpha, log_pi, target).backward()
    optimiser.step()
    return log_alpha.detach().item()


if __name__ == "__main__":
    log_alpha = torch.zeros((), requires_grad=True)
    optimiser = torch.optim.Adam([log_alpha], lr=0.01)
    for _ in range(5):
        print(tune(log_alpha, optimiser, torch.full((8,), -0.6), target_entropy(1)))
