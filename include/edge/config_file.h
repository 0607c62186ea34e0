/* Configuration files to node trees: libyaml, conf.d, ${VAR}, secrets, profiles, time zones. */
#ifndef EDGE_CONFIG_FILE_H
#define EDGE_CONFIG_FILE_H

#include "core/config.h"

struct config_file; /* owns the tree, the loader and what it loaded: secrets, profiles, zones */

/* Reads FILE and conf.d/ *.yaml beside it and builds the configuration. The problems are all there
 * are, warnings too. On STATUS_OK *out holds the configuration. */
enum status config_file_load(const char *path, struct problem_list *problems,
                             struct config_file **out) MUST_CHECK;
const struct config *config_file_config(const struct config_file *file);
void config_file_close(struct config_file *file); /* the configuration too; NULL is fine */

/* Where the daemon of this configuration listens, without needing what else it says: its secrets
 * may be the daemon's alone. A problem list that stays empty with listen NULL: it is off. */
struct secret;
struct http_address {
    char *listen;         /* NULL: off, or not readable */
    struct secret *token; /* NULL: none */
};
enum status config_file_address(const char *path, struct problem_list *problems,
                                struct http_address *out) MUST_CHECK;
void http_address_fini(struct http_address *address);

/* Just the tree of one YAML file (profiles, scenarios). The caller releases it with yaml_close. */
struct yaml_document;
enum status yaml_load(const char *path, struct problem_list *problems,
                      struct yaml_document **out) MUST_CHECK;
enum status yaml_parse(const char *name, struct span bytes, struct problem_list *problems,
                       struct yaml_document **out) MUST_CHECK;
const struct node *yaml_root(const struct yaml_document *document);
void yaml_close(struct yaml_document *document); /* NULL is fine */

/* A profile by its shipped name or the path of its file, without a configuration. The caller owns
 * *out. STATUS_INVALID: its problems are told; else *why says what there is instead. */
struct profile;
enum status profile_load(const char *name_or_path, struct problem_list *problems,
                         struct profile **out, struct failure *why) MUST_CHECK;

/* The folder with profiles/, formats/ and scenarios/: $ORDERWATCH_SHARE, the source tree's conf/
 * when run from it (beside build/), ../share/orderwatch beside bin/, else PREFIX's. Valid for the
 * life of the process. */
const char *share_folder(void);

enum status zone_load(const char *name, struct zone **out, struct failure *why) MUST_CHECK;

#endif
