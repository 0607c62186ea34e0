/* The bug "what a short page lacks is gone": linked over pager_trust for `make sim-planted`. */
#include "core/pager.h"

enum pager_trust __wrap_pager_trust(const struct pager *pager);

enum pager_trust __wrap_pager_trust(const struct pager *pager)
{
    (void)pager;
    return PAGER_PROVEN;
}
