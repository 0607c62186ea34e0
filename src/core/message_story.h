/* An event read back as its sink may see it: its title and its headline. */
#ifndef CORE_MESSAGE_STORY_H
#define CORE_MESSAGE_STORY_H

#include "core/json.h"
#include "message_telling.h"

/* An event as its sink may see it. The nodes live while root does. */
struct story {
    const struct event *event;
    struct json *root;
    const struct json *data, *order, *appointment, *changes;
};

enum status story_open(const struct telling *telling, const struct event *event, struct story *out,
                       struct failure *why) MUST_CHECK;
void story_close(struct story *story);
/* Order 123456 (Lyon Part-Dieu); Source orange. */
const char *story_title(const struct telling *telling, const struct story *story);
/* appointment moved +5 d, Mon 12 Jan 09:00 to Sat 17 Jan 09:00 */
const char *story_headline(const struct telling *telling, const struct story *story);

#endif
