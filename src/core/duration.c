/* The scalars of configuration with a unit: durations, sizes, rates. */
#include "core/config.h"

#include "core/date.h"
#include "core/text.h"

#include <string.h>

#define DURATION_MS_MAX (INT64_C(36525) * DAY_MS) /* a century: sums of two never overflow */
#define RATE_COUNT_MAX 1000000

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit duration_units[] = {
    {"d", DAY_MS},
    {"h", HOUR_MS},
    {"m", MINUTE_MS},
    {"s", 1000},
};

static const struct unit size_units[] = {
    {"", 1},
    {"KiB", 1024},
    {"MiB", INT64_C(1024) * 1024},
    {"GiB", INT64_C(1024) * 1024 * 1024},
};

static const struct unit rate_windows[] = {
    {"s", 1000},
    {"min", MINUTE_MS},
    {"h", HOUR_MS},
    {"d", DAY_MS},
};

/* Reads digits and moves past them; false: there is none, or the number is over limit. */
static bool read_number(const char **text, int64_t limit, int64_t *out)
{
    if (**text < '0' || **text > '9') {
        return false;
    }
    int64_t value = 0;
    while (**text >= '0' && **text <= '9') {
        value = value * 10 + (**text - '0');
        if (value > limit) {
            return false;
        }
        (*text)++;
    }
    *out = value;
    return true;
}

static const struct unit *find_unit(const struct unit *units, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(units[i].name, name) == 0) {
            return &units[i];
        }
    }
    return NULL;
}

bool duration_parse(const char *text, int64_t *out_ms)
{
    if (strcmp(text, "0") == 0) {
        *out_ms = 0;
        return true;
    }
    int64_t total_ms = 0;
    size_t unit = 0; /* the largest that may still come */
    do {
        int64_t count = 0;
        if (!read_number(&text, DURATION_MS_MAX / 1000, &count)) {
            return false;
        }
        while (unit < ARRAY_COUNT(duration_units) && *text != duration_units[unit].name[0]) {
            unit++;
        }
        if (unit == ARRAY_COUNT(duration_units) ||
            count > (DURATION_MS_MAX - total_ms) / duration_units[unit].factor) {
            return false;
        }
        total_ms += count * duration_units[unit].factor;
        unit++;
        text++;
    } while (*text != '\0');
    *out_ms = total_ms;
    return true;
}

bool size_parse(const char *text, size_t *out_bytes)
{
    int64_t count = 0;
    if (!read_number(&text, INT64_C(1) << 40, &count)) {
        return false;
    }
    const struct unit *unit = find_unit(size_units, ARRAY_COUNT(size_units), text);
    if (unit == NULL || count > (INT64_C(1) << 40) / unit->factor) {
        return false;
    }
    *out_bytes = (size_t)(count * unit->factor);
    return true;
}

bool rate_parse(const char *text, struct rate *out)
{
    int64_t count = 0;
    if (!read_number(&text, RATE_COUNT_MAX, &count) || count == 0 || *text != '/') {
        return false;
    }
    const struct unit *window = find_unit(rate_windows, ARRAY_COUNT(rate_windows), text + 1);
    if (window == NULL) {
        return false;
    }
    *out = (struct rate){.count = (uint32_t)count, .window_ms = window->factor};
    return true;
}

void duration_add(struct text *out, int64_t duration_ms)
{
    CHECK(duration_ms >= 0);
    if (duration_ms == 0) {
        text_add_char(out, '0');
    }
    for (size_t i = 0; i < ARRAY_COUNT(duration_units); i++) {
        int64_t count = duration_ms / duration_units[i].factor;
        duration_ms %= duration_units[i].factor;
        if (count != 0) {
            text_addf(out, "%lld%s", (long long)count, duration_units[i].name);
        }
    }
    if (duration_ms != 0) {
        text_addf(out, "%lldms", (long long)duration_ms);
    }
}

void size_add(struct text *out, size_t size)
{
    size_t unit = ARRAY_COUNT(size_units) - 1;
    while (unit > 0 && (size == 0 || size % (size_t)size_units[unit].factor != 0)) {
        unit--;
    }
    text_addf(out, "%zu%s", size / (size_t)size_units[unit].factor, size_units[unit].name);
}

void rate_add(struct text *out, struct rate rate)
{
    for (size_t i = 0; i < ARRAY_COUNT(rate_windows); i++) {
        if (rate_windows[i].factor == rate.window_ms) {
            text_addf(out, "%u/%s", rate.count, rate_windows[i].name);
            return;
        }
    }
    CHECK(!"a rate whose window no unit names");
}
