#include "core/mirror.h"

#include "core/hash.h"
#include "core/log.h"
#include "core/mirror_item.h"
#include "core/mirror_rate.h"
#include "core/retry.h"

#include <stdlib.h>

#define HAND_ITEMS_MAX 32
#define IN_FLIGHT_MAX 20
#define RETRY_COUNT_MAX 1000 /* of what was refused, at once */
#define RETRY_EVERY_MS HOUR_MS
#define RETRY_WAIT_MS MINUTE_MS /* a receiver that comes and goes is not asked each time */

/* The retained status of one source. */
struct source_state {
    struct source_state *next;
    char *source_name;
    struct text payload;
    struct publication publication;
    bool wants_publish, is_in_flight;
};

struct mirror {
    struct mirror_options options;
    struct random random;
    struct instant now;
    struct mirror_item *hand[HAND_ITEMS_MAX];
    size_t hand_count;
    struct source_state *sources;
    size_t in_flight;
    struct mirror_rate rate;
    bool wants_fetch, is_fetching, wants_refill, is_refilling, is_retrying, is_stopping;
    int64_t asked_mono_ms, ask_mono_ms; /* for what was refused: the last time, and the next */
    size_t store_asks;                  /* answers that the store owes for items */
    uint32_t failure_count;             /* in a row */
    int64_t retry_mono_ms;
};

uint64_t mirror_shape(const struct sink_config *sink)
{
    const char *discovery_prefix = sink->mqtt.home_assistant.discovery_prefix;
    struct text text;
    text_init(&text, 1 << 20);
    text_add_text(&text, "prefixes are noted\n"); /* states without one are published once more */
    text_addf(&text, "%s\n%s\n", sink->mqtt.prefix != NULL ? sink->mqtt.prefix : "",
              discovery_prefix != NULL ? discovery_prefix : "");
    for (size_t i = 0; i < sink->fields.count; i++) {
        text_addf(&text, "%s\n", sink->fields.names[i]);
    }
    uint64_t shape = hash64(text_span(&text));
    text_fini(&text);
    return shape;
}

struct mirror *mirror_create(const struct mirror_options *options)
{
    CHECK(options->port.ops->publish != NULL);
    struct mirror *mirror = alloc(sizeof *mirror);
    mirror->options = *options;
    mirror->random.state = options->seed;
    mirror_rate_init(&mirror->rate, options->sink->mqtt.state_rate);
    mirror->wants_fetch = true;
    return mirror;
}

static void drop_hand(struct mirror *mirror)
{
    for (size_t i = 0; i < mirror->hand_count; i++) {
        mirror_item_destroy(mirror->hand[i]);
    }
    mirror->hand_count = 0;
}

void mirror_destroy(struct mirror *mirror)
{
    CHECK(mirror_is_idle(mirror));
    drop_hand(mirror);
    while (mirror->sources != NULL) {
        struct source_state *source = mirror->sources;
        mirror->sources = source->next;
        text_fini(&source->payload);
        free(source->source_name);
        free(source);
    }
    free(mirror);
}

static void back_off(struct mirror *mirror, const char *reason)
{
    mirror->wants_fetch = true;
    if (mirror->now.mono_ms < mirror->retry_mono_ms) {
        return; /* one failure of many in flight is enough */
    }
    mirror->failure_count++;
    mirror->retry_mono_ms =
        mirror->now.mono_ms +
        retry_delay_ms(&mirror->options.sink->retry, mirror->failure_count, 1, &mirror->random);
    if (mirror->failure_count == 1) {
        LOG_WARN("state_not_published", log_text("sink", mirror->options.sink->name),
                 log_text("reason", reason));
    }
}

/* --- acknowledgements ---------------------------------------------------------------------- */

/* A refused topic is not tried for ever: it would hold up every other order's state. */
static bool is_done_with(struct mirror *mirror, const struct publication *publication,
                         const struct send_result *result)
{
    const struct retained *retained = &publication->retained;
    bool is_known = retained->is_withheld || /* the same was said of what was to be there */
                    (publication->item != NULL && publication->item->is_retried);
    switch (result->outcome) {
    case SEND_ACCEPTED:
        mirror->failure_count = 0;
        return true;
    case SEND_REJECTED:
    case SEND_GONE:
    case SEND_DIVIDE:
        if (!is_known) {
            LOG_WARN("state_refused", log_text("sink", mirror->options.sink->name),
                     log_text("source", retained->source_name),
                     log_text("order", retained->order_id), log_text("reason", result->detail));
        }
        return true;
    case SEND_TRY_LATER:
    case SEND_OFFLINE:
        back_off(mirror, result->detail);
        break;
    }
    return false;
}

