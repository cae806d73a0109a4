"""The papers' claims, tested: two arms on equal terms, several paired seeds, an interval and a verdict.

    python -m ganlib.claims RA-C1 --seeds 5     # train what is missing, write data/claims/RA-C1.json
    python -m ganlib.claims --table             # the README's table, from data/claims/
    python -m ganlib.claims --keep GRAN3 GRAN5 --seeds 3    # the trained networks, to data/weights/

Each paper has a file in ``ganlib/claims/`` with its arms, measures and claims. A run is trained once and serves every
claim that needs it. Stop it whenever you like: finished runs are kept under runs/claims/, and a run that was stopped
goes on from its checkpoint.
"""

import argparse

from ganlib.checks import require
from ganlib.claims.engine import keep, table, test
from ganlib.claims.ledger import ARMS, CLAIMS

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ids", nargs="*", metavar="ID", help=", ".join(CLAIMS))
    parser.add_argument("--seeds", type=int, default=5, help="paired seeds (default: 5)")
    parser.add_argument("--keep", nargs="*", default=[], metavar="ARM", help=", ".join(ARMS))
    parser.add_argument("--table", action="store_true", help="print the table of all results")
    arguments = parser.parse_args()
    for name in arguments.ids:
        require(name in CLAIMS, f"ID is {name!r}; the claims are {', '.join(CLAIMS)}")
        print(test(CLAIMS[name], arguments.seeds)["verdict"])
    for arm in arguments.keep:
        require(arm in ARMS, f"ARM is {arm!r}; the arms are {', '.join(ARMS)}")
        for seed in range(arguments.seeds):
            keep(arm, seed)
    if arguments.table:
        print(table())
