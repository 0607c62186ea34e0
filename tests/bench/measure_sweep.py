"""What a sweep of many orders costs when nothing changed, and when one order in a hundred did."""
import subprocess

import kit

SWEEPS = 12


def jq_seconds(pages):
    cpu, _, _ = kit.cpu_of(["jq", "length", *map(str, pages)], stdout=subprocess.DEVNULL)
    return cpu


def changing_sweeps(watcher, upstream, folder):
    """Seconds of CPU, all and the loop's, of a sweep in which what differs between a and b has changed."""
    costs, loop = [], []
    for i in range(2 * SWEEPS):
        upstream.show(folder / ("a" if i % 2 else "b"))
        costs.append(watcher.sweep())
        loop.append(watcher.loop_seconds)
    return min(costs), min(loop)


def measure():
    with kit.folder() as folder:
        size = kit.write_pages(folder / "a", kit.ORDERS)
        kit.write_pages(folder / "b", kit.ORDERS, changed_every=100)
        pages = sorted((folder / "a").glob("*.json"))
        with kit.watched(folder, folder / "a") as (upstream, watcher):
            yield kit.shown(f"first sweep of {kit.ORDERS} orders, {size / 1e6:.0f} MB",
                            f"{kit.cpu_so_far(watcher.pid):.2f} s")
            same = min(watcher.sweep() for _ in range(SWEEPS))
            jq = jq_seconds(pages)
            hashed, received = min(kit.peer("receive_hash", upstream.port, kit.ORDERS, kit.PAGE)
                                   for _ in range(SWEEPS))
            yield kit.at_most("unchanged sweep, CPU against jq length", same / jq, 1 / 20,
                              peer=f"{same * 1e3:.0f} ms, jq {jq * 1e3:.0f} ms")
            yield kit.at_most("  against receiving and XXH3", same / hashed, 2,
                              peer=f"{same * 1e3:.0f} ms, peer {hashed * 1e3:.0f} ms")
            simdjson = min(kit.peer("simdjson_parse", *pages)[0] for _ in range(SWEEPS))
            changed, changed_loop = changing_sweeps(watcher, upstream, folder)
            # A parser ends where its tree stands in memory; the loop ends where the events are made. Both have
            # to receive. What makes it durable is another thread's, and no parser's.
            parsed = received + simdjson
            yield kit.at_most("1 % changed: read, compared, events made; against receiving and simdjson DOM",
                              changed_loop / parsed, 1,
                              peer=f"{changed_loop * 1e3:.0f} ms, peer {received * 1e3:.0f} + {simdjson * 1e3:.0f} ms")
            yield kit.shown("  and durable: with the store's thread", f"{changed / parsed:.3g}",
                            f"{changed * 1e3:.0f} ms; {changed / simdjson:.3g} of simdjson alone")