/* Instead of what was refused, nothing: what the topic had before is wrong now. */
static void withhold(struct publication *publication)
{
    publication->retained.payload = (struct span){0};
    publication->retained.is_withheld = true;
    publication->is_sent = false;
}

static void on_item_published(void *arg, const struct send_result *result)
{
    struct publication *publication = arg;
    struct mirror_item *item = publication->item;
    publication->mirror->in_flight--;
    item->in_flight--;
    if (!is_done_with(publication->mirror, publication, result)) {
        item->has_ended = true;
    } else if (result->outcome != SEND_ACCEPTED && publication->retained.payload.size != 0) {
        item->is_refused = true;
        withhold(publication);
    } else {
        item->acknowledged_count++;
    }
}

static void on_source_published(void *arg, const struct send_result *result)
{
    struct source_state *source = arg;
    const struct publication *publication = &source->publication;
    publication->mirror->in_flight--;
    source->is_in_flight = false;
    if (!is_done_with(publication->mirror, publication, result)) {
        source->wants_publish = true;
    }
}

static bool takes_rate(struct mirror *mirror)
{
    if (mirror->in_flight >= IN_FLIGHT_MAX ||
        !mirror_rate_take(&mirror->rate, mirror->now.mono_ms)) {
        return false;
    }
    mirror->in_flight++;
    return true;
}

static void publish(struct mirror *mirror, const struct retained *retained, send_done_fn *on_done,
                    void *arg)
{
    mirror->options.port.ops->publish(mirror->options.port.self, retained, on_done, arg);
}

/* A receiver that has these is taken to have the rest: they wait until it is sure to come. */
static void publish_sources(struct mirror *mirror)
{
    if (mirror->wants_refill || mirror->is_refilling) {
        return;
    }
    for (struct source_state *source = mirror->sources; source != NULL; source = source->next) {
        if (!source->wants_publish || source->is_in_flight || !takes_rate(mirror)) {
            continue;
        }
        source->wants_publish = false;
        source->is_in_flight = true;
        source->publication.mirror = mirror;
        source->publication.retained = (struct retained){.kind = RETAINED_SOURCE,
                                                         .source_name = source->source_name,
                                                         .payload = text_span(&source->payload)};
        publish(mirror, &source->publication.retained, on_source_published, source);
    }
}

/* --- items --------------------------------------------------------------------------------- */

static void on_noted(void *arg, enum status status, const char *detail)
{
    struct mirror_item *item = arg;
    item->mirror->store_asks--;
    item->is_asked = false;
    item->step = ITEM_PUBLISHING;
    if (status != STATUS_OK) {
        item->has_ended = true;
        back_off(item->mirror, detail);
    }
}

static void on_settled(void *arg, enum status status, const char *detail)
{
    struct mirror_item *item = arg;
    item->mirror->store_asks--;
    item->is_asked = false;
    item->has_ended = true;
    item->mirror->wants_fetch = true;
    if (status != STATUS_OK) {
        back_off(item->mirror, detail);
    } else if (item->is_retried && !item->is_refused) {
        item->mirror->ask_mono_ms = 0; /* the receiver takes now what it did not: the rest, too? */
    }
}

static void tell_store(struct mirror *mirror, struct mirror_item *item, uint64_t version,
                       const char *published, store_done_fn *on_done)
{
    item->is_asked = true;
    mirror->store_asks++;
    struct state_settlement settlement = {.source_name = item->source_name,
                                          .order_id = item->order_id,
                                          .version = version,
                                          .published = published,
                                          .is_refused = item->is_refused};
    mirror->options.store.settle_state(mirror->options.store.self, mirror->options.sink->name,
                                       &settlement, on_done, item);
}

