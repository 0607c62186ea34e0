"""The longest turn of the loop while a page of 16 MiB is worked on: new, unchanged, with 1 % changed; in clear and packed."""
import kit

ORDERS = 16 * 1024  # one page, just below the limit of a body
LIMIT_MS = 20


def longest(probe):
    """(wall, CPU) in milliseconds."""
    wall, cpu = map(float, probe.read_text().split())
    return wall, cpu


def measure_form(is_packed):
    form = "packed" if is_packed else "in clear"
    with kit.folder() as folder:
        size = kit.write_pages(folder / "a", ORDERS, page=ORDERS, is_packed=is_packed)
        kit.write_pages(folder / "b", ORDERS, changed_every=100, page=ORDERS, is_packed=is_packed)
        probe = folder / "turn"
        preloaded = {"LD_PRELOAD": str(kit.PEERS / "turn_probe.so"), "TURN_PROBE": str(probe)}
        with kit.watched(folder, folder / "a", preloaded, is_packed, page=10000) as (upstream, watcher):
            wall, cpu = longest(probe)
            yield kit.at_most(f"longest turn, first reading of {size / 2**20:.1f} MiB, {form}", cpu, LIMIT_MS,
                              " ms", f"{wall:.1f} ms of wall time")
            for i in range(4):
                upstream.show(folder / ("a" if i % 2 else "b"))
                watcher.sweep()
                watcher.sweep()
            wall, cpu = longest(probe)
            yield kit.at_most("  the longest of 9 sweeps, 4 of them with changes", cpu, LIMIT_MS, " ms",
                              f"{wall:.1f} ms of wall time")


def measure():
    for is_packed in (False, True):
        yield from measure_form(is_packed)
