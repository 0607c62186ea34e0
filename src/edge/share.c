#include "edge/share.h"

#include "core/suggest.h"
#include "edge/config_file.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has_profiles(const char *folder)
{
    char path[PATH_MAX];
    int size = snprintf(path, sizeof path, "%s/profiles", folder);
    return size > 0 && (size_t)size < sizeof path && access(path, R_OK) == 0;
}

/* An installed tree may have been moved as a whole (DESTDIR, an image), so what is beside the
 * executable comes before what was compiled in. Else it is in build/MODE/ or build/ of a source
 * tree. */
static bool find_beside_executable(char out[static PATH_MAX])
{
    static const char *const places[] = {"../share/orderwatch", "../../conf", "../conf"};
    char executable[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", executable, sizeof executable - 1);
    if (size <= 0) {
        return false;
    }
    executable[size] = '\0';
    char *slash = strrchr(executable, '/');
    if (slash == NULL) {
        return false;
    }
    *slash = '\0';
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        char path[PATH_MAX + 32];
        (void)snprintf(path, sizeof path, "%s/%s", executable, places[i]);
        if (has_profiles(path) && realpath(path, out) != NULL) {
            return true;
        }
    }
    return false;
}

const char *share_folder(void)
{
    static char found[PATH_MAX]; /* looked for once: the answer must outlive every caller */
    const char *wanted = secure_getenv("ORDERWATCH_SHARE");
    if (wanted != NULL && wanted[0] != '\0') {
        return wanted;
    }
    if (found[0] == '\0' && !find_beside_executable(found)) {
        (void)snprintf(found, sizeof found, "%s", ORDERWATCH_SHARE);
    }
    return found;
}

void share_path(const char *folder, const char *name, const char *suffix, struct text *out)
{
    if (strchr(name, '/') != NULL) {
        text_add_text(out, name);
    } else {
        text_addf(out, "%s/%s/%s%s", share_folder(), folder, name, suffix);
    }
}

static int compare_names(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name); /* in no locale's order */
}

static bool is_wanted(const char *name, const char *suffix)
{
    size_t size = strlen(name);
    size_t suffix_size = strlen(suffix);
    return name[0] != '.' && size > suffix_size && strcmp(name + size - suffix_size, suffix) == 0;
}

char **share_list(const char *folder, const char *suffix, size_t *count)
{
    struct dirent **entries = NULL;
    int entry_count = scandir(folder, &entries, NULL, compare_names);
    *count = 0;
    if (entry_count < 0) {
        return NULL;
    }
    char **names = alloc_array((size_t)entry_count, sizeof(char *));
    for (int i = 0; i < entry_count; i++) {
        if (is_wanted(entries[i]->d_name, suffix)) {
            names[(*count)++] = alloc_text(entries[i]->d_name);
        }
        free(entries[i]);
    }
    free(entries);
    return names;
}

void share_free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
}

void share_add_choices(const char *folder, const char *suffix, const char *builtin,
                       const char *wrong, struct text *out)
{
    char path[PATH_MAX];
    size_t count = 0;
    (void)snprintf(path, sizeof path, "%s/%s", share_folder(), folder);
    char **names = share_list(path, suffix, &count);
    struct suggestion suggestion = suggest_begin(wrong);
    struct text accepted;
    text_init(&accepted, PATH_MAX);
    if (builtin != NULL) {
        suggest_offer(&suggestion, builtin);
        text_addf(&accepted, "%s, ", builtin);
    }
    for (size_t i = 0; i < count; i++) {
        names[i][strlen(names[i]) - strlen(suffix)] = '\0';
        if (text_equal(names[i], builtin)) {
            continue;
        }
        suggest_offer(&suggestion, names[i]);
        text_addf(&accepted, "%s, ", names[i]);
    }
    text_add_text(out, "; ");
    if (suggestion.best != NULL) {
        text_addf(out, "did you mean %s? ", suggestion.best);
    }
    text_addf(out, "accepted: %sor the path of a file such as ./my%s", text_cstr(&accepted),
              suffix);
    text_fini(&accepted);
    share_free_names(names, count);
}
