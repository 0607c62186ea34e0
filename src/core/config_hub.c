/* The keys of the hub for TM Forum's consumers. */
#include "core/config_shape.h"

#include "core/text.h"

#include <string.h>

static const char *callback_fault(const char *text)
{
    return text[0] == '\0' || strpbrk(text, "/:@ ") != NULL ? "not the name of a host" : NULL;
}

static const char *folder_fault(const char *text)
{
    return text[0] == '/' ? NULL : "not an absolute path";
}

static const struct key hub_keys[] = {
    {.name = "token",
     .kind = KEY_SECRET,
     .offset = offsetof(struct hub_config, token),
     .is_required = true,
     .accepted = "what consumers give as Authorization: Bearer TOKEN"},
    {.name = "callbacks",
     .kind = KEY_TEXTS,
     .offset = offsetof(struct hub_config, callbacks),
     .count_offset = offsetof(struct hub_config, callback_count),
     .is_required = true,
     .min = 1,
     .max = CONFIG_LIST_MAX,
     .fault = callback_fault,
     .accepted = "hosts that may be called, such as listener.example.com or *.example.com"},
    {.name = "folder",
     .kind = KEY_TEXT,
     .offset = offsetof(struct hub_config, folder),
     .initial = HUB_FOLDER,
     .fault = folder_fault,
     .accepted = "the absolute path of a folder for the registrations, the daemon's own"},
    {.name = "allow_private",
     .kind = KEY_SWITCH,
     .offset = offsetof(struct hub_config, allow_private),
     .initial = "off"},
};

const struct shape hub_shape = {
    .keys = hub_keys, .count = ARRAY_COUNT(hub_keys), .size = sizeof(struct hub_config)};