static void publish_item(struct mirror *mirror, struct mirror_item *item)
{
    for (size_t i = 0; i < item->publication_count; i++) {
        struct publication *publication = &item->publications[i];
        if (!publication->is_sent && takes_rate(mirror)) {
            publication->is_sent = true;
            item->in_flight++;
            publish(mirror, &publication->retained, on_item_published, publication);
        }
    }
}

static void advance(struct mirror *mirror, struct mirror_item *item)
{
    if (item->is_asked || item->has_ended) {
        return;
    }
    switch (item->step) {
    case ITEM_NOTING:
        /* Version 0 settles nothing: it only notes what may soon have a topic. */
        tell_store(mirror, item, 0, item->published_all, on_noted);
        break;
    case ITEM_PUBLISHING:
        publish_item(mirror, item);
        if (item->acknowledged_count == item->publication_count) {
            item->step = ITEM_SETTLING;
            tell_store(mirror, item, item->version, item->published_after, on_settled);
        }
        break;
    case ITEM_SETTLING:
        break;
    }
}

static void forget_ended(struct mirror *mirror)
{
    size_t kept = 0;
    for (size_t i = 0; i < mirror->hand_count; i++) {
        struct mirror_item *item = mirror->hand[i];
        if (item->has_ended && item->in_flight == 0 && !item->is_asked) {
            mirror_item_destroy(item);
        } else {
            mirror->hand[kept++] = item;
        }
    }
    mirror->hand_count = kept;
}

/* --- the store ----------------------------------------------------------------------------- */

static void take_in(struct mirror *mirror, const struct stale_state *state)
{
    struct failure why;
    struct mirror_item *item;
    if (mirror_item_create(mirror, state, &mirror->options, &item, &why) != STATUS_OK) {
        LOG_ERROR("state_unreadable", log_text("sink", mirror->options.sink->name),
                  log_text("order", state->order_id), log_text("reason", why.detail));
        back_off(mirror, why.detail);
        return;
    }
    CHECK(mirror->hand_count < HAND_ITEMS_MAX);
    mirror->hand[mirror->hand_count++] = item;
}

static void on_stale(void *arg, enum status status, const struct stale_state *states, size_t count)
{
    struct mirror *mirror = arg;
    mirror->is_fetching = false;
    if (status != STATUS_OK) {
        back_off(mirror, "the store cannot be read");
        return;
    }
    for (size_t i = 0; i < count && !mirror->is_stopping; i++) {
        take_in(mirror, &states[i]);
    }
}

static void on_refilled(void *arg, enum status status, const char *detail)
{
    struct mirror *mirror = arg;
    mirror->is_refilling = false;
    mirror->wants_fetch = true;
    if (status != STATUS_OK) {
        mirror->wants_refill = true;
        back_off(mirror, detail);
    }
}

static void on_retried(void *arg, enum status status, const char *detail)
{
    struct mirror *mirror = arg;
    mirror->is_retrying = false;
    mirror->wants_fetch = true;
    if (status != STATUS_OK) {
        mirror->ask_mono_ms = 0;
        back_off(mirror, detail);
    }
}

/* What waits anyway comes first. */
static bool may_retry(const struct mirror *mirror)
{
    return mirror->now.mono_ms >= mirror->ask_mono_ms && mirror->hand_count == 0 &&
           !mirror->wants_fetch && !mirror->is_fetching && !mirror->is_retrying;
}

/* The receiver may have another limit now, or another access list: nobody tells. And what a life
 * before found refused, this one does not know yet. */
static void retry_refused(struct mirror *mirror)
{
    mirror->is_retrying = true;
    mirror->asked_mono_ms = mirror->now.mono_ms;
    mirror->ask_mono_ms = mirror->now.mono_ms + RETRY_EVERY_MS;
    mirror->options.store.retry_states(mirror->options.store.self, mirror->options.sink->name,
                                       RETRY_COUNT_MAX, on_retried, mirror);
}

static void ask_store(struct mirror *mirror)
{
    const struct store_port *store = &mirror->options.store;
    const char *sink_name = mirror->options.sink->name;
    if (mirror->wants_refill && !mirror->is_refilling) {
        mirror->wants_refill = false;
        mirror->is_refilling = true;
        store->refill(store->self, sink_name, on_refilled, mirror);
    }
    if (mirror->wants_fetch && !mirror->is_fetching && mirror->hand_count == 0) {
        mirror->wants_fetch = false;
        mirror->is_fetching = true;
        store->fetch_stale(store->self, sink_name, HAND_ITEMS_MAX, on_stale, mirror);
    }
    if (may_retry(mirror)) {
        retry_refused(mirror);
    }
}

