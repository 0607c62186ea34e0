#include "edge/calendar.h"

#include "core/date.h"
#include "core/hash.h"
#include "core/utf8.h"
#include "core/zone.h"

#include <libical/ical.h>

#include <stdlib.h>
#include <string.h>

#define FEED_REFRESH_S 900
#define LINE_BYTES_MAX 75
#define YEAR_MIN 1900
#define YEAR_MAX 2500
#define ZONE_MARGIN_MS (400 * DAY_MS) /* rules are told for so long around each appointment */

const char *calendar_method_name(enum calendar_method method)
{
    switch (method) {
    case CALENDAR_METHOD_NONE:
        return NULL;
    case CALENDAR_METHOD_PUBLISH:
        return "PUBLISH";
    case CALENDAR_METHOD_REQUEST:
        return "REQUEST";
    case CALENDAR_METHOD_CANCEL:
        return "CANCEL";
    }
    CHECK(!"a method that exists");
}

void calendar_add_uid(const struct message_appointment *appointment, struct text *out)
{
    struct text name;
    char hash[33];
    text_init(&name, 8192);
    text_add_percent(&name, span_of(appointment->source_name));
    text_add_char(&name, '/');
    text_add_percent(&name, span_of(appointment->order_id));
    text_add_char(&name, '/');
    text_add_percent(&name, span_of(appointment->appointment_id));
    CHECK(name.status == STATUS_OK);
    hash128_hex(text_span(&name), hash);
    text_fini(&name);
    text_addf(out, "%s@orderwatch", hash);
}

/* --- times ---------------------------------------------------------------------------------- */

static struct icaltimetype civil_time(int64_t local_ms, bool is_date)
{
    struct civil civil = civil_of(local_ms);
    struct icaltimetype time = icaltime_null_time();
    time.year = civil.year;
    time.month = civil.month;
    time.day = civil.day;
    time.hour = is_date ? 0 : civil.hour;
    time.minute = is_date ? 0 : civil.minute;
    time.second = is_date ? 0 : civil.second;
    time.is_date = is_date ? 1 : 0;
    return time;
}

static struct icaltimetype utc_time(int64_t utc_ms)
{
    struct icaltimetype time = civil_time(utc_ms, false);
    time.zone = icaltimezone_get_utc_timezone();
    return time;
}

/* What libical cannot write is not told: it would write the year 0. */
static struct date told_date(const char *value)
{
    struct date date = date_of(value);
    bool is_writable = date.kind != DATE_NONE && civil_of(date.ms).year >= YEAR_MIN &&
                       civil_of(date.ms).year <= YEAR_MAX;
    return is_writable ? date : (struct date){.kind = DATE_NONE};
}

static bool is_utc(const struct zone *zone)
{
    return zone == NULL || text_equal(zone_name(zone), "UTC") ||
           text_equal(zone_name(zone), "Etc/UTC");
}

static int64_t local_of(const struct zone *zone, int64_t utc_ms)
{
    return utc_ms + (int64_t)zone_at(zone, utc_ms).offset_s * 1000;
}

static bool is_shown_twice(const struct zone *zone, int64_t utc_ms)
{
    int64_t local_ms = local_of(zone, utc_ms);
    for (int side = -1; side <= 1; side += 2) {
        int64_t other_ms =
            local_ms - (int64_t)zone_at(zone, utc_ms + side * DAY_MS).offset_s * 1000;
        if (other_ms != utc_ms && local_of(zone, other_ms) == local_ms) {
            return true;
        }
    }
    return false;
}

/* A day as a date, an instant in the zone. In UTC if that is the zone, and in the hour that the
 * clocks show twice: readers do not agree which of the two is meant. */
static void set_time(icalproperty *property, struct date date, const struct zone *zone,
                     void (*set)(icalproperty *, struct icaltimetype))
{
    if (date.kind == DATE_DAY) {
        set(property, civil_time(date.ms, true));
    } else if (is_utc(zone) || is_shown_twice(zone, date.ms)) {
        set(property, utc_time(date.ms));
    } else {
        set(property, civil_time(local_of(zone, date.ms), false));
        icalproperty_add_parameter(property, icalparameter_new_tzid(zone_name(zone)));
    }
}

