/* How many events a webhook may get at once. */
#include "core/config_shape.h"

#include "core/text.h"

#define COUNT_MAX 100
#define BYTES_MIN 1024
#define BYTES_MAX (1 << 20)
#define WAIT_MAX_MS HOUR_MS

static const struct key batch_keys[] = {
    {.name = "count",
     .kind = KEY_COUNT,
     .offset = offsetof(struct batch_config, count),
     .is_required = true,
     .accepted = "how many events may be together, 1 to 100",
     .min = 1,
     .max = COUNT_MAX},
    {.name = "bytes",
     .kind = KEY_SIZE,
     .offset = offsetof(struct batch_config, bytes),
     .min = BYTES_MIN,
     .max = BYTES_MAX,
     .initial = "1MiB"},
    {.name = "wait",
     .kind = KEY_DURATION,
     .offset = offsetof(struct batch_config, wait_ms),
     .max = WAIT_MAX_MS,
     .initial = "0"},
};

static const struct shape batch_shape = {
    .keys = batch_keys, .count = ARRAY_COUNT(batch_keys), .size = sizeof(struct batch_config)};

void webhook_read_batch(struct walker *walker, const struct node *node, void *target)
{
    struct batch_config *batch = &((struct webhook_config *)target)->batch;
    if (node->kind == NODE_MAP) {
        walker_read(walker, &batch_shape, node, batch);
        return;
    }
    batch->bytes = BYTES_MAX;
    walker_read_value(walker, &batch_keys[0], node, batch);
}

void webhook_print_batch(const void *source, const void *context, struct text *out)
{
    (void)context;
    const struct batch_config *batch = &((const struct webhook_config *)source)->batch;
    if (batch->count == 0) {
        return;
    }
    text_addf(out, "{count: %u, bytes: ", batch->count);
    size_add(out, batch->bytes);
    text_add_text(out, ", wait: ");
    duration_add(out, batch->wait_ms);
    text_add_char(out, '}');
}
