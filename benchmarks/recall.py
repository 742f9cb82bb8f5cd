"""How much of what was asked for is found: turn-level mean recall@k, on LoCoMo and on three workflows of our own, beside peers.

    python benchmarks/recall.py --data locomo10.json [--distractors 28000] [--weights shipped] [--embedder minilm]

For one question, recall@k is the share of its evidence among the first k memories; the mean is over all questions that have evidence. Each
conversation is a store of its own. No network, and no model unless ``--embedder`` names one. The weights are fitted without the
conversation that is asked (leave-one-conversation-out), unless ``--weights shipped`` asks for those in the code, which have seen all of
the file. LoCoMo is CC BY-NC 4.0 and not in this project (``recall_data.py`` says where it is from). Without ``--data`` only the workflows
are measured, with the shipped weights, which have not seen them. ``--distractors`` adds made-up one-line facts to every store. Questions
that share no content word with their evidence are shown by themselves, too. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from recall_data import Asked, Case, foreign_facts, read_locomo, read_workflows
from recall_embedders import named_embedder
from recall_fit import examples, examples_of_meaning, fit, fit_meaning
from recall_peers import PEERS, Absent

from memsync.recall import meaning, rank

KNOWN = {
    "79fa87e90f04081343b8c8debecb80a9a6842b76a7aa537dc9fdf651ea698ff4": "locomo10.json",
    "2b0336ccebc0a39a5e4e4f862220c90b17fba655d6cf913aac7f36ad510ee71a": "five of its ten conversations",
}
DEPTHS = (5, 10, 25)
Answers = Callable[[str, int], list[str]]
Row = tuple[str, tuple[float, ...], bool]


def ask(case: Case, answers: Answers) -> list[Row]:
    """Of each question of a case: its category, recall by depth, whether it shares a word with its evidence."""
    return [
        (one.category, _recall(one, answers(one.text, max(DEPTHS))), case.shares_word(one))
        for one in case.questions
    ]


def _recall(asked: Asked, found: list[str]) -> tuple[float, ...]:
    return tuple(len(asked.evidence & set(found[:depth])) / len(asked.evidence) for depth in DEPTHS)


def summary(rows: list[Row]) -> dict[str, object]:
    """Means by depth, how many questions, the 95 % interval of the mean at 10, and each category's means."""
    figures: dict[str, object] = dict(_means(rows))
    values = [row[1][1] for row in rows]
    mean = sum(values) / len(values)
    spread = 1.96 * math.sqrt(sum((one - mean) ** 2 for one in values)) / len(values)
    figures |= {"n": len(rows), "interval@10": [round(mean - spread, 4), round(mean + spread, 4)]}
    figures["categories"] = {
        name: _means([row for row in rows if row[0] == name]) | {"n": sum(row[0] == name for row in rows)}
        for name in sorted({row[0] for row in rows})
    }
    apart = [row for row in rows if not row[2]]
    figures["no_shared_word"] = (_means(apart) if apart else {}) | {"n": len(apart)}
    return figures


def _means(rows: list[Row]) -> dict[str, float]:
    return {
        f"recall@{depth}": round(sum(row[1][at] for row in rows) / len(rows), 4)
        for at, depth in enumerate(DEPTHS)
    }


def measure(cases: list[Case], *, leave_out: bool) -> list[Row]:
    """The cases' rows, each under weights that have not seen it if ``leave_out``."""
    if not leave_out:
        return [row for case in cases for row in ask(case, case.answers)]
    pools, near = [examples(case) for case in cases], [examples_of_meaning(case) for case in cases]
    shipped, rows = (rank.WEIGHTS, meaning.WEIGHTS), []
    for at, case in enumerate(cases):
        rank.WEIGHTS = fit(_others(pools, at))
        if any(near):
            meaning.WEIGHTS = fit_meaning(_others(near, at), rank.WEIGHTS)
        rows += ask(case, case.answers)
    rank.WEIGHTS, meaning.WEIGHTS = shipped
    return rows


def _others(pools: list[list[Any]], left_out: int) -> list[Any]:
    return [one for at, pool in enumerate(pools) if at != left_out for one in pool]


def peers(cases: list[Case]) -> dict[str, object]:
    """The same questions, asked of others; the reason where one can't be had. Some take an hour: each case is told as it is done."""
    found: dict[str, object] = {}
    for name, open_peer in PEERS.items():
        try:
            rows = []
            for case in cases:
                with open_peer(case) as answers:
                    some = ask(case, answers)
                print(f"… {name}, {case.name}: {_means(some)}, n {len(some)}", file=sys.stderr, flush=True)
                rows += some
            found[name] = summary(rows)
        except Absent as why:
            found[name] = {"absent": str(why)}
    return found


def show(name: str, figures: dict[str, object]) -> None:
    """A line of a table."""
    if "absent" in figures:
        print(f"{name:28} absent: {figures['absent']}")
        return
    line = "  ".join(f"@{depth} {100 * float(str(figures[f'recall@{depth}'])):5.1f}" for depth in DEPTHS)
    kinds = "  ".join(f"{kind} {100 * each['recall@10']:.1f}" for kind, each in figures["categories"].items())
    print(f"{name:28} {line}  n {figures['n']}  | @10: {kinds}")
    if (apart := figures["no_shared_word"])["n"]:
        line = "  ".join(f"@{depth} {100 * apart[f'recall@{depth}']:5.1f}" for depth in DEPTHS)
        print(f"{'  no word shared':28} {line}  n {apart['n']}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="LoCoMo's JSON.")
    parser.add_argument("--distractors", type=int, default=0, metavar="N")
    parser.add_argument("--weights", choices=("left-out", "shipped"), default="left-out")
    parser.add_argument(
        "--embedder",
        metavar="NAME",
        help="`minilm` (tools/minilm.py), `hashing`, or what `recall.embedder` takes.",
    )
    parser.add_argument("--no-peers", action="store_true")
    asked = parser.parse_args()
    foreign, embedder = foreign_facts(asked.distractors), named_embedder(asked.embedder)
    workflows = read_workflows()
    for case in workflows:
        case.fill(foreign, embedder)
    ours = {case.name: summary(ask(case, case.answers)) for case in workflows}
    together = measure(workflows, leave_out=False)
    if asked.data is None or not asked.data.exists():
        print(
            "no LoCoMo file: the workflows only"
            if asked.data is None
            else f"{asked.data} is not there: the workflows only"
        )
        cases, figures = workflows, summary(together)
    else:
        digest = hashlib.sha256(asked.data.read_bytes()).hexdigest()
        print(f"LoCoMo: {KNOWN.get(digest, f'a file of another content, sha256 {digest}')}")
        cases = read_locomo(asked.data)
        for case in cases:
            case.fill(foreign, embedder)
        left_out = asked.weights == "left-out" and len(cases) > 1
        figures = summary(measure(cases, leave_out=left_out))
        print(
            "weights fitted without the conversation asked"
            if left_out
            else "weights as shipped, which have seen this file"
        )
    figures["peers"] = {} if asked.no_peers else peers(cases)
    show("memsync", figures)
    for name, each in figures["peers"].items():
        show(name, each)
    print()
    show("workflows", summary(together))
    for name, each in ours.items():
        show(f"  {name}", each)
    if not asked.no_peers and cases is not workflows:
        for name, each in peers(workflows).items():
            show(f"  {name}", each)
    print(
        json.dumps(
            figures
            | {"workflows": summary(together), "distractors": asked.distractors, "embedder": asked.embedder}
        )
    )


if __name__ == "__main__":
    main()
