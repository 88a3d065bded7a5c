"""The report's numbers for other programs: LaTeX tables, Parquet files, a PDF, and answers to the reproducibility checklist."""

from __future__ import annotations

import io
import re
from typing import Any

import pandas as pd

from benchmarks import HarnessError, UserError
from benchmarks.evidence.records import Analysis
from benchmarks.report.style import Table, count, percent
from benchmarks.store.plain import printable
from benchmarks.studies.study import MEDIAN, Study, tuning_of
from from_scratch import registry

TEX = {  # what LaTeX would read otherwise, or not at all
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": "$<$", ">": "$>$", "−": "$-$", "±": r"$\pm$", "–": "--", "\u202f": r"\,", "\u00a0": "~", "≤": r"$\leq$", "≥": r"$\geq$",
    "×": r"$\times$", "∞": r"$\infty$", "τ": r"$\tau$", "δ": r"$\delta$", "γ": r"$\gamma$", "λ": r"$\lambda$",
    "ε": r"$\epsilon$", "α": r"$\alpha$", "…": r"\dots{}",
}  # fmt: skip


SHORT = {  # captions for a list of tables, of those that are of no figure
    "per_task": "Differences task by task", "effects": "Tests and effect sizes task by task", "solved": "Solved runs",
    "areas": "Area under the learning curves", "budgets": "Budgets", "scales": "Reference scores", "accounts": "What became of every run",
    "speeds": "Speed of training",
}  # fmt: skip

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how what a spreadsheet computes begins


def tex(text: str) -> str:
    """Plain text as LaTeX prints it, on one line: a line end in a name would end a comment, or a paragraph in a table."""
    return re.sub("|".join(map(re.escape, TEX)), lambda found: TEX[found[0]], _one_line(text))


def _one_line(text: str) -> str:
    return printable(re.sub(r"[\n\t\v\f\r\x1c-\x1e\x85\u2028\u2029]+", " ", text))


def latex_table(table: Table, caption: str, label: str, short: str = "", spans: bool = False) -> str:
    """A table in the style of booktabs, columns of words ragged. short: the caption in a list of tables; spans: over both columns of a page."""
    head = " & ".join(map(tex, table.header))
    body = "\n".join(" & ".join(map(tex, row)) + r" \\" for row in table.rows)
    columns = "".join("l" if k == 0 or _is_of_words([row[k] for row in table.rows]) else "r" for k in range(len(table.header)))
    kind, listed = "table*" if spans else "table", f"[{{{tex(short)}}}]" if short else ""  # braces: a name may hold a bracket
    return (
        f"\\begin{{{kind}}}\n\\centering\n\\caption{listed}{{{tex(caption)}}}\n\\label{{tab:{label}}}\n\\begin{{tabular}}{{{columns}}}\n"
        f"\\toprule\n{head} \\\\\n\\midrule\n{body}\n\\bottomrule\n\\end{{tabular}}\n\\end{{{kind}}}\n"
    )


def _is_of_words(cells: list[str]) -> bool:
    """Whether a column holds names or sentences: a cell that begins with a letter, and none that begins with a digit."""
    return any(cell[:1].isalpha() for cell in cells) and not any(cell[:1].isdigit() for cell in cells)


def latex(tables: list[tuple[str, Table, str, str]], study: str, study_hash: str) -> str:
    """All tables, (label, table, caption, short caption), as one file for \\input."""
    opening = f"% {_one_line(study)}, study {_one_line(study_hash)}. In the preamble: \\usepackage{{booktabs}}\n"
    return opening + "\n" + "\n".join(latex_table(table, caption, label, short) for label, table, caption, short in tables)


def table(rows: pd.DataFrame) -> str:
    """CSV. A name that a spreadsheet would compute as a formula gets an apostrophe before it, which spreadsheets take for the sign of a text."""
    words = rows.select_dtypes(["object", "string"]).columns
    safe = {column: rows[column].map(lambda cell: f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell) for column in words}
    return rows.assign(**safe).to_csv(index=False, lineterminator="\n")


def parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.reset_index(drop=True).to_parquet(buffer, index=False)
    return buffer.getvalue()


def pdf(html: str) -> bytes:
    """The page as weasyprint prints it. UserError where that is not installed, HarnessError where its system libraries are missing."""
    try:
        from weasyprint import HTML
    except ImportError:
        raise UserError('a PDF needs weasyprint: pip install "sb3-course[report-pdf]" (or print report.html from a browser)') from None
    except OSError as error:  # it is there, Pango is not
        library = str(error).splitlines()[0]
        raise HarnessError(f"weasyprint lacks its system libraries ({library}): on Debian and Ubuntu, apt install libpango-1.0-0 libpangoft2-1.0-0") from None
    return HTML(string=printed(html)).write_pdf()


def printed(html: str) -> str:
    """The page with everything open that is printed: weasyprint does not know what a browser's style sheet opens."""
    return re.sub(r"<details(?! class=.screen)", "<details open", html)


