#include "core/json_write.h"

static void begin(struct json_writer *writer, const char *name)
{
    if (writer->needs_comma) {
        text_add_char(writer->out, ',');
    }
    writer->needs_comma = true;
    if (name != NULL) {
        text_add_json_text(writer->out, name);
        text_add_char(writer->out, ':');
    }
}

void json_write_open(struct json_writer *writer, const char *name, char bracket)
{
    CHECK(bracket == '{' || bracket == '[');
    begin(writer, name);
    text_add_char(writer->out, bracket);
    writer->needs_comma = false;
}

void json_write_close(struct json_writer *writer, char bracket)
{
    CHECK(bracket == '}' || bracket == ']');
    text_add_char(writer->out, bracket);
    writer->needs_comma = true;
}

void json_write_text(struct json_writer *writer, const char *name, const char *value)
{
    if (value == NULL) {
        return;
    }
    begin(writer, name);
    text_add_json_text(writer->out, value);
}

void json_write_integer(struct json_writer *writer, const char *name, int64_t value)
{
    begin(writer, name);
    text_add_number(writer->out, value, 1);
}

void json_write_true(struct json_writer *writer, const char *name, bool value)
{
    if (value) {
        json_write_raw(writer, name, span_of("true"));
    }
}

void json_write_raw(struct json_writer *writer, const char *name, struct span json)
{
    if (json.size == 0) {
        return;
    }
    begin(writer, name);
    text_add(writer->out, json);
}

void json_write_members(struct json_writer *writer, struct span members)
{
    json_write_raw(writer, NULL, members);
}
