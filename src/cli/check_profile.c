#include "check_input.h"
#include "cli/check.h"
#include "cli/table.h"
#include "core/arena.h"
#include "core/extract_report.h"
#include "core/json_write.h"
#include "core/slice.h"
#include "core/zone.h"
#include "daemon.h"
#include "edge/config_file.h"
#include "edge/unicode.h"

#include <stdio.h>

#define SAMPLE_BYTES_MAX ((size_t)16 << 20)
#define REPORT_BYTES_MAX ((size_t)16 << 20)
#define ROW_COUNT_MAX 256
#define NOVELTIES_SHOWN_MAX 64
#define POINTER_COUNT_MAX 8
#define LOCAL_ZONE "Europe/Paris" /* for times without an offset */

/* One field over all elements. */
struct row {
    const char *field;
    size_t found_count, total_count;
    const char *pointers[POINTER_COUNT_MAX]; /* the candidates that matched */
    size_t pointer_count;
    const char *value; /* the first there was */
};

struct survey {
    struct arena *arena;
    struct extractor extractor;
    bool is_of_appointments; /* of their own collection */
    bool is_page;
    size_t element_count, read_count;
    struct row rows[ROW_COUNT_MAX];
    size_t row_count;
    struct novelty novelties[NOVELTIES_SHOWN_MAX];
    size_t novelty_count;
    struct failure first_failure; /* of an element that could not be read */
    size_t failed_element;        /* from 1; 0: none */
};

/* --- looking at the sample -------------------------------------------------------------------- */

static struct row *row_of(struct survey *survey, const char *field)
{
    for (size_t i = 0; i < survey->row_count; i++) {
        if (text_equal(survey->rows[i].field, field)) {
            return &survey->rows[i];
        }
    }
    if (survey->row_count == ROW_COUNT_MAX) {
        return NULL;
    }
    struct row *row = &survey->rows[survey->row_count++];
    row->field = arena_text(survey->arena, span_of(field));
    return row;
}

static void note_pointer(struct survey *survey, struct row *row, const char *pointer)
{
    for (size_t i = 0; i < row->pointer_count; i++) {
        if (text_equal(row->pointers[i], pointer)) {
            return;
        }
    }
    if (row->pointer_count < POINTER_COUNT_MAX) {
        row->pointers[row->pointer_count++] = arena_text(survey->arena, span_of(pointer));
    }
}

static void note_line(struct survey *survey, const struct extract_line *line)
{
    struct row *row = row_of(survey, line->field);
    if (row == NULL) {
        return;
    }
    row->total_count++;
    if (line->pointer == NULL) {
        return;
    }
    row->found_count++;
    note_pointer(survey, row, line->pointer);
    if (row->value == NULL) {
        row->value = arena_text(survey->arena, span_of(line->value));
    }
}

static void note_novelty(struct survey *survey, const struct novelty *novelty)
{
    for (size_t i = 0; i < survey->novelty_count; i++) {
        if (text_equal(survey->novelties[i].key, novelty->key)) {
            return;
        }
    }
    if (survey->novelty_count < NOVELTIES_SHOWN_MAX) {
        survey->novelties[survey->novelty_count++] =
            (struct novelty){.kind = novelty->kind,
                             .key = arena_text(survey->arena, span_of(novelty->key)),
                             .sample = arena_text(survey->arena, span_of(novelty->sample))};
    }
}

static const char *noun(const struct survey *survey)
{
    return survey->is_of_appointments ? "appointment" : "order";
}

static void look_at_element(struct survey *survey, struct span element)
{
    struct arena *arena = arena_create();
    struct extract_report report;
    struct failure why;
    survey->element_count++;
    enum status status =
        survey->is_of_appointments
            ? extract_report_appointment(&survey->extractor, element, arena, &report, &why)
            : extract_report(&survey->extractor, element, arena, &report, &why);
    if (status == STATUS_OK) {
        survey->read_count++;
        for (size_t i = 0; i < report.line_count; i++) {
            note_line(survey, &report.lines[i]);
        }
        for (size_t i = 0; i < report.novelty_count; i++) {
            note_novelty(survey, &report.novelties[i]);
        }
    } else if (survey->failed_element == 0) {
        survey->failed_element = survey->element_count;
        survey->first_failure = why;
    }
    arena_destroy(arena);
}

