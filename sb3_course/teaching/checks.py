"""What the author of a check writes: probes, each a function of the learner's answer whose right output is known.

    from sb3_course.teaching.checks import array, given, probe

    @probe("value_iteration", "CliffWalking-v1, γ = 0.99: V*(start)", expected=-12.248, tolerance=1e-3)
    def cliff(answer):
        V = array(answer.value_iteration(given('gym.make("CliffWalking-v1")'), 0.99), (48,), "V")
        return V[36]

Probes of a function are tried in the order in which they stand: shape, numbers worked by hand, an exact oracle, behaviour. The first that fails is
what the learner is told; its output is then compared with the outputs of the wrong answers, and one that gives the same is named.
docs/writing_lessons.md tells the rest.
"""

from __future__ import annotations

import ast
import inspect
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sb3_course.teaching import outputs
from sb3_course.teaching.outputs import Mistake, array, number

__all__ = ["Mistake", "Probe", "array", "given", "measured", "number", "probe", "rng", "seeded"]

NOT_WRITTEN = "your turn"  # how the NotImplementedError of a stub begins


# ---------------------------------------------------------------------------------------------------------------- probes


@dataclass(frozen=True)
class Probe:
    function: str  # the learner's, which is to be blamed
    title: str  # what is measured, in the learner's words
    run: Callable[[Any], Any]  # of the answer, a module
    expected: Any  # a number, an array, a text, a truth, or a dict of such; a function without arguments that gives it
    tolerance: float  # absolute
    between: tuple[float, float] | None  # instead: the least and the greatest number that pass
    slow: bool  # only with --slow
    twice: bool  # also run under other global seeds: the output must be the same

    @property
    def name(self) -> str:
        return self.run.__name__

    def right(self) -> Any:
        return self.expected() if callable(self.expected) else self.expected

    def wrong_with(self, got: Any) -> str | None:
        """What is wrong with an output, behind the title; None if it is right."""
        if self.between is None:
            return outputs.difference(got, self.right(), self.tolerance)
        low, high = self.between
        try:
            found = number(got, "it")
        except Mistake as mistake:
            return str(mistake).removeprefix("it ")
        digits = (high - low) / 50 if np.isfinite(high - low) else abs(low if np.isfinite(low) else high) / 50 or 1.0
        ends = f"between {low:g} and {high:g}" if np.isfinite(high) else f"at least {low:g}"
        ends = ends if np.isfinite(low) else f"at most {high:g}"
        said = f"{found:.10g}" if found.is_integer() and float(low).is_integer() else outputs.shown(found, min(digits, 1.0))
        return None if low <= found <= high else f"is {said}, should lie {ends}".replace("should lie at", "should be at")

    @property
    def nearness(self) -> float:
        """How near two outputs are that count as the same when wrong answers are compared."""
        if self.between is None:
            return self.tolerance
        width = (self.between[1] - self.between[0]) / 2
        return width if np.isfinite(width) else self.tolerance


def probe(function: str, title: str, *, expected: Any = None, tolerance: float = 1e-9, between: tuple[float, float] | None = None, slow: bool = False,
          twice: bool = True) -> Callable[[Callable[[Any], Any]], Probe]:  # fmt: skip
    """The decorated function of the answer becomes a probe of the learner's `function`; what it returns must be `expected`, up to the absolute `tolerance`.

    between: instead, two numbers between which the output must lie, such as a mean over seeds; an end may be infinite.
    slow: it is tried with --slow only. twice: it runs again under other global seeds and must give the same; False where that would take too long.
    """
    return lambda run: Probe(function, title, run, expected, tolerance, between, slow, twice)


@dataclass(frozen=True)
class measured:
    """What a probe returns when there is more to it than the judged value: `of` (say, V of all states) is what wrong answers are recognised by, and a `note`
    is told although the answer passes, where there are two right ways."""

    value: Any
    of: Any = None
    note: str = ""


_KNOWN: dict[int, tuple[Any, str]] = {}  # an object that was given -> the expression that makes it, for the line that can be pasted


def given(expression: str) -> Any:
    """A value, new each time, from an expression in which np, gym and all of from_scratch.envs are known: the learner is shown the expression."""
    value = eval(expression, _names(expression))
    _KNOWN[id(value)] = (value, expression)  # keeping it keeps its id
    return value


seed_offset = 0  # the tests of the checks change it, to see what other random numbers would have done
uses_seeds = False  # whether the last probe asked for a seed


def seeded(seed: int) -> int:
    """The seed, or another one in its place when the checks themselves are tested. Every seed of a probe goes through here."""
    global uses_seeds
    uses_seeds = True
    return seed + seed_offset


