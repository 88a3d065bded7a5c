"""Quizzes: questions of quiz.yaml, each with options of which one is right and every one has its reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sb3_course.teaching import words
from sb3_course.teaching.course import Module

LETTERS = "abcdefgh"


def sheet(module: Module, answers: bool) -> str:
    """All questions on one page; with their answers and reasons, or without."""
    parts = [f"Quiz of {module.id}, {module.title}"]
    for number, question in enumerate(module.quiz, start=1):
        lines = [words.wrapped(question["question"].strip(), 4, f"{number}.")]
        for letter, option in zip(LETTERS, question["options"]):
            lines.append(words.wrapped(option["text"], 7, f"    {letter})"))
            if answers:
                lines.append(words.wrapped(("right: " if option.get("right") else "wrong: ") + option["why"], 9))
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def ask(module: Module, answer: Callable[[str], str], say: Callable[[str], Any]) -> tuple[int, int]:
    """One question at a time; after each the reason for every option. How many were right at once, and of how many. EOFError ends it."""
    right = 0
    for number, question in enumerate(module.quiz, start=1):
        options = question["options"]
        say("\n" + words.wrapped(question["question"].strip(), 4, f"{number}."))
        for letter, option in zip(LETTERS, options):
            say(words.wrapped(option["text"], 7, f"    {letter})"))
        while (chosen := answer(f"    your answer ({LETTERS[0]} to {LETTERS[len(options) - 1]}): ").strip().lower()) not in list(LETTERS[: len(options)]):
            say(f"    one letter, {LETTERS[0]} to {LETTERS[len(options) - 1]}")
        is_right = bool(options[LETTERS.index(chosen)].get("right"))
        right += is_right
        say("    right" if is_right else "    not right")
        for letter, option in zip(LETTERS, options):
            say(words.wrapped(option["why"], 7, f"    {letter})"))
    return right, len(module.quiz)
