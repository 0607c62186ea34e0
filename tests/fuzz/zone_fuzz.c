/* Any bytes as a TZif file, and as a rule: refused, or a zone that answers for every instant. */
#include "core/zone.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(struct zone *zone)
{
    static const int64_t instants_ms[] = {
        INT64_MIN,       -1,       0, 1, 951782400000, 1800000000000, 4102444800000,
        253402300799000, INT64_MAX};
    for (size_t i = 0; i < ARRAY_COUNT(instants_ms); i++) {
        struct zone_moment moment = zone_at(zone, instants_ms[i]);
        CHECK(moment.offset_s > -100000 && moment.offset_s < 100000);
        CHECK(strnlen(moment.abbreviation, sizeof moment.abbreviation) <
              sizeof moment.abbreviation);
        (void)zone_to_utc(zone, instants_ms[i]);
    }
    zone_destroy(zone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zone *zone = NULL;
    struct span bytes = {.data = (const char *)data, .size = size};
    if (zone_from_tzif("x", bytes, &zone, NULL) == STATUS_OK) {
        ask(zone);
    }
    char *rule = alloc(size + 1);
    if (size != 0) {
        memcpy(rule, data, size);
    }
    if (zone_from_rule("x", rule, &zone, NULL) == STATUS_OK) {
        ask(zone);
    }
    free(rule);
    return 0;
}
