/* The simulated operator's truth: orders with their members, as JSON, and what an API shows of
 * them. */
#ifndef SIMULATOR_WORLD_H
#define SIMULATOR_WORLD_H

#include "core/node.h"
#include "core/text.h"

struct world;
struct zone;

/* now_wall_ms: what "@+5d 09:00" in a scenario counts from; zone: whose 09:00. */
struct world *world_create(int64_t now_wall_ms, const struct zone *zone);
void world_destroy(struct world *world);

/* count orders that look alive, from first_id on; the same seed gives the same orders. */
void world_generate(struct world *world, uint64_t first_id, size_t count, uint64_t seed);

/* Merges the entries of members (but "id" and "order") into the order; unknown orders are made and
 * listed. A null removes a member. "@+5d 09:00" becomes an instant, "@+5d" a date. */
void world_set_order(struct world *world, const char *order_id, const struct node *members);
void world_set_appointment(struct world *world, const char *order_id, const char *appointment_id,
                           const struct node *members);
void world_add_note(struct world *world, const char *order_id, const struct node *members);
bool world_remove_appointment(struct world *world, const char *order_id,
                              const char *appointment_id);
/* close: the list loses it, the detail keeps it. remove: both lose it. relist: back on the list. */
bool world_close_order(struct world *world, const char *order_id);
bool world_remove_order(struct world *world, const char *order_id);
bool world_relist_order(struct world *world, const char *order_id);
/* Merges members into the first count orders of the list. */
void world_set_many(struct world *world, size_t count, const struct node *members);

size_t world_listed_count(const struct world *world);
size_t world_appointment_count(const struct world *world); /* of listed orders */
/* The elements from offset on, at most limit, separated by commas. with_appointments: nested in
 * their order. */
void world_add_orders(const struct world *world, size_t offset, size_t limit,
                      bool with_appointments, struct text *out);
void world_add_appointments(const struct world *world, size_t offset, size_t limit,
                            struct text *out);
bool world_add_order(const struct world *world, const char *order_id, bool with_appointments,
                     struct text *out); /* false: no such order */

/* A scenario value as JSON, with its dates resolved; "@json TEXT" is TEXT as it stands. */
void world_add_value(const struct world *world, const struct node *value, struct text *out);

#endif
