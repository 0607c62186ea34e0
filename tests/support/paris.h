/* The zone of most orders, by its rule alone: the same on every machine. The caller destroys it. */
#ifndef SUPPORT_PARIS_H
#define SUPPORT_PARIS_H

#include "core/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static inline struct zone *paris(void)
{
    struct zone *zone = NULL;
    struct failure why;
    assert_int_equal(zone_from_rule("Europe/Paris", "CET-1CEST,M3.5.0,M10.5.0/3", &zone, &why),
                     STATUS_OK);
    return zone;
}

#endif
