"""the target is -1 whatever the number of components: six components then share the room of one"""

import torch


def target_entropy(n_actions):
    return -1.0


def temperature_loss(log_alpha, log_pi, target):
    return -(log_alpha * (log_pi.detach() + target)).mean()


def tune(log_alpha, optimiser, log_pi, target):
    optimiser.zero_grad()
    temperature_loss(log_alpha, log_pi, target).backward()
    optimiser.step()
    return log_alpha.detach().exp().item()


if __name__ == "__main__":
    log_alpha = torch.zeros((), requires_grad=True)
    optimiser = torch.optim.Adam([log_alpha], lr=0.01)
    for _ in range(5):
        print(tune(log_alpha, optimiser, torch.full((8,), -0.6), target_entropy(1)))
