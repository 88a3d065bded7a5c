"""The report's numbers for other programs: LaTeX tables, BibTeX entries, Parquet files, a PDF, and answers to the reproducibility checklist."""

from __future__ import annotations

import io
import re
from importlib import resources
from typing import Any

import pandas as pd

from benchmarks import HarnessError, UserError
from benchmarks.evidence.analysis import Analysis
from benchmarks.report.figures import Table, count, percent
from benchmarks.store.plain import printable
from benchmarks.studies.study import MEDIAN, tuning_of
from from_scratch import registry

TEX = {  # what LaTeX would read otherwise, or not at all
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": "$<$", ">": "$>$", "−": "$-$", "±": r"$\pm$", "–": "--", "\u202f": r"\,", "\u00a0": "~", "≤": r"$\leq$", "≥": r"$\geq$",
    "×": r"$\times$", "∞": r"$\infty$", "τ": r"$\tau$", "δ": r"$\delta$", "γ": r"$\gamma$", "λ": r"$\lambda$",
    "ε": r"$\epsilon$", "α": r"$\alpha$", "…": r"\dots{}",
}  # fmt: skip


FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how what a spreadsheet computes begins


def tex(text: str) -> str:
    """Plain text as LaTeX prints it, on one line: a line end in a name would end a comment, or a paragraph in a table."""
    return re.sub("|".join(map(re.escape, TEX)), lambda found: TEX[found[0]], _one_line(text))


def _one_line(text: str) -> str:
    return printable(re.sub(r"[\n\t\v\f\r\x1c-\x1e\x85\u2028\u2029]+", " ", text))


def latex_table(table: Table, caption: str, label: str) -> str:
    """A table in the style of booktabs, the first column ragged."""
    head = " & ".join(map(tex, table.header))
    body = "\n".join(" & ".join(map(tex, row)) + r" \\" for row in table.rows)
    return (
        f"\\begin{{table}}\n\\centering\n\\caption{{{tex(caption)}}}\n\\label{{tab:{label}}}\n\\begin{{tabular}}{{l{'r' * (len(table.header) - 1)}}}\n"
        f"\\toprule\n{head} \\\\\n\\midrule\n{body}\n\\bottomrule\n\\end{{tabular}}\n\\end{{table}}\n"
    )


def latex(tables: list[tuple[str, Table, str]], study: str, study_hash: str) -> str:
    """All tables, (label, table, caption), as one file for \\input."""
    opening = f"% {_one_line(study)}, study {_one_line(study_hash)}. In the preamble: \\usepackage{{booktabs}}\n"
    return opening + "\n" + "\n".join(latex_table(table, caption, label) for label, table, caption in tables)


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


STATISTICS = ("rliable", "Hesterberg 2015", "Mandel & Betensky 2008", "Chung & Romano 2013", "Yuen 1974", "Holm 1979", "Schuirmann 1987")


def papers_of(algo: str) -> list[str]:
    """The papers of an algorithm, as references.bib names them."""
    paper = registry.ENTRIES[algo].paper if algo in registry.ENTRIES else "–"
    return [] if paper == "–" else [re.sub(r", §.*", "", part) for part in paper.split("; ")]


def bibliography(algos: list[str], sequential: bool = False) -> str:
    """BibTeX entries of the algorithms' papers and of what the numbers and twins stand on; a paper without one is named."""
    entries: dict[str, str] = {}
    for part in (resources.files("benchmarks.report") / "templates" / "references.bib").read_text(encoding="utf-8").split("% ")[1:]:
        title, _, entry = part.partition("\n")
        entries[title] = entry.strip()
    wanted = [*STATISTICS, *(["Mathieu et al. 2024"] if sequential else []), *(["Stable-Baselines3"] if any(a.startswith("sb3/") for a in algos) else []),
              *(paper for algo in algos for paper in papers_of(algo))]
    return "\n\n".join(entries.get(key, f"% no entry here for {key}") for key in dict.fromkeys(wanted))


