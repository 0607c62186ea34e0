#include "core/format_input.h"

#include "core/json_write.h"

void format_input_add(struct text *out, struct span event_json, const struct sink_config *sink,
                      const struct ticket *ticket)
{
    const struct webhook_config *webhook = &sink->webhook;
    struct json_writer writer = {.out = out};
    json_write_open(&writer, NULL, '{');
    json_write_raw(&writer, "event", event_json);
    json_write_open(&writer, "context", '{');
    json_write_open(&writer, "ticket", '{');
    json_write_text(&writer, "key", ticket->key);
    json_write_text(&writer, "condition", ticket->condition);
    json_write_text(&writer, "action", ticket_action_name(ticket->action));
    json_write_text(&writer, "id", ticket->id);
    json_write_close(&writer, '}');
    json_write_open(&writer, "settings", '{');
    for (size_t i = 0; i < webhook->setting_count; i++) {
        json_write_text(&writer, webhook->settings[i].name, webhook->settings[i].value);
    }
    json_write_close(&writer, '}');
    json_write_text(&writer, "sink", sink->name);
    json_write_close(&writer, '}');
    json_write_close(&writer, '}');
}
