/* Time zones from TZif bytes (RFC 8536); the reading of the file is the edge's. */
#ifndef CORE_ZONE_H
#define CORE_ZONE_H

#include "core/base.h"

struct zone; /* immutable */

enum status zone_from_tzif(const char *name, struct span bytes, struct zone **out,
                           struct failure *why) MUST_CHECK;
/* Without a file: rule is a POSIX TZ text such as CET-1CEST,M3.5.0,M10.5.0/3. */
enum status zone_from_rule(const char *name, const char *rule, struct zone **out,
                           struct failure *why) MUST_CHECK;
const struct zone *zone_utc(void); /* static; never destroyed */
void zone_destroy(struct zone *zone);
const char *zone_name(const struct zone *zone); /* IANA name */

struct zone_moment {
    int32_t offset_s; /* east of UTC is positive */
    bool is_dst;
    char abbreviation[8]; /* CET, CEST, +03 */
};

struct zone_moment zone_at(const struct zone *zone, int64_t utc_ms);
/* The instant of a local wall time given as if it were UTC. In a gap: the time after the gap, moved
 * by the gap's length; in an overlap: the earlier instant. */
int64_t zone_to_utc(const struct zone *zone, int64_t local_ms);

#endif
