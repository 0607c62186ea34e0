/* Any text as a date and as Retry-After: what is read has one canonical form that reads the same.
 */
#include "core/date.h"
#include "core/text.h"
#include "core/zone.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_date(struct span bytes, const struct zone *zone)
{
    struct date date;
    if (!date_parse(bytes, zone, &date)) {
        return;
    }
    struct text canonical;
    text_init(&canonical, 64);
    date_add(&canonical, date);
    CHECK(canonical.status == STATUS_OK);
    struct date again = date_of(text_cstr(&canonical));
    CHECK(again.kind == date.kind && again.ms == date.ms);
    CHECK(date_end_ms(date, zone) >= date.ms - DAY_MS);
    CHECK(date_day_number(date, zone) * DAY_MS <= date.ms + DAY_MS);
    struct civil civil = civil_of(date.ms);
    CHECK(civil_to_ms(&civil) == date.ms);
    text_fini(&canonical);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = {.data = (const char *)data, .size = size};
    struct zone *zone = NULL;
    CHECK(zone_from_rule("x", "CET-1CEST,M3.5.0,M10.5.0/3", &zone, NULL) == STATUS_OK);
    check_date(bytes, zone);
    check_date(bytes, zone_utc());
    zone_destroy(zone);
    int64_t wait_ms = 0;
    if (retry_after_parse(bytes, INT64_C(1800000000000), &wait_ms)) {
        CHECK(wait_ms >= 0 && wait_ms < 9000 * (366 * DAY_MS));
    }
    return 0;
}
