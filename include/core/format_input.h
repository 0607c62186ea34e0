/* What a webhook format is given: the event, and the context that it names with $ticket, $settings
 * and $sink. */
#ifndef CORE_FORMAT_INPUT_H
#define CORE_FORMAT_INPUT_H

#include "core/config.h"
#include "core/ticket.h"

void format_input_add(struct text *out, struct span event_json, const struct sink_config *sink,
                      const struct ticket *ticket);

#endif
