#!/usr/bin/python3
"""`make bench`: each measure as a ratio against a peer in the same run, with its target and a verdict.

One file measure_NAME.py a measure: its measure() gives kit.Row after kit.Row. Peers are the C and C++ files here.
BENCH_ORDERS sets the large size, MEASURES="sweep mqtt" picks. The verdicts are for people: a loaded machine fails none.
"""
import importlib
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

VERDICTS = {True: "met", False: "MISSED", None: ""}


def show(row):
    print(f"{row.what:<56} {row.value:>12} {row.target:>10} {VERDICTS[row.is_met]:<7} {row.peer}", flush=True)


def main():
    names = sorted(path.stem.removeprefix("measure_") for path in HERE.glob("measure_*.py"))
    wanted = os.environ.get("MEASURES", "").split() or names
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        sys.exit(f"bench: no measure {', '.join(unknown)}; there are {', '.join(names)}")
    rows = []
    print(f"{'measure':<56} {'value':>12} {'target':>10}")
    for name in wanted:
        for row in importlib.import_module(f"measure_{name}").measure():
            rows.append(row)
            show(row)
    judged = [row for row in rows if row.is_met is not None]
    print(f"{sum(row.is_met for row in judged)} of {len(judged)} targets met")


if __name__ == "__main__":
    main()