# ------------------------------------------------------------------------------------------------------------- checklist


def hyperparams_from(study: Study) -> str:
    """Where each algorithm's hyper-parameters come from; empty where the study does not say."""
    found: dict[tuple[str, str], list[str]] = {}
    for algo, of_env in (study.provenance or {}).items():
        for source in dict.fromkeys(of_env.values()):
            found.setdefault((source, ", ".join(env for env, own in of_env.items() if own == source)), []).append(algo)
    return "; ".join(f"{', '.join(algos)} on {envs}: {source}" for (source, envs), algos in found.items())


def tuning(study: Study) -> str:
    """What the hyper-parameters cost to find, algorithm by algorithm; empty where the study declares no tuning."""
    algos: dict[str, list[str]] = {}
    for algo in study.algorithms:
        if how := tuning_of(study, algo):
            algos.setdefault(how, []).append(algo)  # a twin shares its algorithm's
    return ". ".join(f"{', '.join(names)} {how}" for how, names in algos.items())


def checklist(analysis: Analysis, facts: dict[str, Any]) -> list[dict[str, str]]:
    """The points of the Machine Learning Reproducibility Checklist (Pineau 2020, v2.0), in short, with the answers that follow from the study.

    answer: "yes", "no", "does not apply", or "for the authors" where only they can know.
    """
    study, how = analysis.study, analysis.statistics
    entries = [entry for a in study.algorithms if (entry := registry.known(a))]
    papers = [f"{entry.id}: {entry.paper}" for entry in entries if entry.id not in {other.twin for other in entries}]
    planned = analysis.runs.drop_duplicates("run_id")
    finished = int((planned["status"] == "finished").sum())
    source, seconds = facts["source"] or {}, facts["seconds"]
    protocol = study.protocol or {}
    tuned, come_from = tuning(study), hyperparams_from(study)
    known = study.hyperparams
    own_seeds = protocol.get("eval_seed") is not None
    commit = f"git commit {source['commit']}{', with uncommitted changes' if source.get('dirty') else ''}" if source.get("commit") else ""
    models = {True: "in every run's directory", MEDIAN: "of the median runs, which this report shows; the hashes of all are in repro.json"}.get(
        study.keep_models, "not kept; their hashes are in repro.json" if known else "not part of this study")
    counts = f"{len(planned)} planned, {finished} finished"
    hours = f"{seconds['train'] / 3600:.2f} h of training and {seconds['eval'] / 3600:.2f} h of evaluation in all; per task under training health"
    yes = lambda found: "yes" if found else "for the authors"
    rows = [
        ("Models", "The algorithms are described", yes(papers), "; ".join(papers)),
        ("Models", "Assumptions are stated", "for the authors", ""),
        ("Models", "Complexity is analysed", "for the authors", "steps, seconds and steps per second of every run are in this report"),
        ("Theory", "Claims are stated and proved", "for the authors", ""),
        ("Data", "Environments and their statistics", "yes", f"{', '.join(study.tasks)}; entry points and hashes in repro.json"),
        ("Data", "Splits for training and evaluation", yes(own_seeds), "evaluation episodes have seeds of their own, by derivation" if own_seeds else ""),
        ("Data", "What was excluded", "yes", "; ".join(analysis.missing) if analysis.is_partial else "nothing: every planned run is in"),
        ("Code", "Dependencies", "yes", f"{len(facts['rendering']['packages']['installed'])} packages with versions in repro.json"),
        ("Code", "Training and evaluation code", yes(commit), commit),
        ("Code", "Trained models", "yes" if study.keep_models else "no", models),
        ("Code", "Results with the command that produces them", yes(facts["command"]), facts["command"] or ""),
        ("Experiments", "All hyper-parameters of the results", yes(known), "the resolved study is in the appendix" if known else ""),
        ("Experiments", "How hyper-parameters were chosen", yes(tuned or come_from), ". ".join(filter(None, (come_from, tuned)))),
        ("Experiments", "Number of training and evaluation runs", "yes",
         f"{counts}; {protocol['eval_episodes']} evaluation episodes at a checkpoint" if protocol.get("eval_episodes") else counts),
        ("Experiments", "The statistics are defined", "yes", "the IQM and others as in rliable; the protocol says what a score is"),
        ("Experiments", "Central tendency and variation", "yes", f"{percent(how.confidence)} intervals, {count(how.reps)} repetitions, seed {how.seed}"),
        ("Experiments", "Runtime", "yes" if seconds["train"] else "no", hours if seconds["train"] else ""),
        ("Experiments", "Computing infrastructure", yes(facts["hosts"]),
         "; ".join(f"{h.get('cpu', 'a processor')}, {h.get('threads', '?')} thread a run" for h in facts["hosts"])),
    ]  # fmt: skip
    return [{"part": part, "point": point, "answer": answer, "where": where} for part, point, answer, where in rows]
