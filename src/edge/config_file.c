#include "edge/config_file.h"

#include "core/arena.h"
#include "core/profile.h"
#include "core/secret.h"
#include "core/text.h"
#include "core/zone.h"
#include "edge/config_tree.h"
#include "edge/file_read.h"
#include "edge/share.h"
#include "edge/yaml_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_BYTES_MAX ((size_t)64 * 1024)
#define PATH_BYTES_MAX ((size_t)4096)
#define MORE_FILES_FOLDER "conf.d"

struct loaded_profile {
    char *name;
    struct profile *profile; /* NULL: broken, its problems are told */
};

struct config_file {
    struct config *config;
    struct zone **zones;
    size_t zone_count;
    struct loaded_profile *profiles;
    size_t profile_count;
    struct secret **secrets;
    size_t secret_count;
};

/* --- what the core asks for ----------------------------------------------------------------- */

static enum status load_zone(void *self, const char *name, const struct zone **out,
                             struct failure *why)
{
    struct config_file *file = self;
    for (size_t i = 0; i < file->zone_count; i++) {
        if (text_equal(zone_name(file->zones[i]), name)) {
            *out = file->zones[i];
            return STATUS_OK;
        }
    }
    struct zone *zone = NULL;
    enum status status = zone_load(name, &zone, why);
    if (status != STATUS_OK) {
        return status;
    }
    file->zones = alloc_resize(file->zones, file->zone_count + 1, sizeof(struct zone *));
    file->zones[file->zone_count++] = zone;
    *out = zone;
    return STATUS_OK;
}

static struct profile *read_profile(const char *name, const char *path,
                                    struct problem_list *problems)
{
    struct yaml_document *document = NULL;
    struct profile *profile = NULL;
    if (yaml_load(path, problems, &document) == STATUS_OK &&
        profile_create(yaml_root(document), name, problems, &profile) != STATUS_OK) {
        profile = NULL;
    }
    yaml_close(document);
    return profile;
}

static enum status fail_without_profile(const char *name, struct failure *why)
{
    struct text choices;
    text_init(&choices, sizeof why->detail);
    share_add_choices("profiles", ".yaml", NULL, name, &choices);
    enum status status =
        fail(why, STATUS_NOT_FOUND, "no profile is called %.100s%s", name, text_cstr(&choices));
    text_fini(&choices);
    return status;
}

enum status profile_load(const char *name_or_path, struct problem_list *problems,
                         struct profile **out, struct failure *why)
{
    struct text name;
    struct text path;
    text_init(&name, PATH_BYTES_MAX);
    text_init(&path, PATH_BYTES_MAX);
    bool is_file = strchr(name_or_path, '/') == NULL && strstr(name_or_path, ".yaml") != NULL;
    text_add_text(&name, is_file ? "./" : "");
    text_add_text(&name, name_or_path);
    share_path("profiles", text_cstr(&name), ".yaml", &path);
    enum status status = file_is_readable(text_cstr(&path), why);
    if (status == STATUS_NOT_FOUND && strchr(text_cstr(&name), '/') == NULL) {
        status = fail_without_profile(name_or_path, why);
    } else if (status == STATUS_OK) {
        struct profile *profile = read_profile(name_or_path, text_cstr(&path), problems);
        status = profile != NULL
                     ? STATUS_OK
                     : fail(why, STATUS_INVALID, "the profile %.200s has errors", name_or_path);
        if (profile != NULL) {
            *out = profile;
        }
    }
    text_fini(&name);
    text_fini(&path);
    return status;
}

static const struct loaded_profile *add_profile(struct config_file *file, const char *name,
                                                const char *path, struct problem_list *problems)
{
    file->profiles = alloc_resize(file->profiles, file->profile_count + 1, sizeof *file->profiles);
    struct loaded_profile *loaded = &file->profiles[file->profile_count++];
    loaded->name = alloc_text(name);
    loaded->profile = read_profile(name, path, problems);
    return loaded;
}

static const struct loaded_profile *find_profile(const struct config_file *file, const char *name)
{
    for (size_t i = 0; i < file->profile_count; i++) {
        if (text_equal(file->profiles[i].name, name)) {
            return &file->profiles[i];
        }
    }
    return NULL;
}

static enum status load_profile(void *self, const char *name, struct problem_list *problems,
                                const struct profile **out, struct failure *why)
{
    struct config_file *file = self;
    const struct loaded_profile *loaded = find_profile(file, name);
    if (loaded == NULL) {
        struct text path;
        text_init(&path, PATH_BYTES_MAX);
        share_path("profiles", name, ".yaml", &path);
        enum status status = file_is_readable(text_cstr(&path), why);
        loaded = status == STATUS_OK ? add_profile(file, name, text_cstr(&path), problems) : NULL;
        text_fini(&path);
        if (loaded == NULL) {
            bool is_name = status == STATUS_NOT_FOUND && strchr(name, '/') == NULL;
            return is_name ? fail_without_profile(name, why) : status;
        }
    }
    if (loaded->profile == NULL) {
        return fail(why, STATUS_INVALID, "the profile %.200s has errors; accepted: one without",
                    name);
    }
    *out = loaded->profile;
    return STATUS_OK;
}

