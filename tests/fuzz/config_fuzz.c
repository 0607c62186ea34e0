/* Any bytes as a configuration file: refused with problems of one line each, or read to values
 * whose printed form reads back. */
#include "core/arena.h"
#include "core/config.h"
#include "core/secret.h"
#include "core/text.h"
#include "core/zone.h"
#include "edge/config_file.h"
#include "edge/config_tree.h"
#include "edge/yaml_tree.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- a world in which every name and file exists -------------------------------------------- */

static enum status give_zone(void *self, const char *name, const struct zone **out,
                             struct failure *why)
{
    (void)self;
    (void)name;
    (void)why;
    *out = zone_utc();
    return STATUS_OK;
}

static enum status give_profile(void *self, const char *name, struct problem_list *problems,
                                const struct profile **out, struct failure *why)
{
    (void)self;
    (void)name;
    (void)problems;
    (void)why;
    *out = NULL;
    return STATUS_OK;
}

/* One secret serves for all, so that it can be freed. */
static enum status give_secret(void *self, struct span value, const struct secret **out,
                               struct failure *why)
{
    (void)value;
    (void)why;
    *out = self;
    return STATUS_OK;
}

static enum status give_secret_of_file(void *self, const char *path, const struct secret **out,
                                       struct failure *why)
{
    return give_secret(self, span_of(path), out, why);
}

static enum status give_file(void *self, const char *path, struct failure *why)
{
    (void)self;
    (void)path;
    (void)why;
    return STATUS_OK;
}

/* --- the property --------------------------------------------------------------------------- */

static void check_problems(struct problem_list *problems)
{
    size_t count = 0;
    for (const struct problem *problem = problems->first; problem != NULL;
         problem = problem->next) {
        CHECK(strpbrk(problem->line_text, "\r\n") == NULL);
        count++;
    }
    CHECK(count == problems->error_count + problems->warning_count);
    problem_list_sort(problems);
    problem_list_clear(problems);
}

/* Lists double, values clash; nothing else may happen. */
static void merge_with_itself(struct arena *arena, const struct node *tree)
{
    struct problem_list problems = {0};
    (void)config_tree_merge(arena, tree, tree, &problems);
    check_problems(&problems);
}

/* The printed configuration, or NULL if the file was refused. */
static char *read_and_print(struct span bytes, const struct config_loader *loader)
{
    struct problem_list problems = {0};
    struct yaml_document *document = yaml_tree_parse("f.yaml", bytes, &problems);
    struct arena *arena = arena_create();
    struct config *config = NULL;
    struct text printed;
    text_init(&printed, (size_t)64 << 20);
    if (document != NULL) {
        merge_with_itself(arena, yaml_root(document));
        const struct node *tree = config_tree_expand(arena, yaml_root(document), &problems);
        /* As the loader does: what the YAML itself is wrong about makes no configuration. */
        if (config_create(tree, loader, &problems, &config) == STATUS_OK &&
            problems.error_count == 0) {
            config_print(config, &printed);
        }
    }
    bool is_valid = config != NULL && problems.error_count == 0;
    check_problems(&problems);
    config_destroy(config);
    arena_destroy(arena);
    yaml_close(document);
    char *taken = text_take(&printed);
    if (!is_valid) {
        free(taken);
        return NULL;
    }
    return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct secret *secret = secret_create(span_of("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"));
    const struct config_loader loader = {.self = secret,
                                         .zone = give_zone,
                                         .profile = give_profile,
                                         .secret = give_secret,
                                         .secret_file = give_secret_of_file,
                                         .readable_file = give_file,
                                         .format = give_file};
    char *first = read_and_print((struct span){.data = (const char *)data, .size = size}, &loader);
    if (first != NULL && strlen(first) < YAML_BYTES_MAX) {
        char *second = read_and_print(span_of(first), &loader);
        CHECK(second != NULL && strcmp(first, second) == 0);
        free(second);
    }
    free(first);
    secret_destroy(secret);
    return 0;
}
