/* Preloaded into the daemon: how long the loop was away from epoll, at the longest. Between two
 * waits lies one turn: what the kernel reported, the timers, the prepare. Written to the file
 * TURN_PROBE names each time that the record is broken, as milliseconds of wall time and of the
 * thread's CPU in that turn. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

typedef int wait_fn(int, struct epoll_event *, int, int);

static double seconds(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void record(double wall_ms, double cpu_ms)
{
    const char *path = getenv("TURN_PROBE");
    FILE *file = path != NULL ? fopen(path, "we") : NULL;
    if (file != NULL) {
        (void)fprintf(file, "%.3f %.3f\n", wall_ms, cpu_ms);
        (void)fclose(file);
    }
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): the C library has its own */
int epoll_wait(int epoll, struct epoll_event *events, int count, int timeout_ms)
{
    static wait_fn *real;
    static double woke_wall;
    static double woke_cpu;
    static double longest_ms;
    if (getpid() != gettid()) { /* another thread's loop */
        return ((wait_fn *)dlsym(RTLD_NEXT, "epoll_wait"))(epoll, events, count, timeout_ms);
    }
    if (real == NULL) {
        real = (wait_fn *)dlsym(RTLD_NEXT, "epoll_wait");
    }
    double wall_ms = (seconds(CLOCK_MONOTONIC) - woke_wall) * 1e3;
    double cpu_ms = (seconds(CLOCK_THREAD_CPUTIME_ID) - woke_cpu) * 1e3;
    if (woke_wall != 0 && cpu_ms > longest_ms) {
        longest_ms = cpu_ms;
        record(wall_ms, cpu_ms);
    }
    int got = real(epoll, events, count, timeout_ms);
    woke_wall = seconds(CLOCK_MONOTONIC);
    woke_cpu = seconds(CLOCK_THREAD_CPUTIME_ID);
    return got;
}