static enum status keep_secret(void *self, struct span value, const struct secret **out,
                               struct failure *why)
{
    struct config_file *file = self;
    if (value.size == 0) {
        return fail(why, STATUS_INVALID, "is empty; accepted: a secret");
    }
    file->secrets = alloc_resize(file->secrets, file->secret_count + 1, sizeof(struct secret *));
    file->secrets[file->secret_count] = secret_create(value);
    *out = file->secrets[file->secret_count++];
    return STATUS_OK;
}

static enum status load_secret(void *self, const char *path, const struct secret **out,
                               struct failure *why)
{
    struct text line;
    text_init(&line, SECRET_BYTES_MAX);
    enum status status = file_read_secret(path, &line, why);
    if (status == STATUS_OK) {
        status = keep_secret(self, text_span(&line), out, why);
    }
    if (line.data != NULL) {
        explicit_bzero(line.data, line.capacity);
    }
    text_fini(&line);
    return status;
}

static enum status check_file(void *self, const char *path, struct failure *why)
{
    (void)self;
    return file_is_readable(path, why);
}

static enum status check_format(void *self, const char *name, struct failure *why)
{
    (void)self;
    struct text path;
    text_init(&path, PATH_BYTES_MAX);
    share_path("formats", name, ".jq", &path);
    enum status status = file_is_readable(text_cstr(&path), why);
    if (status == STATUS_NOT_FOUND && strchr(name, '/') == NULL) {
        text_clear(&path);
        share_add_choices("formats", ".jq", "cloudevents", name, &path);
        status =
            fail(why, STATUS_NOT_FOUND, "no format is called %.100s%s", name, text_cstr(&path));
    }
    text_fini(&path);
    return status;
}

/* --- files to one tree ---------------------------------------------------------------------- */

/* Everything that is read, until the configuration stands on its own. */
struct reading {
    struct arena *arena;
    struct yaml_document **documents;
    size_t document_count;
    bool is_whole; /* no file stopped in the middle */
    struct problem_list *problems;
    size_t errors_before;
    const struct node *tree;
};

static void read_file(struct reading *reading, const char *path)
{
    struct yaml_document *document = yaml_tree_load(path, reading->problems);
    if (document == NULL) {
        reading->is_whole = false;
        return;
    }
    reading->documents = alloc_resize(reading->documents, reading->document_count + 1,
                                      sizeof(struct yaml_document *));
    reading->documents[reading->document_count++] = document;
    const struct node *root = yaml_root(document);
    reading->tree = reading->tree == NULL
                        ? root
                        : config_tree_merge(reading->arena, reading->tree, root, reading->problems);
}

static void read_folder(struct reading *reading, const char *folder)
{
    size_t count = 0;
    char **names = share_list(folder, ".yaml", &count);
    if (names == NULL && errno != ENOENT && errno != ENOTDIR) {
        char reason[128];
        problem_add_at(reading->problems, folder, 0, 0,
                       "cannot be read: %s; accepted: a folder that this user can read, or none",
                       strerror_r(errno, reason, sizeof reason));
    }
    CHECK(names != NULL || count == 0);
    for (size_t i = 0; i < count; i++) {
        struct text path;
        text_init(&path, PATH_BYTES_MAX);
        text_addf(&path, "%s/%s", folder, names[i]);
        read_file(reading, text_cstr(&path));
        text_fini(&path);
    }
    share_free_names(names, count);
}

static void read_more_files(struct reading *reading, const char *path)
{
    struct text folder;
    text_init(&folder, PATH_BYTES_MAX);
    const char *slash = strrchr(path, '/');
    if (slash != NULL) {
        text_add(&folder, (struct span){.data = path, .size = (size_t)(slash - path) + 1});
    }
    text_add_text(&folder, MORE_FILES_FOLDER);
    read_folder(reading, text_cstr(&folder));
    text_fini(&folder);
}

/* Who registered at the hub is part of the configuration. What is wrong with the folder's name is
 * told when the whole is read. */
static void read_registrations(struct reading *reading)
{
    const struct node *hub = node_member(node_member(reading->tree, "http"), "hub");
    if (hub == NULL || hub->kind != NODE_MAP) {
        return;
    }
    struct problem_list told_later = {.first = NULL};
    const struct node *whole = config_tree_expand(reading->arena, hub, &told_later);
    const struct node *folder = node_member(whole, "folder");
    problem_list_clear(&told_later);
    if (folder == NULL) {
        read_folder(reading, HUB_FOLDER);
    } else if (folder->kind == NODE_SCALAR && folder->text[0] == '/') {
        read_folder(reading, folder->text);
    }
}

