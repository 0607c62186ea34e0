#include "core/text.h"
#include "core/zone.h"

#include "edge/config_file.h"
#include "edge/file_read.h"

#define ZONE_FOLDER "/usr/share/zoneinfo"
#define ZONE_NAME_MAX 64
#define ZONE_BYTES_MAX 65536

static bool is_name_byte(char byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '+' || byte == '-' || byte == '/';
}

/* Names come from configuration; without dots none leads out of the folder. */
static bool is_name(struct span name)
{
    if (name.size == 0 || name.size > ZONE_NAME_MAX || name.data[0] == '/' ||
        name.data[name.size - 1] == '/') {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        if (!is_name_byte(name.data[i])) {
            return false;
        }
    }
    return true;
}

static enum status load_file(const char *name, struct zone **out, struct failure *why)
{
    struct text path;
    text_init(&path, sizeof ZONE_FOLDER + ZONE_NAME_MAX);
    text_addf(&path, "%s/%s", ZONE_FOLDER, name);
    struct text bytes;
    text_init(&bytes, ZONE_BYTES_MAX);
    struct failure reason = {0};
    enum status status = file_read(text_cstr(&path), &bytes, &reason);
    if (status == STATUS_OK) {
        status = zone_from_tzif(name, text_span(&bytes), out, why);
    } else {
        status = fail(why, STATUS_NOT_FOUND,
                      "time zone %s is not known here; accepted: an IANA name such as Europe/Paris "
                      "(package tzdata)",
                      name);
    }
    text_fini(&bytes);
    text_fini(&path);
    return status;
}

enum status zone_load(const char *name, struct zone **out, struct failure *why)
{
    if (text_equal(name, "UTC")) {
        return zone_from_rule(name, "UTC0", out, why); /* even where there is no tzdata */
    }
    if (!is_name(span_of(name))) {
        return fail(why, STATUS_NOT_FOUND,
                    "\"%.80s\" is not the name of a time zone; accepted: an IANA name such as "
                    "Europe/Paris",
                    name);
    }
    return load_file(name, out, why);
}