# ------------------------------------------------------------------------------------------------------------- checklist


def hyperparams_from(study: dict[str, Any]) -> str:
    """Where each algorithm's hyper-parameters come from; empty where the study does not say."""
    found: dict[tuple[str, str], list[str]] = {}
    for algo, of_env in (study.get("provenance") or {}).items():
        for source in dict.fromkeys(of_env.values()):
            found.setdefault((source, ", ".join(env for env, own in of_env.items() if own == source)), []).append(algo)
    return "; ".join(f"{', '.join(algos)} on {envs}: {source}" for (source, envs), algos in found.items())


def tuning(study: dict[str, Any]) -> str:
    """What the hyper-parameters cost to find, algorithm by algorithm; empty where the study declares no tuning."""
    algos: dict[str, list[str]] = {}
    for algo in dict.fromkeys(algo for group in study["groups"] for algo in group["algos"]):
        if how := tuning_of(study, algo):
            algos.setdefault(how, []).append(algo)  # a twin shares its algorithm's
    return ". ".join(f"{', '.join(names)} {how}" for how, names in algos.items())


def checklist(analysis: Analysis, facts: dict[str, Any]) -> list[dict[str, str]]:
    """The points of the Machine Learning Reproducibility Checklist (Pineau 2020, v2.0), in short, with the answers that follow from the study.

    answer: "yes", "no", "does not apply", or "for the authors" where only they can know.
    """
    study, how = analysis.study, analysis.statistics
    envs = list(dict.fromkeys(env for group in study["groups"] for env in group["envs"]))
    algos = list(dict.fromkeys(algo for group in study["groups"] for algo in group["algos"]))
    papers = [f"{a}: {registry.ENTRIES[a].paper}" for a in algos if a in registry.ENTRIES and not a.startswith("sb3/")]
    planned = analysis.runs.drop_duplicates("run_id")
    finished = int((planned["status"] == "finished").sum())
    source, seconds = facts["source"] or {}, facts["seconds"]
    protocol = study.get("protocol") or {}
    tuned, come_from = tuning(study), hyperparams_from(study)
    known = study.get("hyperparams")
    own_seeds = protocol.get("eval_seed") is not None
    commit = f"git commit {source['commit']}{', with uncommitted changes' if source.get('dirty') else ''}" if source.get("commit") else ""
    models = {True: "in every run's directory", MEDIAN: "of the median runs, which this report shows; the hashes of all are in repro.json"}.get(
        study.get("keep_models"), "not kept; their hashes are in repro.json" if known else "not part of this study")
    counts = f"{len(planned)} planned, {finished} finished"
    hours = f"{seconds['train'] / 3600:.2f} h of training and {seconds['eval'] / 3600:.2f} h of evaluation in all; per task under training health"
    yes = lambda found: "yes" if found else "for the authors"
    rows = [
        ("Models", "The algorithms are described", yes(papers), "; ".join(papers)),
        ("Models", "Assumptions are stated", "for the authors", ""),
        ("Models", "Complexity is analysed", "for the authors", "steps, seconds and steps per second of every run are in this report"),
        ("Theory", "Claims are stated and proved", "for the authors", ""),
        ("Data", "Environments and their statistics", "yes", f"{', '.join(envs)}; entry points and hashes in repro.json"),
        ("Data", "Splits for training and evaluation", yes(own_seeds), "evaluation episodes have seeds of their own, by derivation" if own_seeds else ""),
        ("Data", "What was excluded", "yes", "; ".join(analysis.missing) if analysis.is_partial else "nothing: every planned run is in"),
        ("Code", "Dependencies", "yes", f"{len(facts['rendering']['packages']['installed'])} packages with versions in repro.json"),
        ("Code", "Training and evaluation code", yes(commit), commit),
        ("Code", "Trained models", "yes" if study.get("keep_models") else "no", models),
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