/* What has no list where the profile says is taken for one element. */
static enum status look_at_sample(struct survey *survey, struct span sample, struct failure *why)
{
    const struct profile *profile = survey->extractor.profile;
    const struct collection *collection =
        survey->is_of_appointments ? &profile->appointments : &profile->orders;
    struct slicer slicer;
    enum status status = slice_open(&slicer, sample, collection->items_pointer, why);
    if (status == STATUS_NOT_FOUND) {
        look_at_element(survey, sample);
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        return status;
    }
    survey->is_page = true;
    struct span element;
    enum slice_result result;
    while ((result = slice_next(&slicer, &element)) == SLICE_ELEMENT) {
        look_at_element(survey, element);
    }
    return result == SLICE_END ? STATUS_OK
                               : fail(why, STATUS_INVALID, "the page is cut off or no JSON");
}

static bool has_matched(const struct survey *survey)
{
    for (size_t i = 0; i < survey->row_count; i++) {
        const struct row *row = &survey->rows[i];
        bool is_id = text_equal(row->field, "id") || text_equal(row->field, "appointment.id");
        if (row->found_count != 0 && !is_id) {
            return true;
        }
    }
    return false;
}

/* --- telling ---------------------------------------------------------------------------------- */

static const char *kind_name(enum novelty_kind kind)
{
    switch (kind) {
    case NOVELTY_STATUS:
        return "unknown status";
    case NOVELTY_TYPE:
        return "unexpected type";
    case NOVELTY_MISSING:
        return "missing";
    case NOVELTY_LOOKS_WATCHED:
        return "looks watched";
    case NOVELTY_UNREADABLE:
        return "unreadable";
    }
    CHECK(!"a kind of novelty that does not exist");
}

static void write_row(struct json_writer *writer, const struct row *row)
{
    struct text words;
    text_init(&words, REPORT_BYTES_MAX);
    json_write_open(writer, NULL, '{');
    json_write_text(writer, "field", row->field);
    json_write_integer(writer, "found", (int64_t)row->found_count);
    json_write_integer(writer, "of", (int64_t)row->total_count);
    for (size_t i = 0; i < row->pointer_count; i++) {
        text_add_text(&words, i == 0 ? "" : ", ");
        text_add_text(&words, row->pointers[i][0] != '\0' ? row->pointers[i] : "(itself)");
    }
    json_write_text(writer, "candidate", row->pointer_count != 0 ? text_cstr(&words) : NULL);
    json_write_text(writer, "value", row->value);
    json_write_close(writer, '}');
    text_fini(&words);
}

static void write_report(const struct survey *survey, struct text *out)
{
    struct json_writer writer = {.out = out};
    json_write_open(&writer, NULL, '{');
    json_write_text(&writer, "profile", survey->extractor.profile->name);
    json_write_text(&writer, "sample", survey->is_page ? "page" : "element");
    json_write_integer(&writer, "elements", (int64_t)survey->element_count);
    json_write_integer(&writer, "read", (int64_t)survey->read_count);
    json_write_open(&writer, "fields", '[');
    for (size_t i = 0; i < survey->row_count; i++) {
        write_row(&writer, &survey->rows[i]);
    }
    json_write_close(&writer, ']');
    json_write_open(&writer, "novelties", '[');
    for (size_t i = 0; i < survey->novelty_count; i++) {
        json_write_open(&writer, NULL, '{');
        json_write_text(&writer, "kind", kind_name(survey->novelties[i].kind));
        json_write_text(&writer, "what", survey->novelties[i].key);
        json_write_text(&writer, "sample", survey->novelties[i].sample);
        json_write_close(&writer, '}');
    }
    json_write_close(&writer, ']');
    json_write_close(&writer, '}');
}

