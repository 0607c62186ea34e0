#include "edge/unicode.h"

#include "core/text.h"

#include <glib.h>

#include <string.h>

static bool is_ascii(struct span bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        if ((unsigned char)bytes.data[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

/* GLib gives NULL for what is not UTF-8 and would stop at a NUL; the core hands in neither, but
 * nothing may be lost should it ever do. */
static void normalize(struct span bytes, struct text *out)
{
    char *normal = is_ascii(bytes) || memchr(bytes.data, '\0', bytes.size) != NULL
                       ? NULL
                       : g_utf8_normalize(bytes.data, (gssize)bytes.size, G_NORMALIZE_NFC);
    text_add(out, normal != NULL ? span_of(normal) : bytes);
    g_free(normal);
}

struct unicode_port unicode_port(void)
{
    return (struct unicode_port){.normalize = normalize};
}
