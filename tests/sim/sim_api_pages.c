#include "tests/sim/sim_api_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t parameter(const char *url, const char *name, int64_t fallback)
{
    const char *place = strstr(url, name);
    return place != NULL ? strtoll(place + strlen(name), NULL, 10) : fallback;
}

/* One element of a list: an order, or one of its appointments. */
struct element {
    const struct upstream_order *order;
    const struct upstream_appointment *appointment; /* NULL: the order itself */
};

#define ELEMENTS_MAX (UPSTREAM_ORDERS_MAX * UPSTREAM_APPOINTMENTS_MAX)

static size_t listed_orders(const struct sim_upstream *upstream,
                            struct element out[static ELEMENTS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < upstream->order_count; i++) {
        if (upstream_now(&upstream->orders[i])->is_listed) {
            out[count++] = (struct element){.order = &upstream->orders[i]};
        }
    }
    return count;
}

static size_t listed_appointments(const struct sim_upstream *upstream,
                                  struct element out[static ELEMENTS_MAX])
{
    struct element orders[ELEMENTS_MAX];
    size_t order_count = listed_orders(upstream, orders);
    size_t count = 0;
    for (size_t i = 0; i < order_count; i++) {
        const struct upstream_version *now = upstream_now(orders[i].order);
        for (size_t j = 0; j < now->appointment_count; j++) {
            out[count++] = (struct element){orders[i].order, &now->appointments[j]};
        }
    }
    return count;
}

/* --- a page, and how it may be bent ----------------------------------------------------------- */

struct page {
    struct element elements[ELEMENTS_MAX];
    size_t total, offset, limit;
    size_t skipped; /* SIZE_MAX: none */
    bool is_endless;
};

/* The list is read right in the end, whatever a page of it was like: a total that is right proves
 * what is missing, and what comes twice shows itself. */
static void bend(struct sim_api *api, struct page *page)
{
    struct sim *sim = api->sim;
    switch (random_below(&sim->random, 5)) {
    case 0: /* it has moved on by one while it was read */
        page->offset += page->offset != 0 ? 1 : 0;
        break;
    case 1: /* it has moved back */
        page->offset -= page->offset != 0 ? 1 : 0;
        break;
    case 2: /* offset is not heeded */
        page->offset = 0;
        break;
    case 3: /* it ends early */
        page->limit =
            page->limit != 0 ? (size_t)random_below(&sim->random, (int64_t)page->limit) : 0;
        break;
    default: /* it never ends */
        page->is_endless = page->total != 0;
        break;
    }
    api->bent_count++;
    sim_trace(sim, "api: a page bent: from %zu, %zu of %zu%s", page->offset, page->limit,
              page->total, page->is_endless ? ", endless" : "");
}

static void add_elements(struct sim_api *api, const struct page *page, struct text *out)
{
    size_t end = page->offset + page->limit;
    end = end < page->total || page->is_endless ? end : page->total;
    size_t count = 0;
    text_add_char(out, '[');
    for (size_t i = page->offset; i < end; i++) {
        const struct element *element = &page->elements[i % (page->total != 0 ? page->total : 1)];
        if (i == page->skipped) {
            continue;
        }
        text_add_text(out, count++ != 0 ? "," : "");
        if (element->appointment != NULL) {
            upstream_render_appointment(api->upstream, element->order, element->appointment, out);
        } else {
            upstream_render(api->upstream, element->order, out);
        }
    }
    text_add_char(out, ']');
}

static void skip_one(struct sim_api *api, struct page *page)
{
    size_t end =
        page->offset + page->limit < page->total ? page->offset + page->limit : page->total;
    if (end > page->offset && sim_chance(api->sim, api->short_page_permille)) {
        page->skipped = (size_t)sim_between(api->sim, (int64_t)page->offset, (int64_t)end - 1);
        sim_trace(api->sim, "api: a page without %s", page->elements[page->skipped].order->id);
    }
}

void sim_answer_list(struct sim_api *api, const char *url, bool is_appointments,
                     struct answer *answer)
{
    struct page page = {.offset = (size_t)parameter(url, "offset=", 0),
                        .limit = (size_t)parameter(url, "limit=", 100),
                        .skipped = SIZE_MAX};
    page.total = is_appointments ? listed_appointments(api->upstream, page.elements)
                                 : listed_orders(api->upstream, page.elements);
    skip_one(api, &page);
    if (sim_chance(api->sim, api->bend_permille)) {
        bend(api, &page);
    }
    add_elements(api, &page, &answer->body);
    api->page_count++;
    int64_t total = (int64_t)page.total + api->total_lie;
    (void)snprintf(answer->total, sizeof answer->total, "%lld", (long long)total);
    answer->response.total_count = answer->total;
}

/* --- a detail --------------------------------------------------------------------------------- */

static int hex_value(char digit)
{
    return digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}

static void decode_id(const char *encoded, char *out, size_t size)
{
    size_t length = 0;
    while (*encoded != '\0' && *encoded != '?' && length + 1 < size) {
        if (encoded[0] == '%' && encoded[1] != '\0' && encoded[2] != '\0') {
            out[length++] = (char)(hex_value(encoded[1]) * 16 + hex_value(encoded[2]));
            encoded += 3;
        } else {
            out[length++] = *encoded++;
        }
    }
    out[length] = '\0';
}

void sim_answer_detail(struct sim_api *api, const char *encoded, struct answer *answer)
{
    char id[64];
    decode_id(encoded, id, sizeof id);
    const struct upstream_order *order = sim_upstream_order(api->upstream, id);
    if (order == NULL || (!upstream_now(order)->is_listed && !order->has_detail)) {
        sim_answer_code(answer, 404, "{\"code\":60,\"message\":\"Resource not found\"}");
        return;
    }
    api->detail_count++;
    upstream_render(api->upstream, order, &answer->body);
}