static void print_tables(const struct survey *survey, struct span report)
{
    static const struct column fields[] = {{"FIELD", "/field", CELL_TEXT},
                                           {"FOUND", "/found", CELL_NUMBER},
                                           {"OF", "/of", CELL_NUMBER},
                                           {"CANDIDATE", "/candidate", CELL_TEXT},
                                           {"FIRST VALUE", "/value", CELL_TEXT}};
    static const struct column news[] = {{"NOVELTY", "/kind", CELL_TEXT},
                                         {"WHAT", "/what", CELL_TEXT},
                                         {"SAMPLE", "/sample", CELL_TEXT}};
    struct json *root = NULL;
    CHECK(json_parse(report, &root, NULL) == STATUS_OK);
    (void)printf("%s of %zu %s%s, %zu read with profile %s\n", survey->is_page ? "page" : "sample",
                 survey->element_count, noun(survey), survey->element_count == 1 ? "" : "s",
                 survey->read_count, survey->extractor.profile->name);
    table_print(fields, ARRAY_COUNT(fields), json_member(root, "fields"), "nothing could be read");
    if (survey->novelty_count != 0) {
        (void)putchar('\n');
        table_print(news, ARRAY_COUNT(news), json_member(root, "novelties"), "");
    }
    json_destroy(root);
}

static int tell(const struct survey *survey, bool is_json)
{
    struct text report;
    text_init(&report, REPORT_BYTES_MAX);
    write_report(survey, &report);
    if (is_json) {
        (void)printf("%s\n", text_cstr(&report));
    } else {
        print_tables(survey, text_span(&report));
    }
    text_fini(&report);
    if (survey->failed_element != 0) {
        (void)fprintf(stderr, "orderwatch: check: element %zu: %s\n", survey->failed_element,
                      survey->first_failure.detail);
    }
    if (survey->read_count == survey->element_count && has_matched(survey)) {
        return EXIT_CODE_OK;
    }
    if (survey->failed_element == 0 && survey->element_count == 0) {
        (void)fprintf(stderr,
                      "orderwatch: check: the page holds no %ss; check items, paths and candidates "
                      "of %s\n",
                      noun(survey), survey->extractor.profile->name);
    } else if (survey->failed_element == 0) {
        (void)fprintf(stderr,
                      "orderwatch: check: no field but the id matched; check items, paths and "
                      "candidates of %s\n",
                      survey->extractor.profile->name);
    }
    return EXIT_CODE_NEGATIVE;
}

/* --- the command ------------------------------------------------------------------------------ */

static int survey_sample(const struct profile *profile, const char *path, bool is_of_appointments,
                         bool is_json)
{
    struct survey survey = {
        .arena = arena_create(),
        .is_of_appointments = is_of_appointments,
        .extractor = {.profile = profile, .zone = zone_utc(), .unicode = unicode_port()}};
    struct zone *zone = NULL;
    if (zone_load(LOCAL_ZONE, &zone, NULL) == STATUS_OK) {
        survey.extractor.zone = zone;
    }
    struct text sample;
    struct failure why;
    text_init(&sample, SAMPLE_BYTES_MAX);
    int exit_code = EXIT_CODE_USAGE;
    if (check_input_read(path, &sample, &why) != STATUS_OK) {
        (void)fprintf(stderr, "orderwatch: check: %s\n", why.detail);
    } else if (look_at_sample(&survey, text_span(&sample), &why) == STATUS_OK) {
        exit_code = tell(&survey, is_json);
    } else {
        (void)fprintf(stderr, "orderwatch: check: %s: %s\n", path, why.detail);
    }
    text_fini(&sample);
    zone_destroy(zone);
    arena_destroy(survey.arena);
    return exit_code;
}

int check_profile(const char *name, const char *path, bool is_of_appointments, bool is_json)
{
    struct problem_list problems = {0};
    struct profile *profile = NULL;
    struct failure why;
    enum status status = profile_load(name, &problems, &profile, &why);
    for (const struct problem *problem = problems.first; problem != NULL; problem = problem->next) {
        (void)fprintf(stderr, "%s\n", problem->line_text);
    }
    if (status != STATUS_OK && problems.error_count == 0) {
        (void)fprintf(stderr, "orderwatch: check: --profile: %s\n", why.detail);
    }
    problem_list_clear(&problems);
    if (status != STATUS_OK) {
        return EXIT_CODE_CONFIG;
    }
    int exit_code = EXIT_CODE_USAGE;
    if (is_of_appointments && !profile->has_appointments_collection) {
        (void)fprintf(stderr,
                      "orderwatch: check: --appointments: in %s they are inside their order, not a "
                      "collection of their own; leave it out\n",
                      profile->name);
    } else {
        exit_code = survey_sample(profile, path, is_of_appointments, is_json);
    }
    profile_destroy(profile);
    return exit_code;
}