/* --- VTIMEZONE ------------------------------------------------------------------------------ */

/* One observance: from this moment on the clocks show so much. Its start is told on the clock that
 * was valid before. */
static icalcomponent *observance_create(const struct zone *zone, int64_t utc_ms, int32_t from_s)
{
    struct zone_moment moment = zone_at(zone, utc_ms);
    icalcomponent *observance =
        icalcomponent_new(moment.is_dst ? ICAL_XDAYLIGHT_COMPONENT : ICAL_XSTANDARD_COMPONENT);
    struct icaltimetype start = civil_time(utc_ms + (int64_t)from_s * 1000, false);
    icalcomponent_add_property(observance, icalproperty_new_dtstart(start));
    icalcomponent_add_property(observance, icalproperty_new_tzoffsetfrom(from_s));
    icalcomponent_add_property(observance, icalproperty_new_tzoffsetto(moment.offset_s));
    icalcomponent_add_property(observance, icalproperty_new_tzname(moment.abbreviation));
    return observance;
}

/* The first millisecond of the new offset, which is after before_ms and not after after_ms. */
static int64_t find_transition(const struct zone *zone, int64_t before_ms, int64_t after_ms)
{
    int32_t old_s = zone_at(zone, before_ms).offset_s;
    while (after_ms - before_ms > 1) {
        int64_t middle_ms = before_ms + (after_ms - before_ms) / 2;
        if (zone_at(zone, middle_ms).offset_s == old_s) {
            before_ms = middle_ms;
        } else {
            after_ms = middle_ms;
        }
    }
    return after_ms;
}

/* The rules of the days up to to_ms; offset_s is what held before from_ms. The last offset. */
static int32_t add_observances(icalcomponent *component, const struct zone *zone, int64_t from_ms,
                               int64_t to_ms, int32_t offset_s)
{
    icalcomponent_add_component(component, observance_create(zone, from_ms, offset_s));
    offset_s = zone_at(zone, from_ms).offset_s;
    for (int64_t day_ms = from_ms; day_ms < to_ms; day_ms += DAY_MS) {
        if (zone_at(zone, day_ms + DAY_MS).offset_s != offset_s) {
            int64_t transition_ms = find_transition(zone, day_ms, day_ms + DAY_MS);
            icalcomponent_add_component(component,
                                        observance_create(zone, transition_ms, offset_s));
            offset_s = zone_at(zone, transition_ms).offset_s;
        }
    }
    return offset_s;
}

/* Rules around each of the starts, which are sorted, and none between those that are years apart:
 * an appointment in the year 9999 must not cost eight thousand years of them. */
static icalcomponent *zone_create(const struct zone *zone, const int64_t *starts_ms, size_t count)
{
    icalcomponent *component = icalcomponent_new(ICAL_VTIMEZONE_COMPONENT);
    icalcomponent_add_property(component, icalproperty_new_tzid(zone_name(zone)));
    int32_t offset_s = zone_at(zone, starts_ms[0] - ZONE_MARGIN_MS).offset_s;
    for (size_t i = 0; i < count;) {
        int64_t from_ms = starts_ms[i] - ZONE_MARGIN_MS;
        while (i + 1 < count && starts_ms[i + 1] - starts_ms[i] <= 2 * ZONE_MARGIN_MS) {
            i++;
        }
        offset_s =
            add_observances(component, zone, from_ms, starts_ms[i] + ZONE_MARGIN_MS, offset_s);
        i++;
    }
    return component;
}

/* --- entries -------------------------------------------------------------------------------- */

static void set_start(icalproperty *property, struct icaltimetype time)
{
    icalproperty_set_dtstart(property, time);
}

static void set_end(icalproperty *property, struct icaltimetype time)
{
    icalproperty_set_dtend(property, time);
}

