#include "edge/process.h"

#include "core/metrics.h"

#include <uv.h>

#include <dirent.h>
#include <sys/resource.h>

static int64_t count_open_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) {
        return 0;
    }
    int64_t count = 0;
    while (readdir(folder) != NULL) { /* NOLINT(concurrency-mt-unsafe): a stream of our own */
        count++;
    }
    (void)closedir(folder);
    return count - 3; /* ".", ".." and the folder itself */
}

static double seconds_of(uv_timeval_t time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1000000;
}

void process_measure(struct process_facts *out)
{
    uv_rusage_t usage;
    if (uv_getrusage(&usage) == 0) {
        out->cpu_s = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    }
    size_t resident = 0;
    if (uv_resident_set_memory(&resident) == 0) {
        out->resident_bytes = (int64_t)resident;
    }
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        out->open_fds_max = (int64_t)limit.rlim_cur;
    }
    out->open_fds = count_open_fds();
}

double process_seconds(void)
{
    return (double)uv_hrtime() / 1e9;
}
