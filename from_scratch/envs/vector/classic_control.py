"""Gymnasium's classic control problems for n lanes at once, in its own order of operations, so that every lane has its bits.

    CartPole      Barto, Sutton & Anderson 1983, "Neuronlike adaptive elements that can solve difficult learning control problems";
                  friction left out as in Florian 2005, "Correct equations for the dynamics of the cart-pole system"
    Pendulum      the swing-up of a torque-limited pendulum, as Gymnasium documents it
    MountainCar   Moore 1990, "Efficient memory-based learning for robot control"; Sutton & Barto 2018, Example 10.1
    Acrobot       Sutton 1996, "Generalization in reinforcement learning: successful examples using sparse coarse coding"

A formula that is right is not enough for equal bits: Python's `x**2` is the C library's pow, which is not always x·x in the last digit
(see `square`), and `math.cos` need not be NumPy's cosine. sin and cos of an array are NumPy's for each number alone: the same loop runs.
Actions are taken in the action space's dtype.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.classic_control import utils

from from_scratch.envs.vector.lanes import LaneVecEnv

Options = Mapping[str, Any] | None


def square(x: np.ndarray) -> np.ndarray:
    """x**2 as Python's floats and NumPy's scalars have it: by the C library's pow. For arrays, `x**2` is x·x, one bit away in 1 of 1000 cases."""
    return np.float_power(x, 2.0)


def math_cos(x: np.ndarray) -> np.ndarray:
    return np.array([math.cos(value) for value in x.tolist()])


class ClassicControl(LaneVecEnv):
    """`state` is [numbers, lanes], float64: one row per variable of the equations."""

    n_numbers: int
    of_each_lane = ("state",)

    def __init__(self, env: gym.Env, n_envs: int):
        super().__init__(env, n_envs)
        self.state = np.zeros((self.n_numbers, n_envs))

    def begin(self, lane: int, options: Options) -> np.ndarray:
        self.state[:, lane] = first = self.draw(self.streams[lane], dict(options) if options else None)
        return np.asarray(first, np.float32)

    def draw(self, stream: np.random.Generator, options: dict[str, Any] | None) -> Any:
        """The first state of an episode."""
        raise NotImplementedError

    def observe(self) -> np.ndarray:
        return self.state.T.astype(np.float32, order="C")

    def state_of(self, lane: int) -> np.ndarray:
        return self.state[:, lane].copy()


