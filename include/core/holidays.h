/* Business days: weekends, the French public holidays, and those that a source adds. */
#ifndef CORE_HOLIDAYS_H
#define CORE_HOLIDAYS_H

#include "core/date.h"

/* Days are counted from 1970-01-01, as date_day_number does. */
bool holidays_is_french(int64_t day);
bool holidays_is_business_day(int64_t day, const struct date *others, size_t other_count);

/* Business days after from up to and including to; negative when to is earlier. False: the days
 * are further apart than anybody counts. */
bool holidays_business_days(int64_t from, int64_t to, const struct date *others, size_t other_count,
                            int64_t *out);

#endif
