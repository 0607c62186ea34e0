/* What every and budget of a source say together. */
#include "core/config_shape.h"

#include "core/arena.h"
#include "core/pace.h"
#include "core/text.h"

#define WORDS_BYTES_MAX 512

void config_check_pace(struct walker *walker, const struct node *map, struct source_config *source)
{
    const struct node *every = node_member(map, "every");
    const struct node *where = every != NULL ? every : map;
    size_t path_size = walker_enter(walker, "every");
    source->every_place = arena_format(walker->arena, "%s:%d:%d: %s", where->file, where->line,
                                       where->column, walker->path);
    bool is_read = source->profile != NULL && source->every_ms != 0 && source->budget.count != 0;
    struct pace pace = {.is_kept = true};
    if (is_read) {
        pace = pace_of(source, PACE_ORDERS_UNKNOWN);
    }
    if (!pace.is_kept) {
        struct text words;
        text_init(&words, WORDS_BYTES_MAX);
        pace_add_words(&pace, source, &words);
        problem_warn(walker->problems, where, walker->path, "%s", text_cstr(&words));
        text_fini(&words);
    }
    walker_leave(walker, path_size);
}
