/* The last sections of a digest: appointments to come, orders overdue, how recent the data is. */
#ifndef CORE_MESSAGE_OUTLOOK_H
#define CORE_MESSAGE_OUTLOOK_H

#include "core/outlook.h"
#include "message_sheet.h"

void sheet_write_outlook(struct sheet *sheet, const struct telling *telling,
                         const struct outlook *outlook);

#endif
