#include "core/words.h"

#include "core/text.h"
#include "core/zone.h"
#include "words_language.h"

#include <string.h>
#include <strings.h>

static const struct language_words *const languages[LANGUAGE_COUNT] = {
#define LANGUAGE_ENTRY(name, tag) [LANGUAGE_##name] = &words_##tag,
    LANGUAGES(LANGUAGE_ENTRY)
#undef LANGUAGE_ENTRY
};

static const char *const field_names[FIELD_WORD_COUNT] = {
    [FIELD_ID] = "id",
    [FIELD_REFERENCE] = "reference",
    [FIELD_STATUS] = "status",
    [FIELD_STATUS_KIND] = "status_kind",
    [FIELD_STEP] = "step",
    [FIELD_SITE] = "site",
    [FIELD_OFFER] = "offer",
    [FIELD_REQUESTED_DATE] = "requested_date",
    [FIELD_COMMITTED_DATE] = "committed_date",
    [FIELD_COMPLETED_DATE] = "completed_date",
    [FIELD_CONTACT] = "contact",
    [FIELD_CONTACT_NAME] = "contact.name",
    [FIELD_CONTACT_PHONE] = "contact.phone",
    [FIELD_CONTACT_EMAIL] = "contact.email",
    [FIELD_NOTES] = "notes",
    [FIELD_URL] = "url",
    [FIELD_START] = "start",
    [FIELD_END] = "end",
    [FIELD_LOCATION] = "location",
    [FIELD_APPOINTMENT] = "appointment",
    [FIELD_DETAIL] = "detail",
    [FIELD_FAILURE] = "failure",
    [FIELD_REASON] = "reason",
    [FIELD_SAMPLE] = "sample",
    [FIELD_FIRST] = "first",
    [FIELD_LAST] = "last",
    [FIELD_SINCE] = "since",
    [FIELD_FAILING_SINCE] = "failing_since",
    [FIELD_COUNT] = "count",
    [FIELD_CODES] = "codes",
    [FIELD_REQUEST_IDS] = "request_ids",
    [FIELD_EXPIRES] = "expires",
    [FIELD_DAYS_LEFT] = "days_left",
    [FIELD_PARKED] = "parked",
    [FIELD_PARKED_IN_ALL] = "parked_in_all",
    [FIELD_CHANGED] = "changed",
    [FIELD_VANISHED] = "vanished",
    [FIELD_KNOWN] = "known",
    [FIELD_UNTIL] = "until",
    [FIELD_KEY] = "key",
};

static const struct language_words *words_of(enum language language)
{
    CHECK(language < LANGUAGE_COUNT);
    return languages[language];
}

void words_add_date(struct text *out, struct date date, const struct zone *zone,
                    enum language language, int near_year)
{
    if (date.kind == DATE_NONE) {
        return;
    }
    const struct language_words *words = words_of(language);
    int64_t local_ms = date.ms;
    if (date.kind == DATE_INSTANT) {
        local_ms += (int64_t)zone_at(zone, date.ms).offset_s * 1000;
    }
    struct civil civil = civil_of(local_ms);
    text_addf(out, "%s %d %s", words->weekdays[civil.weekday], civil.day,
              words->months[civil.month - 1]);
    if (civil.year != near_year) {
        text_addf(out, " %d", civil.year);
    }
    if (date.kind == DATE_INSTANT) {
        text_addf(out, " %02d:%02d", civil.hour, civil.minute);
    }
}

void words_add_event(struct text *out, enum event_type type, enum language language)
{
    CHECK(type < EVENT_TYPE_COUNT);
    text_add_text(out, words_of(language)->events[type].what);
}

void words_add_field(struct text *out, const char *field_name, enum language language)
{
    for (size_t i = 0; i < ARRAY_COUNT(field_names); i++) {
        if (text_equal(field_names[i], field_name)) {
            text_add_text(out, words_of(language)->fields[i]);
            return;
        }
    }
    text_add_text(out, field_name); /* extra.X: named by the profile's author */
}

static void add_filled(struct text *out, const char *words,
                       const struct phrase_arguments *arguments)
{
    for (const char *byte = words; *byte != '\0'; byte++) {
        if (byte[0] == '%' && byte[1] >= '1' && byte[1] <= '4') {
            text_add_text(out, arguments->values[byte[1] - '1']);
            byte++;
        } else {
            text_add_char(out, *byte);
        }
    }
}

void words_add_phrase(struct text *out, enum phrase phrase, enum language language,
                      const struct phrase_arguments *arguments)
{
    add_filled(out, words_phrase(phrase, language), arguments);
}

const char *words_phrase(enum phrase phrase, enum language language)
{
    CHECK(phrase < PHRASE_COUNT);
    return words_of(language)->phrases[phrase];
}

void words_add_advice(struct text *out, enum event_type type, enum language language,
                      const char *source_name)
{
    CHECK(type < EVENT_TYPE_COUNT);
    const struct phrase_arguments arguments = {.values = {source_name, "", "", ""}};
    add_filled(out, words_of(language)->events[type].advice, &arguments);
}

bool words_is_one(uint64_t count, enum language language)
{
    return count == 1 || (count == 0 && words_of(language)->is_zero_one);
}

enum language language_of_tag(const char *tag)
{
    size_t size = strcspn(tag, "-_");
    for (enum language i = 0; i < LANGUAGE_COUNT; i++) {
        if (strlen(languages[i]->tag) == size && strncasecmp(languages[i]->tag, tag, size) == 0) {
            return i;
        }
    }
    return LANGUAGE_EN;
}

const char *words_tag(enum language language)
{
    return words_of(language)->tag;
}