/* The end of a day is the beginning of the next, which is what DTEND says. */
static void add_times(icalcomponent *entry, const struct message_appointment *appointment,
                      const struct zone *zone)
{
    struct date start = told_date(appointment->start);
    struct date end = told_date(appointment->end);
    if (start.kind == DATE_NONE) {
        return;
    }
    icalproperty *property = icalproperty_new(ICAL_DTSTART_PROPERTY);
    set_time(property, start, zone, set_start);
    icalcomponent_add_property(entry, property);
    bool is_after =
        end.kind == start.kind && (end.kind == DATE_DAY ? end.ms >= start.ms : end.ms > start.ms);
    if (!is_after) {
        return;
    }
    end.ms += end.kind == DATE_DAY ? DAY_MS : 0;
    property = icalproperty_new(ICAL_DTEND_PROPERTY);
    set_time(property, end, zone, set_end);
    icalcomponent_add_property(entry, property);
}

static enum icalproperty_status status_of(const struct calendar_facts *facts,
                                          const struct message_appointment *appointment)
{
    if (facts->method == CALENDAR_METHOD_CANCEL || appointment->is_cancelled) {
        return ICAL_STATUS_CANCELLED;
    }
    return appointment->is_confirmed ? ICAL_STATUS_CONFIRMED : ICAL_STATUS_TENTATIVE;
}

static void add_people(icalcomponent *entry, const struct calendar_facts *facts)
{
    struct text address;
    text_init(&address, 1024);
    if (facts->organizer != NULL) {
        text_addf(&address, "mailto:%s", facts->organizer);
        icalcomponent_add_property(entry, icalproperty_new_organizer(text_cstr(&address)));
    }
    for (size_t i = 0; i < facts->attendee_count; i++) {
        text_clear(&address);
        text_addf(&address, "mailto:%s", facts->attendees[i]);
        icalcomponent_add_property(entry, icalproperty_new_attendee(text_cstr(&address)));
    }
    text_fini(&address);
}

static icalcomponent *entry_create(const struct calendar_facts *facts,
                                   const struct message_appointment *appointment)
{
    icalcomponent *entry = icalcomponent_new(ICAL_VEVENT_COMPONENT);
    int64_t stamp_wall_ms =
        appointment->revised_wall_ms != 0 ? appointment->revised_wall_ms : facts->stamp_wall_ms;
    struct text uid;
    text_init(&uid, 128);
    calendar_add_uid(appointment, &uid);
    icalcomponent_add_property(entry, icalproperty_new_uid(text_cstr(&uid)));
    text_fini(&uid);
    icalcomponent_add_property(entry, icalproperty_new_sequence((int)appointment->sequence));
    icalcomponent_add_property(entry, icalproperty_new_dtstamp(utc_time(stamp_wall_ms)));
    add_times(entry, appointment, facts->zone);
    icalcomponent_add_property(entry, icalproperty_new_status(status_of(facts, appointment)));
    icalcomponent_add_property(entry, icalproperty_new_summary(appointment->summary));
    if (appointment->location != NULL) {
        icalcomponent_add_property(entry, icalproperty_new_location(appointment->location));
    }
    icalcomponent_add_property(entry, icalproperty_new_description(appointment->description));
    add_people(entry, facts);
    return entry;
}

static int by_time(const void *left, const void *right)
{
    int64_t left_ms = *(const int64_t *)left;
    int64_t right_ms = *(const int64_t *)right;
    return (left_ms > right_ms) - (left_ms < right_ms);
}

/* The zone in which instants are told, if there are any. */
static void add_zone(icalcomponent *calendar, const struct calendar_facts *facts)
{
    if (facts->appointment_count == 0 || is_utc(facts->zone)) {
        return;
    }
    int64_t *starts_ms = alloc_array(facts->appointment_count, sizeof *starts_ms);
    size_t count = 0;
    for (size_t i = 0; i < facts->appointment_count; i++) {
        struct date start = told_date(facts->appointments[i].start);
        if (start.kind == DATE_INSTANT) {
            starts_ms[count++] = start.ms;
        }
    }
    if (count > 0) {
        qsort(starts_ms, count, sizeof *starts_ms, by_time);
        icalcomponent_add_component(calendar, zone_create(facts->zone, starts_ms, count));
    }
    free(starts_ms);
}

