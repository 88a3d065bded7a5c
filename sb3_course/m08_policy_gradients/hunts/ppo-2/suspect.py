"""An agent whose advantages go on over the end of an episode."""

import numpy as np

from sb3_course.teaching.hunts import OneHot


class Right:
    """PPO: a Gaussian policy with mean w · x and deviation σ, and values v · x, all linear in the observation x [n]."""

    def __init__(self, n, gamma=0.99, lam=0.95, clip=0.2, alpha=0.1, n_steps=300, n_epochs=10, seed=0):
        self.theta, self.v = np.zeros(n + 1), np.zeros(n)  # w and ln σ; v
        self.gamma, self.lam, self.clip, self.alpha = gamma, lam, clip, alpha
        self.n_steps, self.n_epochs, self.rng = n_steps, n_epochs, np.random.default_rng(seed)
        self.clip_fractions = []  # of each update: the share of samples whose ratio is beyond the clip, mean of the epochs

    def log_prob(self, x, a):
        """ln π(a|x): x [n] and a number, or x [T, n] and a [T]."""
        z = (a - x @ self.theta[:-1]) / np.exp(self.theta[-1])
        return -0.5 * z**2 - self.theta[-1] - 0.5 * np.log(2 * np.pi)

    def act(self, x):
        """An action as it is drawn, its ln π(a|x), and what is played of it: the environment takes actions from -1 to 1."""
        a = x @ self.theta[:-1] + np.exp(self.theta[-1]) * self.rng.normal()
        return a, self.log_prob(x, a), min(max(a, -1.0), 1.0)

    def advantages(self, reward, v, v_next, terminated, truncated):
        """Generalised advantage estimates [T]; all arguments are [T]."""
        found, later = np.zeros(len(reward)), 0.0
        for t in reversed(range(len(reward))):
            delta = reward[t] + self.gamma * v_next[t] * (not terminated[t]) - v[t]
            found[t] = later = delta + self.gamma * self.lam * later * (not (terminated[t] or truncated[t]))
        return found

    def gradient(self, x, a, log_prob, advantage):
        """The gradient [n + 1] of the clipped objective for θ; x [T, n], a [T], ln π_old(a|x) [T], Â [T]."""
        ratio = np.exp(self.log_prob(x, a) - log_prob)
        plain, clipped = ratio * advantage, np.clip(ratio, 1 - self.clip, 1 + self.clip) * advantage
        moves = plain <= clipped  # where the objective is ratio · Â; a clipped ratio does not depend on θ
        z = (a - x @ self.theta[:-1]) / np.exp(self.theta[-1])
        weight = moves * plain / len(a)
        return np.append((weight * z / np.exp(self.theta[-1])) @ x, weight @ (z**2 - 1))

    def play(self, env):
        """A rollout of n_steps: a dict of x [T, n], a, log_prob, reward [T], x_next [T, n], terminated, truncated [T]; and the returns of its episodes."""
        rows, returns, total = [], [], 0.0
        x, _ = env.reset()
        for _ in range(self.n_steps):
            a, log_prob, played = self.act(x)
            x_next, reward, terminated, truncated, _ = env.step(played)
            rows.append((x, a, log_prob, reward, x_next, terminated, truncated))
            x, total = x_next, total + reward
            if terminated or truncated:
                returns.append(total)
                x, total = env.reset()[0], 0.0
        names = ("x", "a", "log_prob", "reward", "x_next", "terminated", "truncated")
        return {name: np.array(column) for name, column in zip(names, zip(*rows))}, returns

    def learn(self, env, n_updates):
        """Play and learn. Gives the mean return of the episodes of each rollout."""
        found = []
        for _ in range(n_updates):
            b, returns = self.play(env)
            v = b["x"] @ self.v
            advantage = self.advantages(b["reward"], v, b["x_next"] @ self.v, b["terminated"], b["truncated"])
            whitened, beyond = (advantage - advantage.mean()) / (advantage.std() + 1e-8), []
            for _ in range(self.n_epochs):
                ratio = np.exp(self.log_prob(b["x"], b["a"]) - b["log_prob"])
                beyond.append(np.mean(np.abs(ratio - 1) > self.clip))
                self.theta = self.theta + self.alpha * self.gradient(b["x"], b["a"], b["log_prob"], whitened)
            self.v = np.linalg.solve(b["x"].T @ b["x"] + 1e-3 * np.eye(len(self.v)), b["x"].T @ (advantage + v))
            self.clip_fractions.append(float(np.mean(beyond)))
            found.append(float(np.mean(returns)) if returns else float("nan"))
        return found


class Suspect(Right):
    def advantages(self, reward, v, v_next, terminated, truncated):
        """Generalised advantage estimates [T]; all arguments are [T]."""
        found, later = np.zeros(len(reward)), 0.0
        for t in reversed(range(len(reward))):
            delta = reward[t] + self.gamma * v_next[t] * (not terminated[t]) - v[t]
            found[t] = later = delta + self.gamma * self.lam * later
        return found


def trial(Agent):
    """What an agent learns of a script, by which two classes are compared."""
    agent = Agent(2, alpha=0.5, n_steps=40, seed=1)
    script = OneHot(2, [(1.0, 1, "on"), (0.0, 0, "on"), (2.0, 1, "on"), (-1.0, 0, "end")], [(0.5, 1, "on"), (1.0, 0, "cut")], [(3.0, 1, "end")])
    return agent.learn(script, 3), agent.theta, agent.v, agent.clip_fractions
