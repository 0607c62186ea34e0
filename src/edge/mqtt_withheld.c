#include "mqtt_withheld.h"

#include <stdlib.h>
#include <string.h>

#define SHOWN_BYTES_MAX 300

void mqtt_withheld_fini(struct mqtt_withheld *withheld)
{
    for (size_t i = 0; i < withheld->count; i++) {
        free(withheld->topics[i]);
    }
    withheld->count = 0;
}

/* count: it is not there. */
static size_t place_of(const struct mqtt_withheld *withheld, const char *topic)
{
    size_t place = 0;
    while (place < withheld->count && strcmp(withheld->topics[place], topic) != 0) {
        place++;
    }
    return place;
}

void mqtt_withheld_add(struct mqtt_withheld *withheld, const char *topic)
{
    if (place_of(withheld, topic) != withheld->count) {
        return;
    }
    if (withheld->count == MQTT_WITHHELD_MAX) {
        withheld->is_more = true;
        return;
    }
    withheld->topics[withheld->count++] = alloc_text(topic);
}

void mqtt_withheld_remove(struct mqtt_withheld *withheld, const char *topic)
{
    size_t place = place_of(withheld, topic);
    if (place == withheld->count) {
        return;
    }
    free(withheld->topics[place]);
    withheld->count--;
    memmove(&withheld->topics[place], &withheld->topics[place + 1],
            (withheld->count - place) * sizeof withheld->topics[0]);
}

void mqtt_withheld_describe(const struct mqtt_withheld *withheld, struct text *out)
{
    if (withheld->count == 0) {
        return;
    }
    const char *latest = withheld->topics[withheld->count - 1];
    size_t size = strlen(latest);
    if (withheld->count == 1) {
        text_add_text(out, "; 1 state refused, its topic is empty: ");
    } else {
        text_addf(out,
                  "; %zu states%s refused, their topics are empty, the latest: ", withheld->count,
                  withheld->is_more ? " or more" : "");
    }
    text_addf(out, "%.*s%s", (int)(size < SHOWN_BYTES_MAX ? size : SHOWN_BYTES_MAX), latest,
              size < SHOWN_BYTES_MAX ? "" : "...");
}