static enum icalproperty_method method_property(enum calendar_method method)
{
    switch (method) {
    case CALENDAR_METHOD_NONE:
        return ICAL_METHOD_NONE;
    case CALENDAR_METHOD_PUBLISH:
        return ICAL_METHOD_PUBLISH;
    case CALENDAR_METHOD_REQUEST:
        return ICAL_METHOD_REQUEST;
    case CALENDAR_METHOD_CANCEL:
        return ICAL_METHOD_CANCEL;
    }
    CHECK(!"a method that exists");
}

static void add_extension(icalcomponent *calendar, const char *name, const char *value)
{
    icalproperty *property = icalproperty_new_x(value);
    icalproperty_set_x_name(property, name);
    icalcomponent_add_property(calendar, property);
}

/* What it is called and how often to look again: by RFC 7986, and as older clients want it. */
static void add_feed(icalcomponent *calendar, const char *name)
{
    icalcomponent_add_property(calendar, icalproperty_new_name(name));
    icalproperty *interval =
        icalproperty_new_refreshinterval(icaldurationtype_from_int(FEED_REFRESH_S));
    icalproperty_set_parameter_from_string(interval, "VALUE", "DURATION");
    icalcomponent_add_property(calendar, interval);
    add_extension(calendar, "X-WR-CALNAME", name);
    add_extension(calendar, "X-PUBLISHED-TTL", "PT15M");
}

static icalcomponent *calendar_create(const struct calendar_facts *facts)
{
    icalcomponent *calendar = icalcomponent_new(ICAL_VCALENDAR_COMPONENT);
    icalcomponent_add_property(calendar, icalproperty_new_version("2.0"));
    icalcomponent_add_property(calendar, icalproperty_new_prodid("-//orderwatch//orderwatch//EN"));
    if (facts->method != CALENDAR_METHOD_NONE) {
        icalcomponent_add_property(calendar,
                                   icalproperty_new_method(method_property(facts->method)));
    }
    if (facts->name != NULL) {
        add_feed(calendar, facts->name);
    }
    add_zone(calendar, facts);
    return calendar;
}

/* --- lines ---------------------------------------------------------------------------------- */

/* At most 75 octets a line (RFC 5545 section 3.1), cut between characters. */
static void add_folded(struct text *out, struct span line)
{
    size_t line_size = 0;
    for (size_t start = 0, end = 0; start < line.size; start = end) {
        (void)utf8_next(line, &end);
        if (line_size + (end - start) > LINE_BYTES_MAX) {
            text_add_text(out, "\r\n ");
            line_size = 1;
        }
        text_add(out, (struct span){.data = line.data + start, .size = end - start});
        line_size += end - start;
    }
    text_add_text(out, "\r\n");
}

/* libical 3.0.16 folds between the CR and the LF where a line of non-ASCII text ends just so.
 * Unfolding what it wrote mends that; the folds are made anew. */
static void add_lines(struct text *out, const char *written)
{
    struct text line;
    text_init(&line, out->size_max);
    for (const char *byte = written; *byte != '\0'; byte++) {
        if (strncmp(byte, "\r\n ", 3) == 0) {
            byte += 2;
        } else if (*byte == '\n') {
            add_folded(out, text_span(&line));
            text_clear(&line);
        } else if (*byte != '\r') {
            text_add_char(&line, *byte);
        }
    }
    CHECK(line.size == 0);
    text_fini(&line);
}

void calendar_add(const struct calendar_facts *facts, struct text *out)
{
    CHECK(facts->method != CALENDAR_METHOD_PUBLISH || facts->attendee_count == 0);
    icalcomponent *calendar = calendar_create(facts);
    for (size_t i = 0; i < facts->appointment_count; i++) {
        const struct message_appointment *appointment = &facts->appointments[i];
        bool has_start = told_date(appointment->start).kind != DATE_NONE;
        if (has_start || facts->method == CALENDAR_METHOD_CANCEL) {
            icalcomponent_add_component(calendar, entry_create(facts, appointment));
        }
    }
    char *bytes = icalcomponent_as_ical_string_r(calendar);
    CHECK(bytes != NULL);
    add_lines(out, bytes);
    free(bytes);
    icalcomponent_free(calendar);
}
