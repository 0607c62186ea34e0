/* The keys of the configuration by section; private to the configuration's own files. */
#ifndef CORE_CONFIG_SHAPE_H
#define CORE_CONFIG_SHAPE_H

#include "core/config.h"
#include "core/walker.h"

extern const struct shape config_shape; /* of struct config, the whole document */
extern const struct shape source_shape;
extern const struct shape sink_shape;
extern const struct shape email_shape;
extern const struct shape mqtt_shape;
extern const struct shape webhook_shape;
extern const struct shape route_shape;
extern const struct shape tls_shape;
extern const struct shape hub_shape;
extern const struct word severity_words[];

#define CONFIG_ZONE "Europe/Paris" /* where the orders are, unless something else is said */
#define CONFIG_LIST_MAX 1000

#define NAME_ACCEPTED "small letters, digits and -, up to 64"
const char *name_fault(const char *text);
bool where_field_is_known(const char *name); /* source, or a field of orders with one value */
const char *field_fault(const char *text);   /* the name of a field of orders, for `fields` */
#define FIELD_COUNT_MAX 64
#define FIELDS_ACCEPTED                                                                            \
    "id reference status status_kind step site offer requested_date committed_date "               \
    "completed_date contact notes url extra, or contact.NAME and extra.NAME"

/* What only the whole document can tell: routes to sinks, names given twice. */
void config_check_references(struct walker *walker, const struct node *document,
                             struct config *config);
/* Warns where every is too short for the budget, and notes the place of every for later. */
void config_check_pace(struct walker *walker, const struct node *map, struct source_config *source);
/* batch: 50, or {count: 50, bytes: 256KiB, wait: 2s} */
void webhook_read_batch(struct walker *walker, const struct node *node, void *target);
void webhook_print_batch(const void *source, const void *context, struct text *out);
/* Times and days, as digests and quiet hours have them; *out -1: it is none, and told. */
void config_read_minute(struct walker *walker, const struct node *node, int *out);
void config_read_days(struct walker *walker, const struct node *node, uint8_t *out);
void config_print_days(struct text *out, uint8_t days);
/* A duration, or a map. */
void config_read_digest(struct walker *walker, const struct node *node, struct digest_config *out);
void config_print_digest(struct text *out, const struct digest_config *digest);
void route_print_sinks(const void *source, const void *context, struct text *out);

#endif
