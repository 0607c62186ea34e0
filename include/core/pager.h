/* The pages of one reading of a collection: which to ask for next, and the proof that it was all.
 */
#ifndef CORE_PAGER_H
#define CORE_PAGER_H

#include "core/profile.h"
#include "core/text.h"

#define PAGER_URL_MAX 16384
#define PAGE_TOTAL_NONE (-1)

struct pager_limits {
    uint32_t page_size; /* elements asked for in a page */
    uint32_t page_count_max;
    uint32_t element_count_max;
    bool ignores_total; /* this API's totals have been found unreliable */
    bool is_resized;    /* another size was tried already */
};

/* What a page was like, once all its elements have been looked at. */
struct page_facts {
    uint64_t fingerprint;    /* of the body */
    uint64_t id_sum;         /* of its elements' ids' hashes */
    size_t element_count;    /* on this page, counted by us */
    size_t repeated_count;   /* of them, those already seen in this reading */
    size_t unreadable_count; /* of them, those of which that cannot be said */
    int64_t total;           /* as the API says; PAGE_TOTAL_NONE: it says nothing */
    const char *link;        /* the Link header; NULL: none */
    struct span cursor;      /* PAGING_CURSOR: the next one; empty: none */
};

enum pager_verdict {
    PAGER_MORE,   /* ask for the next page */
    PAGER_END,    /* all pages were read; pager_trust tells what that proves */
    PAGER_RESIZE, /* a page was there already: ask again for pages of another size */
    PAGER_BROKEN, /* endless, looping or over a limit: nothing can be concluded */
};

enum pager_trust {
    PAGER_PROVEN,       /* the whole list, as it stands */
    PAGER_SHIFTED,      /* elements came twice: the list moved while it was read */
    PAGER_CONTRADICTED, /* the API's total is another number than the elements there are */
};

struct pager {
    const struct collection *collection;
    const char *base_url;
    struct pager_limits limits;
    struct text next_url;    /* PAGING_LINK: as told; empty: the first page */
    struct text next_cursor; /* PAGING_CURSOR; empty: the first page */
    uint64_t last_fingerprint;
    uint32_t page_count;
    uint64_t element_count, repeated_count;
    int64_t total;        /* the latest one given */
    bool is_total_moving; /* it differed between pages */
    bool has_full_page;   /* a page had exactly page_size elements: the limit is obeyed */
    uint64_t id_sum;      /* of all pages: readings of the same elements have the same */
};

void pager_init(struct pager *pager, const struct collection *collection, const char *base_url,
                const struct pager_limits *limits);
void pager_fini(struct pager *pager);
void pager_restart(struct pager *pager); /* from the first page, nothing seen */
/* What to ask for instead of page_size when a list is as long as a page: smaller, where it can be.
 * A server that pages by position would obey. */
uint32_t pager_other_size(uint32_t page_size);

/* STATUS_TOO_LARGE: the address grew past PAGER_URL_MAX. */
enum status pager_add_url(const struct pager *pager, struct text *out,
                          struct failure *why) MUST_CHECK;
/* Takes note of a page that was read to its end. PAGER_BROKEN fills why. */
enum pager_verdict pager_take(struct pager *pager, const struct page_facts *facts,
                              struct failure *why) MUST_CHECK;
/* An error instead of the next page may be how the server says that there is none: all pages were
 * full. Pages of another size tell, since the last one is short then. */
bool pager_is_undecided(const struct pager *pager);
enum pager_trust pager_trust(const struct pager *pager); /* after PAGER_END */
uint64_t pager_distinct_count(const struct pager *pager);

#endif
