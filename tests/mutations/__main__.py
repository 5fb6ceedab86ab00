"""
Take one mechanism away at a time and see a test turn red.

``python -m tests.mutations`` runs all on the embedded PostgreSQL and broker; names as arguments choose some. It ends
with 1 when a mechanism could be taken away unseen, and with 2 when a mutation no longer fits the code.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.mutations.mechanisms import MUTATIONS, Mutation
from tests.mutations.tree import DoesNotApply, Run, Tree

GREEN, RED = 0, 1


def main() -> int:
    chosen = choose()
    with tempfile.TemporaryDirectory(prefix="plaint-mutations-") as folder:
        tree = Tree(Path(folder))
        if misfits := [error for mutation in chosen if (error := misfit(tree, mutation))]:
            say("\n".join(misfits))
            return 2
        if not is_green(tree, chosen):
            return 2
        survived = [mutation.name for mutation in chosen if not is_seen(tree, mutation)]
    if survived:
        say(f"\nSURVIVED, no test saw it: {', '.join(survived)}")
        return 1
    say(f"\nall {len(chosen)} mechanisms are missed when they are taken away")
    return 0


def choose() -> list[Mutation]:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description="Take each mechanism away.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="mutations to run; all if none is named")
    parser.add_argument("--list", action="store_true", help="only say what there is")
    arguments = parser.parse_args()
    if arguments.list:
        for mutation in MUTATIONS:
            say(f"{mutation.name:28} {mutation.why}")
        sys.exit(0)
    known = {mutation.name: mutation for mutation in MUTATIONS}
    if unknown := set(arguments.names) - known.keys():
        parser.error(f"no such mutation: {', '.join(sorted(unknown))}")
    return [known[name] for name in arguments.names] or list(MUTATIONS)


def misfit(tree: Tree, mutation: Mutation) -> str | None:
    try:
        tree.check(mutation)
    except DoesNotApply as error:
        return f"DOES NOT APPLY {error}"
    return None


def is_green(tree: Tree, chosen: list[Mutation]) -> bool:
    """Whether every test that is to turn red is green as long as nothing is missing."""
    tests = sorted({test for mutation in chosen for test in mutation.tests})
    say(f"without any mutation, {len(tests)} tests or files …")
    run = tree.run(tests, stop_early=False)
    say(f"{'green' if run.status == GREEN else 'NOT GREEN'} in {run.seconds:.0f} s")
    if run.status != GREEN:
        say(run.output)
    return run.status == GREEN


def is_seen(tree: Tree, mutation: Mutation) -> bool:
    before = tree.texts(mutation.edits)
    tree.mutate(mutation.edits)
    try:
        run = tree.run(mutation.tests, stop_early=True)
    finally:
        tree.restore(mutation.edits, before)
    say(f"| {mutation.name} | {verdict(run)} | {run.seconds:.0f} s |")
    if run.status not in {GREEN, RED}:
        say(run.output)
    return run.status == RED and run.failed is not None


def verdict(run: Run) -> str:
    if run.status == RED and run.failed:
        return f"`{run.failed}`"
    return "SURVIVED" if run.status == GREEN else f"CANNOT TELL (pytest ended with {run.status})"


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what it finds is its purpose


if __name__ == "__main__":
    began = time.monotonic()
    status = main()
    say(f"{time.monotonic() - began:.0f} s")
    sys.exit(status)
