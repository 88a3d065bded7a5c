"""sb3-course parity: ours and its Stable-Baselines3 twin side by side, case by case."""

from __future__ import annotations

import argparse
import json
import warnings
from dataclasses import asdict
from pathlib import Path

from benchmarks import UserError
from benchmarks.parity import cases, compare
from benchmarks.running import launchers
from from_scratch import registry


def run(args: argparse.Namespace) -> int:
    """1 if a case differs."""
    entry = registry.find(args.algo)
    if entry.id not in cases.CASES:
        raise UserError(f"parity {args.algo}: only an algorithm with a twin and cases can be compared: {', '.join(cases.CASES)}")
    known = cases.of(entry.id)
    unknown = [name for name in args.case or () if name not in known]
    if unknown:
        raise UserError(f"parity {args.algo} has no case '{unknown[0]}' (sb3-course parity {args.algo} --list)")
    if args.list:
        print("\n".join(known))
        return 0
    launchers.one_thread()
    warnings.filterwarnings("ignore")  # what each side warns of is part of the comparison
    chosen = {name: case for name, case in known.items() if not args.case or name in args.case}
    print(f"{entry.id} and {entry.twin}, seed {args.seed}: tier A, the same run; tier B, one training on the same weights and data")
    rows, differ = [], 0
    for name, a, b in compare.run(entry.id, chosen, args.seed):
        differ += not (a.same and b.same)
        print(f"  {name:30} A {a!s:44} B {b}", flush=True)
        rows.append({"case": name, "steps": chosen[name].steps, "A": {**asdict(a), "verdict": str(a)}, "B": {**asdict(b), "verdict": str(b)}})
    print(f"{len(rows) - differ} of {len(rows)} cases are the same")
    if args.json:
        Path(args.json).write_text(json.dumps({"algorithm": entry.id, "twin": entry.twin, "seed": args.seed, "cases": rows}, indent=1) + "\n", encoding="utf-8")
    return 1 if differ else 0
