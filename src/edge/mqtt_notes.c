#include "mqtt_notes.h"

#include "core/utf8.h"
#include "mqtt_reason.h"
#include "mqtt_result.h"
#include "mqtt_setup.h"

#include <mosquitto.h>
#include <mqtt_protocol.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_reason_string(const struct mqtt5__property *properties, struct text *out)
{
    char *words = NULL;
    if (properties == NULL || mosquitto_property_read_string(properties, MQTT_PROP_REASON_STRING,
                                                             &words, false) == NULL) {
        return;
    }
    text_add_text(out, ": ");
    utf8_add_clean_line(out, span_of(words), BROKER_WORDS_MAX);
    free(words);
}

static void keep_reason_string(struct mqtt_notes *notes, const struct mqtt5__property *properties)
{
    struct text words;
    text_init(&words, 2048);
    add_reason_string(properties, &words);
    (void)snprintf(notes->broker_words, sizeof notes->broker_words, "%s", text_cstr(&words));
    text_fini(&words);
}

void mqtt_notes_connack(struct mqtt_notes *notes, int code,
                        const struct mqtt5__property *properties)
{
    notes->has_connack = true;
    notes->connack_code = code;
    notes->log_lines[0] = '\0';
    keep_reason_string(notes, properties);
}

void mqtt_notes_disconnect(struct mqtt_notes *notes, int code,
                           const struct mqtt5__property *properties)
{
    if (!mqtt_reason_is_refusal(notes->disconnect_code)) {
        notes->disconnect_code = code;
        keep_reason_string(notes, properties);
    }
}

void mqtt_notes_log(struct mqtt_notes *notes, int level, const char *line)
{
    size_t size = strlen(notes->log_lines);
    if (level == MOSQ_LOG_ERR || level == MOSQ_LOG_WARNING) {
        (void)snprintf(notes->log_lines + size, sizeof notes->log_lines - size, "%s%s",
                       size != 0 ? "; " : "", line);
    }
}

static void add_code(const char *what, int code, const struct mqtt_notes *notes, struct text *out)
{
    text_addf(out, "%s: %s (0x%02x)%s", what, mqtt_reason_words(code), (unsigned)code,
              notes->broker_words);
}

void mqtt_notes_add_words(const struct mqtt_notes *notes, int result, int error, struct text *out)
{
    if (notes->has_connack && notes->connack_code != 0) {
        add_code("refused", notes->connack_code, notes, out);
        return;
    }
    if (mqtt_reason_is_refusal(notes->disconnect_code)) {
        add_code("closed by the broker", notes->disconnect_code, notes, out);
        return;
    }
    mqtt_result_add_words(out, result, error);
    if (notes->log_lines[0] != '\0') {
        text_add_text(out, ": ");
        utf8_add_clean_line(out, span_of(notes->log_lines), sizeof notes->log_lines);
    }
}

static void add_remedy_of(int code, struct text *out)
{
    const char *remedy = mqtt_reason_remedy(code);
    if (remedy != NULL) {
        text_addf(out, "; %s", remedy);
    }
}

void mqtt_notes_add_remedy(const struct mqtt_notes *notes, const struct mqtt_broker *broker,
                           struct text *out)
{
    if (!notes->has_connack) {
        text_add_text(out, broker->is_tls ? "; " MQTT_TLS_REMEDY : "; " MQTT_REACH_REMEDY);
    } else {
        bool is_refused = notes->connack_code != 0;
        add_remedy_of(is_refused ? notes->connack_code : notes->disconnect_code, out);
    }
}

void mqtt_notes_add_puback(int code, const struct mqtt5__property *properties, struct text *out)
{
    text_addf(out, "PUBACK 0x%02x: %s", (unsigned)code, mqtt_reason_words(code));
    add_reason_string(properties, out);
    add_remedy_of(code, out);
}
