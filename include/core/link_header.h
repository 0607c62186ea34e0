/* The next page as a Link header tells it (RFC 8288), resolved and kept to its origin. */
#ifndef CORE_LINK_HEADER_H
#define CORE_LINK_HEADER_H

#include "core/text.h"

/* Appends the absolute address of rel="next". STATUS_NOT_FOUND: there is none; STATUS_INVALID: it
 * leads to another host or scheme than base_url, where credentials do not belong, or the header is
 * broken. */
enum status link_header_add_next(const char *link, const char *base_url, const char *page_url,
                                 struct text *out, struct failure *why) MUST_CHECK;

#endif
