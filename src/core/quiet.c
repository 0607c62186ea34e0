#include "core/quiet.h"

#include "core/zone.h"

/* Quiet times that touch are one; more days than these in a row are quiet for good, which the
 * configuration refuses. */
#define JOINED_MAX 32

struct period {
    int64_t from_wall_ms, to_wall_ms;
};

static int64_t local_to_wall(const struct quiet_config *quiet, int64_t day, int minute)
{
    return zone_to_utc(quiet->zone, day * DAY_MS + minute * MINUTE_MS);
}

static bool contains(const struct period *period, int64_t wall_ms)
{
    return period->from_wall_ms <= wall_ms && wall_ms < period->to_wall_ms;
}

static bool whole_day_period(const struct quiet_config *quiet, int64_t day, struct period *out)
{
    int weekday = civil_of(day * DAY_MS).weekday;
    *out = (struct period){local_to_wall(quiet, day, 0), local_to_wall(quiet, day + 1, 0)};
    return (quiet->days >> weekday & 1) != 0;
}

static bool nightly_period(const struct quiet_config *quiet, int64_t day, struct period *out)
{
    bool wraps = quiet->from_minute > quiet->to_minute;
    *out = (struct period){
        local_to_wall(quiet, day, quiet->from_minute),
        local_to_wall(quiet, wraps ? day + 1 : day, quiet->to_minute),
    };
    return quiet->from_minute != quiet->to_minute;
}

static int64_t local_day(const struct quiet_config *quiet, int64_t wall_ms)
{
    struct date date = {.kind = DATE_INSTANT, .ms = wall_ms};
    return date_day_number(date, quiet->zone);
}

/* The end of one period that holds wall_ms; wall_ms if there is none. */
static int64_t period_end(const struct quiet_config *quiet, int64_t wall_ms)
{
    int64_t today = local_day(quiet, wall_ms);
    for (int64_t day = today - 1; day <= today + 1; day++) {
        struct period period;
        if (whole_day_period(quiet, day, &period) && contains(&period, wall_ms)) {
            return period.to_wall_ms;
        }
        if (nightly_period(quiet, day, &period) && contains(&period, wall_ms)) {
            return period.to_wall_ms;
        }
    }
    return wall_ms;
}

int64_t quiet_end(const struct quiet_config *quiet, int64_t wall_ms)
{
    if (!quiet->is_set) {
        return wall_ms;
    }
    int64_t end_ms = wall_ms;
    for (int i = 0; i < JOINED_MAX; i++) {
        int64_t later_ms = period_end(quiet, end_ms);
        if (later_ms == end_ms) {
            return end_ms;
        }
        end_ms = later_ms;
    }
    return end_ms;
}
