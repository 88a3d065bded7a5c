"""The random agent once more: an episode is a generator of rewards, the actions come from the environment's own action space."""

import csv

import gymnasium


def rewards_of_an_episode(env, **options):
    env.reset(**options)
    while True:
        _, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        yield float(reward)
        if terminated or truncated:
            return


def returns(n, seed, file=None):
    writer = csv.writer(file) if file is not None else None
    if writer:
        writer.writerow(["episode", "return", "length"])
    with gymnasium.make("CartPole-v1") as env:
        env.action_space.seed(seed)
        everything = []
        for k in range(1, n + 1):
            rewards = list(rewards_of_an_episode(env, **({"seed": seed} if k == 1 else {})))
            everything.append(sum(rewards))
            if writer:
                writer.writerow([k, everything[-1], len(rewards)])
    return everything