static void reading_fini(struct reading *reading)
{
    for (size_t i = 0; i < reading->document_count; i++) {
        yaml_close(reading->documents[i]);
    }
    free(reading->documents);
    arena_wipe(reading->arena); /* values of variables may be secrets */
    arena_destroy(reading->arena);
}

static struct config *build(struct config_file *file, struct reading *reading)
{
    const struct config_loader loader = {.self = file,
                                         .zone = load_zone,
                                         .profile = load_profile,
                                         .secret = keep_secret,
                                         .secret_file = load_secret,
                                         .readable_file = check_file,
                                         .format = check_format};
    struct config *config = NULL;
    const struct node *tree = config_tree_expand(reading->arena, reading->tree, reading->problems);
    if (config_create(tree, &loader, reading->problems, &config) != STATUS_OK) {
        return NULL;
    }
    if (reading->problems->error_count != reading->errors_before) { /* in files or variables */
        config_destroy(config);
        return NULL;
    }
    return config;
}

enum status config_file_load(const char *path, struct problem_list *problems,
                             struct config_file **out)
{
    struct config_file *file = alloc(sizeof *file);
    struct reading reading = {.arena = arena_create(),
                              .is_whole = true,
                              .problems = problems,
                              .errors_before = problems->error_count};
    read_file(&reading, path);
    read_more_files(&reading, path);
    read_registrations(&reading);
    /* Half a tree would give problems that are none. */
    if (reading.is_whole) {
        file->config = build(file, &reading);
    }
    reading_fini(&reading);
    problem_list_sort(problems);
    if (file->config == NULL) {
        config_file_close(file);
        return STATUS_INVALID;
    }
    *out = file;
    return STATUS_OK;
}

/* --- the address alone ---------------------------------------------------------------------- */

#define LISTEN_DEFAULT "127.0.0.1:9475"

static void read_address(struct reading *reading, const struct node *http, struct http_address *out)
{
    const struct node *listen = node_member(http, "listen");
    const char *text = listen != NULL && listen->kind == NODE_SCALAR ? listen->text : NULL;
    text = text != NULL ? text : LISTEN_DEFAULT;
    out->listen = strcmp(text, "off") == 0 ? NULL : alloc_text(text);
    const struct node *token = node_member(http, "token");
    const struct node *token_file = node_member(http, "token_file");
    if (token != NULL && token->kind == NODE_SCALAR) {
        out->token = secret_create(span_of(token->text));
    } else if (token_file != NULL && token_file->kind == NODE_SCALAR) {
        struct text line;
        struct failure why;
        text_init(&line, SECRET_BYTES_MAX);
        if (file_read_secret(token_file->text, &line, &why) == STATUS_OK) {
            out->token = secret_create(text_span(&line));
        } else {
            problem_add(reading->problems, token_file, "http.token_file", "%s", why.detail);
        }
        if (line.data != NULL) {
            explicit_bzero(line.data, line.capacity);
        }
        text_fini(&line);
    }
}

enum status config_file_address(const char *path, struct problem_list *problems,
                                struct http_address *out)
{
    struct reading reading = {.arena = arena_create(),
                              .is_whole = true,
                              .problems = problems,
                              .errors_before = problems->error_count};
    *out = (struct http_address){.listen = NULL};
    read_file(&reading, path);
    read_more_files(&reading, path);
    if (reading.is_whole) {
        const struct node *http = node_member(reading.tree, "http");
        static const struct node none = {.kind = NODE_MAP};
        http = http != NULL ? config_tree_expand(reading.arena, http, problems) : &none;
        read_address(&reading, http, out);
    }
    bool is_good = reading.is_whole && problems->error_count == reading.errors_before;
    reading_fini(&reading);
    return is_good ? STATUS_OK : STATUS_INVALID;
}

void http_address_fini(struct http_address *address)
{
    free(address->listen);
    secret_destroy(address->token);
}

const struct config *config_file_config(const struct config_file *file)
{
    return file->config;
}

void config_file_close(struct config_file *file)
{
    if (file == NULL) {
        return;
    }
    config_destroy(file->config);
    for (size_t i = 0; i < file->zone_count; i++) {
        zone_destroy(file->zones[i]);
    }
    for (size_t i = 0; i < file->profile_count; i++) {
        free(file->profiles[i].name);
        profile_destroy(file->profiles[i].profile);
    }
    for (size_t i = 0; i < file->secret_count; i++) {
        secret_destroy(file->secrets[i]);
    }
    free(file->zones);
    free(file->profiles);
    free(file->secrets);
    free(file);
}
