#include "core/digest.h"

#include "core/zone.h"

#define ALL_DAYS 0x7f
#define WEEK_DAYS 7

bool digest_is_on(const struct digest_config *digest)
{
    return digest->every_ms != 0 || digest->at_count != 0;
}

static uint8_t days_of(const struct digest_config *digest)
{
    return digest->days != 0 ? digest->days : ALL_DAYS;
}

static const struct zone *zone_of(const struct digest_config *digest)
{
    return digest->zone != NULL ? digest->zone : zone_utc();
}

/* The first time of this local day after wall_ms; INT64_MAX: there is none. */
static int64_t next_of_day(const struct digest_config *digest, int64_t day, int64_t wall_ms)
{
    int64_t next_ms = INT64_MAX;
    if ((days_of(digest) >> civil_of(day * DAY_MS).weekday & 1) == 0) {
        return next_ms;
    }
    for (size_t i = 0; i < digest->at_count; i++) {
        int64_t at_ms =
            zone_to_utc(zone_of(digest), day * DAY_MS + digest->at_minutes[i] * MINUTE_MS);
        if (at_ms > wall_ms && at_ms < next_ms) {
            next_ms = at_ms;
        }
    }
    return next_ms;
}

int64_t digest_next(const struct digest_config *digest, int64_t wall_ms)
{
    CHECK(digest_is_on(digest));
    if (digest->at_count == 0) {
        return (wall_ms / digest->every_ms + 1) * digest->every_ms;
    }
    struct date now = {.kind = DATE_INSTANT, .ms = wall_ms};
    int64_t today = date_day_number(now, zone_of(digest));
    int64_t next_ms = INT64_MAX;
    /* 24:00 of yesterday may still come; a week and a day has every weekday's later times. */
    for (int64_t day = today - 1; day <= today + WEEK_DAYS && next_ms == INT64_MAX; day++) {
        next_ms = next_of_day(digest, day, wall_ms);
    }
    CHECK(next_ms != INT64_MAX);
    return next_ms;
}
