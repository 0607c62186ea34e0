"""From a thousand orders to many: the cost of an unchanged sweep, the memory of an order, the start."""
import kit

SWEEPS = 5
SIZES = sorted({1000, 10000, 100000, kit.ORDERS})


def at_size(count, probe):
    with kit.folder() as folder:
        size = kit.write_pages(folder / "pages", count)
        with kit.watched(folder, folder / "pages") as (upstream, watcher):
            return probe(watcher, upstream, size)


def sweep_cost(watcher, _, size):
    watcher.sweep()
    cpu = min(watcher.sweep() for _ in range(SWEEPS))
    return size, cpu, kit.memory_of(watcher.pid, "VmRSS")


def start_cost(watcher, upstream, size):
    """(bytes, seconds of CPU, resident bytes, seconds from a start anew to ready, the start's peak, the first's)"""
    first_peak = kit.memory_of(watcher.pid, "VmHWM")
    measured = sweep_cost(watcher, upstream, size)
    watcher.stop()
    watcher.start()
    return (*measured, watcher.start_seconds, kit.memory_of(watcher.pid, "VmHWM"), first_peak)


def measure():
    costs = {count: at_size(count, start_cost) for count in SIZES}
    for count, (size, cpu, memory, *_) in costs.items():
        yield kit.shown(f"unchanged sweep of {count} orders", f"{cpu * 1e3:.1f} ms",
                        f"{size / cpu / 1e9:.2f} GB/s of CPU, {memory / 2**20:.0f} MiB resident")
    small, large = costs[10000], costs[SIZES[-1]]
    yield kit.at_most(f"  CPU a byte, {SIZES[-1]} orders against 10000", (large[1] / large[0]) / (small[1] / small[0]),
                      1.5, "x")
    count = SIZES[-1]
    # At 10,000 the store's page cache, which has a limit of its own, is full.
    each = (large[2] - small[2]) / (count - 10000)
    yield kit.at_most(f"memory of a known order, {count} against 10000", each, 100, " B",
                      f"peak of the first sweep {large[5] / 2**20:.0f} MiB")
    yield kit.at_most(f"start with {count} known orders, to ready", large[3], 2, " s",
                      f"{costs[1000][3]:.2f} s with 1000")