class CartPole(ClassicControl):
    """A pole on a cart (Barto, Sutton & Anderson 1983), integrated by Euler's method. State and observation: x, ẋ, θ, θ̇; actions: 0 left, 1 right."""

    n_numbers = 4
    constants = (
        "gravity",
        "masspole",
        "total_mass",
        "length",
        "polemass_length",
        "force_mag",
        "tau",
        "x_threshold",
        "theta_threshold_radians",
    )
    assumed = {"kinematics_integrator": "euler"}

    def draw(self, stream: np.random.Generator, options: dict[str, Any] | None) -> np.ndarray:
        low, high = utils.maybe_parse_reset_bounds(options, -0.05, 0.05)
        return stream.uniform(low, high, size=4)

    def advance(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        env = self.scalar
        x, x_dot, theta, theta_dot = self.state
        force = np.where(actions == 1, env.force_mag, -env.force_mag)
        cos, sin = np.cos(theta), np.sin(theta)

        temp = (force + env.polemass_length * np.square(theta_dot) * sin) / env.total_mass
        theta_acc = (env.gravity * sin - cos * temp) / (env.length * (4.0 / 3.0 - env.masspole * np.square(cos) / env.total_mass))  # Florian, eq. (23)
        x_acc = temp - env.polemass_length * theta_acc * cos / env.total_mass  # eq. (24)

        x = x + env.tau * x_dot
        theta = theta + env.tau * theta_dot
        self.state = np.array((x, x_dot + env.tau * x_acc, theta, theta_dot + env.tau * theta_acc))

        fell = (np.abs(x) > env.x_threshold) | (np.abs(theta) > env.theta_threshold_radians)
        return np.where(fell, -1.0, 0.0) if env._sutton_barto_reward else np.ones(self.num_envs), fell


class Pendulum(ClassicControl):
    """A pendulum with too weak a motor, to be swung up and held. State: θ, θ̇; observation: cos θ, sin θ, θ̇; action: a torque."""

    n_numbers = 2
    constants = ("g", "m", "l", "dt", "max_speed", "max_torque")

    def begin(self, lane: int, options: Options) -> np.ndarray:
        super().begin(lane, options)
        return self._observation(self.state[:, lane])

    def draw(self, stream: np.random.Generator, options: dict[str, Any] | None) -> np.ndarray:
        options = options or {}
        high = np.array([utils.verify_number_and_cast(options.get(name, most)) for name, most in (("x_init", np.pi), ("y_init", 1.0))])
        return stream.uniform(-high, high)

    def _observation(self, state: np.ndarray) -> np.ndarray:
        theta, theta_dot = state
        return np.array((np.cos(theta), np.sin(theta), theta_dot)).T.astype(np.float32, order="C")

    def observe(self) -> np.ndarray:
        return self._observation(self.state)

    def advance(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        env = self.scalar
        theta, theta_dot = self.state
        u = np.clip(actions[:, 0], -env.max_torque, env.max_torque)  # float32, and so are its products below
        angle = ((theta + np.pi) % (2 * np.pi)) - np.pi
        u_squared = np.array([torque**2 for torque in u])  # float32's own pow: no array function has its bits
        cost = square(angle) + 0.1 * square(theta_dot) + 0.001 * u_squared

        theta_dot = theta_dot + (3 * env.g / (2 * env.l) * np.sin(theta) + 3.0 / (env.m * env.l**2) * u) * env.dt
        theta_dot = np.clip(theta_dot, -env.max_speed, env.max_speed)
        self.state = np.array((theta + theta_dot * env.dt, theta_dot))
        return -cost, np.zeros(self.num_envs, bool)


class MountainCar(ClassicControl):
    """A car in a valley, too weak for the hill (Moore 1990). State and observation: position, velocity; actions: 0 left, 1 coast, 2 right."""

    n_numbers = 2
    constants = ("min_position", "max_position", "max_speed", "goal_position", "goal_velocity", "force", "gravity")

    def draw(self, stream: np.random.Generator, options: dict[str, Any] | None) -> tuple[float, float]:
        low, high = utils.maybe_parse_reset_bounds(options, -0.6, -0.4)
        return stream.uniform(low, high), 0.0

    def advance(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        env = self.scalar
        position, velocity = self.state
        velocity = velocity + ((actions - 1) * env.force + math_cos(3 * position) * (-env.gravity))
        velocity = np.clip(velocity, -env.max_speed, env.max_speed)
        position = np.clip(position + velocity, env.min_position, env.max_position)
        velocity = np.where((position == env.min_position) & (velocity < 0), 0.0, velocity)  # the wall on the left stops the car
        self.state = np.array((position, velocity))
        return np.full(self.num_envs, -1.0), (position >= env.goal_position) & (velocity >= env.goal_velocity)

    def world(self) -> Any:
        """How a lane moves, compiled."""
        from from_scratch.envs.vector.compiled import mountain_car_world

        return mountain_car_world(self)


class MountainCarContinuous(ClassicControl):
    """The mountain car with a continuous force, which costs. Gymnasium keeps its state in float32, but an episode's first one in float64."""

    n_numbers = 2
    constants = ("min_action", "max_action", "min_position", "max_position", "max_speed", "goal_position", "goal_velocity", "power")

    def draw(self, stream: np.random.Generator, options: dict[str, Any] | None) -> tuple[float, float]:
        low, high = utils.maybe_parse_reset_bounds(options, -0.6, -0.4)
        return stream.uniform(low, high), 0.0

    def advance(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        a = actions[:, 0]
        position, velocity, arrived = self._move(self.state.astype(np.float32), a)
        first = self.elapsed == 0
        if first.any():
            position[first], velocity[first], arrived[first] = self._move(self.state[:, first], a[first])
        self.state = np.array((position, velocity), np.float64)
        return np.where(arrived, 100.0, 0.0) - np.square(a.astype(np.float64)) * 0.1, arrived

    def _move(self, state: np.ndarray, a: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One step in the dtype of the state: position, velocity, and whether the goal is reached."""
        env = self.scalar
        position, velocity = state
        slope = 0.0025 * math_cos(3 * position)
        inside = a * env.power - slope.astype(np.float32)  # a force within bounds is a float32, and so is all it meets
        bound = np.where(a > 0, env.max_action, env.min_action) * env.power - slope  # one beyond them becomes the bound, a Python float
        push = np.where((a < env.min_action) | (a > env.max_action), bound, inside)
        velocity = np.clip(velocity + push.astype(velocity.dtype), -env.max_speed, env.max_speed)
        position = np.clip(position + velocity, env.min_position, env.max_position)
        at_the_wall = position == env.min_position
        velocity = np.where(at_the_wall & (velocity < 0), velocity.dtype.type(0), velocity)
        return position, velocity, (position >= env.goal_position) & (velocity >= env.goal_velocity)


class Acrobot(ClassicControl):
    """Two links, torque at the joint between them (Sutton 1996, in the book's version), by the 4th-order Runge-Kutta method.

    State: θ1, θ2, θ̇1, θ̇2; observation: cos θ1, sin θ1, cos θ2, sin θ2, θ̇1, θ̇2; actions: torque −1, 0, 1.
    """

    n_numbers = 4
    constants = (
        "dt",
        "LINK_LENGTH_1",
        "LINK_MASS_1",
        "LINK_MASS_2",
        "LINK_COM_POS_1",
        "LINK_COM_POS_2",
        "LINK_MOI",
        "MAX_VEL_1",
        "MAX_VEL_2",
        "AVAIL_TORQUE",
    )
    assumed = {"book_or_nips": "book", "torque_noise_max": 0.0}

    def begin(self, lane: int, options: Options) -> np.ndarray:
        return self._observation(super().begin(lane, options))  # its sines and cosines are float32's here, as the first state is

    def draw(self, stream: np.random.Generator, options: dict[str, Any] | None) -> np.ndarray:
        low, high = utils.maybe_parse_reset_bounds(options, -0.1, 0.1)
        return stream.uniform(low, high, size=4).astype(np.float32)

    def _observation(self, state: np.ndarray) -> np.ndarray:
        theta_1, theta_2, theta_dot_1, theta_dot_2 = state
        seen = np.cos(theta_1), np.sin(theta_1), np.cos(theta_2), np.sin(theta_2), theta_dot_1, theta_dot_2
        return np.array(seen).T.astype(np.float32, order="C")

    def observe(self) -> np.ndarray:
        return self._observation(self.state)

    def advance(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        env, s = self.scalar, self.state
        torque = np.array(env.AVAIL_TORQUE, np.float64)[actions]
        k1 = self._derivative(s, torque)
        k2 = self._derivative(s + env.dt / 2.0 * k1, torque)
        k3 = self._derivative(s + env.dt / 2.0 * k2, torque)
        k4 = self._derivative(s + env.dt * k3, torque)
        s = s + env.dt / 6.0 * (k1 + 2 * k2 + 2 * k3 + k4)

        theta_1, theta_2 = self._wrapped(s[0]), self._wrapped(s[1])
        self.state = np.array((theta_1, theta_2, np.clip(s[2], -env.MAX_VEL_1, env.MAX_VEL_1), np.clip(s[3], -env.MAX_VEL_2, env.MAX_VEL_2)))
        up = -np.cos(theta_1) - np.cos(theta_2 + theta_1) > 1.0
        return np.where(up, 0.0, -1.0), up

    def _derivative(self, s: np.ndarray, torque: np.ndarray) -> np.ndarray:
        """ds/dt [4, n] (Sutton & Barto 1998, Figure 11.5). One product more or less in a different order would change the last bits."""
        env, g = self.scalar, 9.8
        m1, m2, l1, lc1, lc2 = env.LINK_MASS_1, env.LINK_MASS_2, env.LINK_LENGTH_1, env.LINK_COM_POS_1, env.LINK_COM_POS_2
        I1 = I2 = env.LINK_MOI
        theta_1, theta_2, theta_dot_1, theta_dot_2 = s
        cos_2, sin_2 = np.cos(theta_2), np.sin(theta_2)
        d1 = m1 * lc1**2 + m2 * (l1**2 + lc2**2 + 2 * l1 * lc2 * cos_2) + I1 + I2
        d2 = m2 * (lc2**2 + l1 * lc2 * cos_2) + I2
        phi2 = m2 * lc2 * g * np.cos(theta_1 + theta_2 - np.pi / 2.0)
        phi1 = (
            -m2 * l1 * lc2 * square(theta_dot_2) * sin_2
            - 2 * m2 * l1 * lc2 * theta_dot_2 * theta_dot_1 * sin_2
            + (m1 * lc1 + m2 * l1) * g * np.cos(theta_1 - np.pi / 2)
            + phi2
        )
        acc_2 = (torque + d2 / d1 * phi1 - m2 * l1 * lc2 * square(theta_dot_1) * sin_2 - phi2) / (m2 * lc2**2 + I2 - square(d2) / d1)
        acc_1 = -(d2 * acc_2 + phi1) / d1
        return np.array((theta_dot_1, theta_dot_2, acc_1, acc_2))

    @staticmethod
    def _wrapped(angle: np.ndarray) -> np.ndarray:
        """Into [−π, π], by whole turns taken off one at a time."""
        while (over := angle > np.pi).any():
            angle = np.where(over, angle - 2 * np.pi, angle)
        while (under := angle < -np.pi).any():
            angle = np.where(under, angle + 2 * np.pi, angle)
        return angle
