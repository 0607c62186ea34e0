#include "core/slip.h"

#include "core/holidays.h"

static enum slip_direction direction_of(struct date from, struct date to, int64_t days)
{
    int64_t apart = days;
    if (apart == 0 && from.kind == DATE_INSTANT && to.kind == DATE_INSTANT) {
        apart = to.ms - from.ms;
    }
    if (apart == 0) {
        return SLIP_SAME;
    }
    return apart > 0 ? SLIP_LATER : SLIP_EARLIER;
}

struct slip slip_between(const char *from, const char *to, const struct source_config *source)
{
    struct slip slip = {.direction = SLIP_UNKNOWN};
    struct date old = date_of(from);
    struct date new = date_of(to);
    if (old.kind == DATE_NONE || new.kind == DATE_NONE) {
        return slip;
    }
    int64_t from_day = date_day_number(old, source->zone);
    int64_t to_day = date_day_number(new, source->zone);
    slip.days = to_day - from_day;
    slip.direction = direction_of(old, new, slip.days);
    slip.has_business_days = holidays_business_days(from_day, to_day, source->holidays,
                                                    source->holiday_count, &slip.business_days);
    return slip;
}

static const char *direction_name(enum slip_direction direction)
{
    switch (direction) {
    case SLIP_UNKNOWN:
        return NULL;
    case SLIP_SAME:
        return "same";
    case SLIP_EARLIER:
        return "earlier";
    case SLIP_LATER:
        return "later";
    }
    CHECK(!"a direction that does not exist");
}

void slip_write(struct json_writer *writer, const char *name, const struct slip_story *story,
                const struct source_config *source)
{
    struct slip total = slip_between(story->first, story->now, source);
    json_write_open(writer, name, '{');
    json_write_text(writer, "field", story->field);
    if (story->slip.direction != SLIP_UNKNOWN) {
        json_write_integer(writer, "days", story->slip.days);
    }
    if (story->slip.has_business_days) {
        json_write_integer(writer, "business_days", story->slip.business_days);
    }
    json_write_integer(writer, "count", story->move_count);
    json_write_text(writer, story->first_name, story->first);
    if (total.direction != SLIP_UNKNOWN) {
        json_write_integer(writer, "total_days", total.days);
    }
    json_write_text(writer, "direction", direction_name(story->slip.direction));
    json_write_close(writer, '}');
}