/* --- turns --------------------------------------------------------------------------------- */

static int64_t next_turn_mono_ms(const struct mirror *mirror)
{
    int64_t now_mono_ms = mirror->now.mono_ms;
    int64_t next = mirror->ask_mono_ms > now_mono_ms ? mirror->ask_mono_ms : INSTANT_NEVER;
    bool has_work = mirror->hand_count != 0 || mirror->sources != NULL;
    int64_t slice_mono_ms = mirror_rate_next_mono_ms(&mirror->rate, now_mono_ms);
    bool waits = has_work && mirror->in_flight < IN_FLIGHT_MAX && slice_mono_ms != 0;
    return waits && slice_mono_ms < next ? slice_mono_ms : next;
}

int64_t mirror_turn(struct mirror *mirror, struct instant now)
{
    mirror->now = now;
    forget_ended(mirror);
    if (mirror->is_stopping) {
        return INSTANT_NEVER;
    }
    if (now.mono_ms < mirror->retry_mono_ms) {
        return mirror->retry_mono_ms;
    }
    ask_store(mirror);
    publish_sources(mirror);
    for (size_t i = 0; i < mirror->hand_count; i++) {
        advance(mirror, mirror->hand[i]);
    }
    return next_turn_mono_ms(mirror);
}

void mirror_expect_news(struct mirror *mirror)
{
    mirror->wants_fetch = true;
}

void mirror_available(struct mirror *mirror)
{
    int64_t next = mirror->asked_mono_ms + RETRY_WAIT_MS;
    mirror->ask_mono_ms = next < mirror->ask_mono_ms ? next : mirror->ask_mono_ms;
    mirror->retry_mono_ms = 0;
}

/* What is on its way comes to the receiver of now. What was taken before is lost, so its order is
 * not settled: it comes again, as those do that were. */
void mirror_refill(struct mirror *mirror)
{
    mirror->wants_refill = true;
    for (size_t i = 0; i < mirror->hand_count; i++) {
        struct mirror_item *item = mirror->hand[i];
        item->has_ended |= item->step == ITEM_PUBLISHING && item->acknowledged_count != 0;
    }
    for (struct source_state *source = mirror->sources; source != NULL; source = source->next) {
        source->wants_publish = true;
    }
}

static struct source_state *source_of(struct mirror *mirror, const char *source_name)
{
    struct source_state *source = mirror->sources;
    while (source != NULL && !text_equal(source->source_name, source_name)) {
        source = source->next;
    }
    if (source == NULL) {
        source = alloc(sizeof *source);
        source->source_name = alloc_text(source_name);
        text_init(&source->payload, EVENT_BYTES_MAX);
        source->next = mirror->sources;
        mirror->sources = source;
    }
    return source;
}

void mirror_source_status(struct mirror *mirror, const char *source_name, struct span payload)
{
    struct source_state *source = source_of(mirror, source_name);
    if (span_equal(text_span(&source->payload), payload)) {
        return;
    }
    text_clear(&source->payload);
    text_add(&source->payload, payload);
    source->wants_publish = true;
}

bool mirror_is_drained(const struct mirror *mirror)
{
    for (const struct source_state *source = mirror->sources; source != NULL;
         source = source->next) {
        if (source->wants_publish || source->is_in_flight) {
            return false;
        }
    }
    return mirror->hand_count == 0 && !mirror->wants_fetch && !mirror->is_fetching &&
           !mirror->wants_refill && !mirror->is_refilling && !mirror->is_retrying &&
           mirror->now.mono_ms < mirror->ask_mono_ms;
}

bool mirror_is_failing(const struct mirror *mirror)
{
    return mirror->failure_count != 0;
}

void mirror_stop(struct mirror *mirror)
{
    mirror->is_stopping = true;
}

bool mirror_is_idle(const struct mirror *mirror)
{
    return mirror->in_flight == 0 && mirror->store_asks == 0 && !mirror->is_fetching &&
           !mirror->is_refilling && !mirror->is_retrying;
}
