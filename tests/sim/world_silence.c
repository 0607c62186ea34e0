/* People who want to hear nothing for a while, and some of them again before that. */
#include "core/date.h"
#include "core/json.h"

#include "tests/sim/world.h"

static void on_silenced(void *arg, enum status status, const char *id, const char *detail)
{
    struct sim *sim = arg;
    sim_trace(sim, "silence %s: %s", id != NULL ? id : status_name(status), detail);
}

static void add_silence(struct world *world, struct silencer *silencer)
{
    struct sim *sim = &world->sim;
    struct text document;
    text_init(&document, 1024);
    text_addf(&document, "{%s,\"author\":\"ann\",\"comment\":\"works on site\",\"end\":\"",
              sim_chance(sim, 500) ? "\"type\":\"appointment.*\"" : "\"order\":\"A-*\"");
    date_add_wall(&document, sim->now.wall_ms + sim_between(sim, 15, 90) * MINUTE_MS);
    text_add_text(&document, "\"}");
    struct json *root = NULL;
    struct failure why;
    CHECK(json_parse(text_span(&document), &root, &why) == STATUS_OK);
    if (silencer_add(silencer, root, sim->now.wall_ms, on_silenced, sim, &why) != STATUS_OK) {
        sim_trace(sim, "no silence: %s", why.detail);
    }
    json_destroy(root);
    text_fini(&document);
}

static void end_silence(struct world *world, struct silencer *silencer)
{
    struct sim *sim = &world->sim;
    const struct silence_list *list = silencer_list(silencer);
    struct failure why;
    if (list->count != 0 && silencer_end(silencer, list->items[list->count - 1].id,
                                         sim->now.wall_ms, on_silenced, sim, &why) != STATUS_OK) {
        sim_trace(sim, "no end: %s", why.detail);
    }
}

void world_on_silence(void *self, bool is_alive)
{
    struct world *world = self;
    CHECK(is_alive);
    if (world->is_ending) {
        return;
    }
    if (world->life != NULL && !world->life->process.is_dead) {
        struct silencer *silencer = monitor_silencer(world->life->monitor);
        if (sim_chance(&world->sim, 700)) {
            add_silence(world, silencer);
        } else {
            end_silence(world, silencer);
        }
    }
    sim_spawn(&world->sim, NULL, sim_between(&world->sim, 10, 90) * MINUTE_MS, world_on_silence,
              world);
}
