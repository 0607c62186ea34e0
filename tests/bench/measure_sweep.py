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
            received = min(kit.peer("receive_hash", upstream.port, kit.ORDERS, kit.PAGE)[0] for _ in range(SWEEPS))
            yield kit.at_most("unchanged sweep, CPU against jq length", same / jq, 1 / 20,
                              peer=f"{same * 1e3:.0f} ms, jq {jq * 1e3:.0f} ms")
            yield kit.at_most("  against receiving and XXH3", same / received, 2,
                              peer=f"{same * 1e3:.0f} ms, peer {received * 1e3:.0f} ms")
            simdjson = min(kit.peer("simdjson_parse", *pages)[0] for _ in range(SWEEPS))
            changed, changed_loop = changing_sweeps(watcher, upstream, folder)
            yield kit.at_most("1 % changed, to the durable end, against simdjson DOM", changed / simdjson, 1,
                              peer=f"{changed * 1e3:.0f} ms, simdjson {simdjson * 1e3:.0f} ms")
            yield kit.shown("  of it the loop: received, read, compared, events made",
                            f"{changed_loop / (received + simdjson):.3g}",
                            f"of receiving + simdjson: {changed_loop * 1e3:.0f} ms, {(received + simdjson) * 1e3:.0f} ms")
