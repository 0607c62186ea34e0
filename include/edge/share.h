/* Shipped data: which profiles and formats there are. */
#ifndef EDGE_SHARE_H
#define EDGE_SHARE_H

#include "core/text.h"

/* The path of share_folder()/FOLDER/NAME.SUFFIX; what has a slash in it is a path already. */
void share_path(const char *folder, const char *name, const char *suffix, struct text *out);
/* "; did you mean a? accepted: BUILTIN, a, b, or the path of a file" for a message: the names in
 * share_folder()/FOLDER with this suffix. builtin: one without a file, or NULL. */
void share_add_choices(const char *folder, const char *suffix, const char *builtin,
                       const char *wrong, struct text *out);

/* Sorted names of the files in folder that end with suffix and do not begin with a dot; free with
 * share_free_names. NULL: the folder cannot be read, errno says why. */
char **share_list(const char *folder, const char *suffix, size_t *count);
void share_free_names(char **names, size_t count);

#endif