def rng(seed: int) -> np.random.Generator:
    """given("np.random.default_rng(seed)"): a learner's functions take their random numbers from such a generator."""
    return given(f"np.random.default_rng({seeded(seed)})")


def _names(expression: str) -> dict[str, Any]:
    import gymnasium

    from from_scratch import envs

    used = {node.id for node in ast.walk(ast.parse(expression, mode="eval")) if isinstance(node, ast.Name)}
    return {"np": np, "gym": gymnasium, **{name: getattr(envs, name) for name in used & set(envs.__all__)}}


# --------------------------------------------------------------------------------------------------------------- answers


class Answer:
    """A module of functions, each of whose calls is remembered, so that the last one can be shown as a line that can be pasted, if it can."""

    def __init__(self, module: Any):
        self._module, self._call = module, ""

    def __getattr__(self, name: str) -> Any:
        try:
            value = getattr(self._module, name)
        except AttributeError:
            raise Mistake(f"cannot be tried: there is no `{name}` in the file any more") from None
        if not inspect.isfunction(value):
            return value

        def remembered(*args: Any, **kwargs: Any) -> Any:
            words = [(_pasteable(value), f"{key}=" * bool(key)) for key, value in [*(("", value) for value in args), *kwargs.items()]]
            self._call = f"{name}({', '.join(f'{key}{word}' for word, key in words)})" if all(word for word, _ in words) else ""
            return value(*args, **kwargs)

        return remembered


def _pasteable(value: Any) -> str:
    """An expression that makes the value; "" where there is no short one, as for networks, optimisers and environments of a check's own."""
    if id(value) in _KNOWN:
        return _KNOWN[id(value)][1]
    if type(value) in (list, tuple) and any(hasattr(part, "detach") or isinstance(part, np.ndarray) for part in value):
        parts = [*map(_pasteable, value)]
        return f"[{', '.join(parts)}]" if all(parts) else ""
    if isinstance(value, np.ndarray) and value.size <= 40:
        return f"np.array({value.tolist()})"
    if hasattr(value, "detach") and hasattr(value, "tolist") and value.numel() <= 40:  # a tensor
        kind = str(value.dtype)
        return f"torch.tensor({value.tolist()}{'' if kind in ('torch.float32', 'torch.int64', 'torch.bool') else f', dtype={kind}'})"
    text = repr(value.item() if isinstance(value, np.generic) else value)
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return ""
    return text if len(text) <= 200 else ""


@dataclass(frozen=True)
class Outcome:
    """What came of a probe of an answer."""

    kind: str  # "value", "mistake" (a sentence), "unwritten", "raised", or "random": the same call gave two things
    value: Any = None  # of "value": what is judged; of "random": both
    text: str = ""  # of "mistake" the sentence, of "raised" type and message, of "unwritten" the stub's words
    error: BaseException | None = None
    seen: Any = None  # of "value": what is compared with wrong answers
    call: str = ""
    note: str = ""  # of "value": what is told although it passes

    def same(self, other: Outcome, nearness: float) -> bool:
        if self.kind != other.kind:
            return False
        if self.kind == "value":
            return outputs.alike(self.value, other.value, nearness) and (self.seen is None or outputs.alike(self.seen, other.seen, max(nearness, 1e-9)))
        return self.kind == "random" or self.text == other.text


def outcome(probe: Probe, module: Any, twice: bool) -> Outcome:
    """Run a probe on an answer. SystemExit counts as raised."""
    first = _once(probe, module, 1)
    if not twice or first.kind not in ("value", "mistake"):
        return first
    second = _once(probe, module, 2)
    if first.kind == second.kind == "mistake" or (second.kind == "value" and first.kind == "value" and first.same(second, 0.0)):
        return first
    return Outcome("random", (first.value, second.value), call=first.call)


def _once(probe: Probe, module: Any, seed: int) -> Outcome:
    global uses_seeds
    uses_seeds = False
    random.seed(seed)
    np.random.seed(seed)
    answer = Answer(module)
    try:
        value = probe.run(answer)
    except Mistake as mistake:
        return Outcome("mistake", text=str(mistake), call=answer._call)
    except NotImplementedError as error:
        if str(error).startswith(NOT_WRITTEN):
            return Outcome("unwritten", text=str(error), error=error, call=answer._call)
        return Outcome("raised", text=f"{type(error).__name__}: {error}", error=error, call=answer._call)
    except (Exception, SystemExit, GeneratorExit) as error:
        return Outcome("raised", text=f"{type(error).__name__}: {error}", error=error, call=answer._call)
    if isinstance(value, measured):
        return Outcome("value", value.value, seen=value.of, call=answer._call, note=value.note)
    return Outcome("value", value, call=answer._call)
