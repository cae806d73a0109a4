"""The papers' claims, tested: two arms on equal terms, several paired seeds, an interval and a verdict.

    python -m ganlib.claims RA-C2 --seeds 5     # train what is missing, write data/claims/RA-C2.json
    python -m ganlib.claims --plan --seeds 10   # the runs that are missing for all claims, and their minutes
    python -m ganlib.claims --all --jobs 2 --seeds 10       # train and test them all, each run in its own process
    python -m ganlib.claims --table             # the README's table, from data/claims/
    python -m ganlib.claims --recall --all --seeds 10       # the same, of which the seeds in data/claims/ need no run
    python -m ganlib.claims --keep GRAN3 GRAN5 --seeds 3    # the trained networks, to data/weights/

Each paper has a file in ``ganlib/claims/`` with its arms, measures and claims. A run is trained once and serves every
claim that needs it. Stop it whenever you like: finished runs are kept under runs/claims/, and a run that was stopped
goes on from its checkpoint.
"""

import argparse

from ganlib.budget import budget
from ganlib.checks import require
from ganlib.claims.engine import keep, recall, table, test
from ganlib.claims.ledger import ARMS, CLAIMS
from ganlib.claims.queue import plan, test_all

if __name__ == "__main__":
    seeds = budget(smoke=2, cpu=5, cuda=5, paper=5)  # two are the fewest that have an interval
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ids", nargs="*", metavar="ID", help=", ".join(CLAIMS))
    parser.add_argument(
        "--seeds", type=int, default=seeds, help=f"paired seeds (default: {seeds}), of a spread half more"
    )
    parser.add_argument("--all", action="store_true", help="test all claims, or with IDs those, --jobs runs at a time")
    parser.add_argument("--plan", action="store_true", help="print what --all would train, and how long it may take")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time (default: 1)")
    parser.add_argument("--recall", action="store_true", help="first take over the figures of the runs in data/claims/")
    parser.add_argument("--generator", action="store_true", help="of what --keep writes leave the discriminator out")
    parser.add_argument("--keep", nargs="*", default=[], metavar="ARM", help=", ".join(ARMS))
    parser.add_argument("--table", action="store_true", help="print the table of all results")
    arguments = parser.parse_args()
    for name in arguments.ids:
        require(name in CLAIMS, f"ID is {name!r}; the claims are {', '.join(CLAIMS)}")
    chosen = [CLAIMS[name] for name in arguments.ids or CLAIMS]
    if arguments.recall:
        print(f"{recall()} runs recalled")
    if arguments.plan:
        print(plan(chosen, arguments.seeds, arguments.jobs))
    elif arguments.all:
        test_all(chosen, arguments.seeds, arguments.jobs)
    else:
        for name in arguments.ids:
            print(test(CLAIMS[name], CLAIMS[name].needs(arguments.seeds))["verdict"])
    for arm in arguments.keep:
        require(arm in ARMS, f"ARM is {arm!r}; the arms are {', '.join(ARMS)}")
        for seed in range(arguments.seeds):
            keep(arm, seed, opponent=not arguments.generator)
    if arguments.table:
        print(table())
