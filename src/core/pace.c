#include "core/pace.h"

#include "core/profile.h"
#include "core/text.h"

#include <inttypes.h>
#include <stdio.h>

#define SECOND_MS INT64_C(1000)
#define SHORT_MS INT64_C(120000)
#define PAGES_MAX (UINT64_C(1) << 32) /* keeps the products below in 64 bits */

static uint64_t pages_of(const struct source_config *source, uint64_t order_count)
{
    const struct paging *paging = &source->profile->orders.paging;
    uint64_t page_size = source->page_size != 0 ? source->page_size : paging->page_size;
    if (order_count == PACE_ORDERS_UNKNOWN || order_count == 0 || page_size == 0 ||
        paging->kind == PAGING_NONE) {
        return 1;
    }
    uint64_t count = (order_count - 1) / page_size + 1;
    return count < PAGES_MAX ? count : PAGES_MAX;
}

struct pace pace_of(const struct source_config *source, uint64_t order_count)
{
    CHECK(source->budget.count > 0);
    struct pace pace = {.order_count = order_count, .page_count = pages_of(source, order_count)};
    if (source->profile->has_appointments_collection) {
        pace.page_count++; /* at least one page of its own */
    }
    uint64_t work = pace.page_count * (uint64_t)source->budget.window_ms;
    uint64_t second_rate = (uint64_t)source->budget.count * (uint64_t)SECOND_MS;
    pace.best_ms = (int64_t)((work + second_rate - 1) / second_rate) * SECOND_MS;
    pace.is_kept = (uint64_t)source->every_ms * source->budget.count >= work;
    return pace;
}

/* 1,200 */
static void add_grouped(struct text *out, uint64_t number)
{
    char digits[24];
    int count = snprintf(digits, sizeof digits, "%" PRIu64, number);
    for (int i = 0; i < count; i++) {
        if (i != 0 && (count - i) % 3 == 0) {
            text_add_char(out, ',');
        }
        text_add_char(out, digits[i]);
    }
}

static void add_counted(struct text *out, uint64_t number, const char *noun)
{
    add_grouped(out, number);
    text_addf(out, " %s%s", noun, number == 1 ? "" : "s");
}

void pace_add_words(const struct pace *pace, const struct source_config *source, struct text *out)
{
    if (pace->order_count != PACE_ORDERS_UNKNOWN) {
        add_counted(out, pace->order_count, "order");
        text_add_text(out, pace->order_count == 1 ? " needs " : " need ");
    } else {
        text_add_text(out, "the smallest sweep needs ");
    }
    add_counted(out, pace->page_count, "page");
    text_add_text(out, "; ");
    rate_add(out, source->budget);
    if (pace->best_ms < SHORT_MS) {
        text_addf(out, " allows a sweep each %" PRId64 " s at best", pace->best_ms / SECOND_MS);
    } else {
        text_add_text(out, " allows a sweep each ");
        duration_add(out, pace->best_ms);
        text_add_text(out, " at best");
    }
    text_add_text(out, "; every is ");
    duration_add(out, source->every_ms);
    text_add_text(out, "; accepted: ");
    duration_add(out, pace->best_ms);
    text_add_text(out, " or more, larger pages, or a larger budget");
}
