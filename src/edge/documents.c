#include "edge/documents.h"

#include "core/hash.h"
#include "core/log.h"
#include "edge/config_file.h"
#include "edge/file_read.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define DOCUMENT_BYTES_MAX ((size_t)1 << 20)

/* Nothing but its own files, and no text becomes markup: it has no business with more. */
#define PAGE_POLICY                                                                                \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "                    \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "            \
    "require-trusted-types-for 'script'; trusted-types 'none'"

struct source_file {
    const char *path, *file, *content_type;
};

#define HTML "text/html; charset=utf-8"
#define STYLE "text/css; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"

static const struct source_file files[] = {
    {"/api/v1/openapi.json", "openapi.json", "application/json"},
    {"/", "page/index.html", HTML},
    {"/page/page.css", "page/page.css", STYLE},
    {"/page/icon.svg", "page/icon.svg", "image/svg+xml"},
    {"/page/main.js", "page/main.js", SCRIPT},
    {"/page/api.js", "page/api.js", SCRIPT},
    {"/page/stream.js", "page/stream.js", SCRIPT},
    {"/page/dom.js", "page/dom.js", SCRIPT},
    {"/page/words.js", "page/words.js", SCRIPT},
    {"/page/words_en.js", "page/words_en.js", SCRIPT},
    {"/page/words_fr.js", "page/words_fr.js", SCRIPT},
    {"/page/times.js", "page/times.js", SCRIPT},
    {"/page/tell.js", "page/tell.js", SCRIPT},
    {"/page/overview.js", "page/overview.js", SCRIPT},
    {"/page/orders.js", "page/orders.js", SCRIPT},
    {"/page/order.js", "page/order.js", SCRIPT},
    {"/page/slip.js", "page/slip.js", SCRIPT},
    {"/page/calendar.js", "page/calendar.js", SCRIPT},
    {"/page/events.js", "page/events.js", SCRIPT},
    {"/page/deliveries.js", "page/deliveries.js", SCRIPT},
    {"/page/silences.js", "page/silences.js", SCRIPT},
};

struct documents {
    struct text bodies[ARRAY_COUNT(files)];
    char etags[ARRAY_COUNT(files)][40];
    struct surface_document list[ARRAY_COUNT(files)];
    size_t count;
};

static void load(struct documents *documents, const struct source_file *file)
{
    struct text path;
    struct failure why;
    struct text *body = &documents->bodies[documents->count];
    text_init(&path, PATH_MAX);
    text_init(body, DOCUMENT_BYTES_MAX);
    text_addf(&path, "%s/%s", share_folder(), file->file);
    if (file_read(text_cstr(&path), body, &why) != STATUS_OK) {
        LOG_WARN("document_missing", log_text("path", text_cstr(&path)),
                 log_text("reason", why.detail));
        text_fini(body);
    } else {
        char hash[33];
        char *etag = documents->etags[documents->count];
        hash128_hex(text_span(body), hash);
        (void)snprintf(etag, sizeof documents->etags[0], "\"%s\"", hash);
        bool is_page = file->content_type[0] != 'a';
        documents->list[documents->count++] =
            (struct surface_document){.path = file->path,
                                      .content_type = file->content_type,
                                      .security_policy = is_page ? PAGE_POLICY : NULL,
                                      .etag = etag,
                                      .is_public = is_page,
                                      .body = text_span(body)};
    }
    text_fini(&path);
}

struct documents *documents_load(void)
{
    struct documents *documents = alloc(sizeof *documents);
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        load(documents, &files[i]);
    }
    return documents;
}

const struct surface_document *documents_list(const struct documents *documents, size_t *count)
{
    *count = documents->count;
    return documents->list;
}

void documents_destroy(struct documents *documents)
{
    if (documents == NULL) {
        return;
    }
    for (size_t i = 0; i < documents->count; i++) {
        text_fini(&documents->bodies[i]);
    }
    free(documents);
}
