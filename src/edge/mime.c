#include "edge/mime.h"

#include "core/base64.h"
#include "core/utf8.h"

#include <gmime/gmime.h>

#include <string.h>

#define MESSAGE_BYTES_MAX ((size_t)24 << 20)
#define HEADER_BYTES_MAX 16384
#define SUBJECT_BYTES_MAX 900
#define ENCODED_BYTES_MAX 45 /* of an encoded word, so that it has at most 75 characters */
#define LINE_BYTES_MAX 998   /* without its CR LF */

/* --- mailboxes ------------------------------------------------------------------------------ */

static bool is_atom_char(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') ||
           (byte != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", byte) != NULL);
}

static bool is_label_char(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
}

/* Words of allowed characters with single dots between them. */
static bool is_dotted(struct span text, bool (*is_allowed)(char))
{
    bool is_after_dot = true;
    for (size_t i = 0; i < text.size; i++) {
        bool is_dot = text.data[i] == '.';
        if (is_dot ? is_after_dot : !is_allowed(text.data[i])) {
            return false;
        }
        is_after_dot = is_dot;
    }
    return !is_after_dot;
}

/* Quoted local parts and address literals are legal mail, but nobody's: they stay out of the
 * envelope. */
static bool is_address(const char *address)
{
    const char *at = strrchr(address, '@');
    if (at == NULL || strlen(address) > 254 || at - address > 64) {
        return false;
    }
    struct span local = {.data = address, .size = (size_t)(at - address)};
    return is_dotted(local, is_atom_char) && is_dotted(span_of(at + 1), is_label_char);
}

static bool is_clean(const char *text)
{
    for (const unsigned char *byte = (const unsigned char *)text; *byte != '\0'; byte++) {
        if (*byte < 0x20 || *byte == 0x7f) {
            return false;
        }
    }
    return utf8_is_valid(span_of(text));
}

static InternetAddressMailbox *parse_mailbox(const char *mailbox, InternetAddressList **list)
{
    g_mime_init();
    GMimeParserOptions *options = g_mime_parser_options_new();
    g_mime_parser_options_set_address_compliance_mode(options, GMIME_RFC_COMPLIANCE_STRICT);
    *list = internet_address_list_parse(options, mailbox);
    g_mime_parser_options_free(options);
    if (*list == NULL || internet_address_list_length(*list) != 1) {
        return NULL;
    }
    InternetAddress *only = internet_address_list_get_address(*list, 0);
    return INTERNET_ADDRESS_IS_MAILBOX(only) ? INTERNET_ADDRESS_MAILBOX(only) : NULL;
}

enum status mime_check_mailbox(const char *mailbox, struct text *address, struct failure *why)
{
    if (!is_clean(mailbox)) {
        return fail(why, STATUS_INVALID,
                    "mail address: control characters or bytes that are no "
                    "UTF-8; write Name <name@example.com>");
    }
    InternetAddressList *list = NULL;
    InternetAddressMailbox *parsed = parse_mailbox(mailbox, &list);
    const char *bare = parsed != NULL ? internet_address_mailbox_get_addr(parsed) : NULL;
    enum status status = STATUS_OK;
    if (bare == NULL || !is_address(bare)) {
        status = fail(why, STATUS_INVALID,
                      "mail address '%s': is not one address; write name@example.com or "
                      "Name <name@example.com>",
                      mailbox);
    } else {
        text_add_text(address, bare);
    }
    if (list != NULL) {
        g_object_unref(list);
    }
    return status;
}

static enum status add_mailbox(GMimeMessage *mail, GMimeAddressType type, const char *mailbox,
                               struct failure *why)
{
    struct text address;
    text_init(&address, 256);
    enum status status = mime_check_mailbox(mailbox, &address, why);
    text_fini(&address);
    if (status != STATUS_OK) {
        return status;
    }
    InternetAddressList *list = NULL;
    InternetAddressMailbox *parsed = parse_mailbox(mailbox, &list);
    CHECK(parsed != NULL);
    g_mime_message_add_mailbox(mail, type, internet_address_get_name(INTERNET_ADDRESS(parsed)),
                               internet_address_mailbox_get_addr(parsed));
    g_object_unref(list);
    return STATUS_OK;
}

/* --- headers -------------------------------------------------------------------------------- */

static void set_header(GMimeMessage *mail, const char *name, const char *value)
{
    struct text clean;
    text_init(&clean, HEADER_BYTES_MAX);
    utf8_add_clean_line(&clean, span_of(value), HEADER_BYTES_MAX - 8);
    g_mime_object_set_header(GMIME_OBJECT(mail), name, text_cstr(&clean), "utf-8");
    text_fini(&clean);
}

/* Encoded words of RFC 2047 over all of the text, cut between characters. */
static void add_encoded(struct text *out, struct span text)
{
    for (size_t start = 0; start < text.size;) {
        size_t end = start;
        for (size_t next = start; next < text.size && next - start <= ENCODED_BYTES_MAX - 4;) {
            (void)utf8_next(text, &next);
            end = next;
        }
        text_add_text(out, start == 0 ? "=?utf-8?B?" : " =?utf-8?B?");
        base64_add(out, (struct span){.data = text.data + start, .size = end - start});
        text_add_text(out, "?=");
        start = end;
    }
}

/* GMime leaves =?…?= in a text as it is, and a reader would decode it: such a text is encoded as a
 * whole. */
static void set_subject(GMimeMessage *mail, const char *subject)
{
    struct text clean;
    struct text encoded;
    text_init(&clean, HEADER_BYTES_MAX);
    text_init(&encoded, HEADER_BYTES_MAX);
    utf8_add_clean_line(&clean, span_of(subject), SUBJECT_BYTES_MAX);
    if (strstr(text_cstr(&clean), "=?") != NULL) {
        add_encoded(&encoded, text_span(&clean));
    } else {
        text_add(&encoded, text_span(&clean));
    }
    g_mime_message_set_subject(mail, text_cstr(&encoded), "utf-8");
    text_fini(&clean);
    text_fini(&encoded);
}

static void set_identity(GMimeMessage *mail, const struct mime_facts *facts)
{
    const struct message *message = facts->message;
    struct text value;
    text_init(&value, HEADER_BYTES_MAX);
    g_mime_message_set_message_id(mail, text_cstr(&message->message_id));
    text_addf(&value, "<%s>", text_cstr(&message->root_id));
    set_header(mail, "In-Reply-To", text_cstr(&value));
    set_header(mail, "References", text_cstr(&value));
    text_clear(&value);
    text_addf(&value, "<%s.orderwatch.%s>", facts->sink->name, facts->sink->email.host);
    set_header(mail, "List-Id", text_cstr(&value));
    text_fini(&value);
    set_header(mail, "X-Orderwatch-Event", text_cstr(&message->event_ids));
    set_header(mail, "Auto-Submitted", "auto-generated");
    set_header(mail, "X-Auto-Response-Suppress", "All");
    if (message->is_critical) {
        set_header(mail, "Importance", "high");
    }
}

static enum status set_headers(GMimeMessage *mail, const struct mime_facts *facts,
                               struct failure *why)
{
    const struct email_config *email = &facts->sink->email;
    enum status status = add_mailbox(mail, GMIME_ADDRESS_TYPE_FROM, email->from, why);
    for (size_t i = 0; i < email->to_count && status == STATUS_OK; i++) {
        status = add_mailbox(mail, GMIME_ADDRESS_TYPE_TO, email->to[i], why);
    }
    if (status != STATUS_OK) {
        return status;
    }
    set_subject(mail, text_cstr(&facts->message->subject));
    GDateTime *date = g_date_time_new_from_unix_utc(facts->date_wall_ms / 1000);
    g_mime_message_set_date(mail, date);
    g_date_time_unref(date);
    set_identity(mail, facts);
    return STATUS_OK;
}

/* --- bodies --------------------------------------------------------------------------------- */

/* LF to CRLF. */
static void end_lines(struct text *text)
{
    struct text lines;
    text_init(&lines, MESSAGE_BYTES_MAX);
    for (size_t i = 0; i < text->size; i++) {
        text_add_text(&lines, text->data[i] == '\n' ? "\r" : "");
        text_add_char(&lines, text->data[i]);
    }
    text_fini(text);
    *text = lines;
}

/* Line breaks of any spelling become LF here and CRLF on the way out; other controls are gone. What
 * is encoded as base64 goes out as it is, so that has its CRLF already. */
static GMimeObject *part_create(const char *subtype, struct span body,
                                GMimeContentEncoding encoding)
{
    struct text clean;
    text_init(&clean, MESSAGE_BYTES_MAX);
    utf8_add_clean_block(&clean, body, MESSAGE_BYTES_MAX - 8);
    if (encoding == GMIME_CONTENT_ENCODING_BASE64) {
        end_lines(&clean);
    }
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(text_cstr(&clean), clean.size);
    GMimeDataWrapper *content =
        g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
    GMimePart *part = g_mime_part_new_with_type("text", subtype);
    g_mime_part_set_content(part, content);
    g_mime_part_set_content_encoding(part, encoding);
    g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset", "utf-8");
    g_object_unref(content);
    g_object_unref(stream);
    text_fini(&clean);
    return GMIME_OBJECT(part);
}

static void add_part(GMimeMultipart *parent, GMimeObject *part)
{
    g_mime_multipart_add(parent, part);
    g_object_unref(part);
}

static GMimeObject *calendar_create(const struct mime_calendar *calendar)
{
    GMimeObject *part = part_create("calendar", calendar->body, GMIME_CONTENT_ENCODING_BASE64);
    g_mime_object_set_content_type_parameter(part, "method", calendar->method);
    return part;
}

/* The order of the alternatives is the order of preference, least first. */
static GMimeObject *alternatives_create(const struct mime_facts *facts)
{
    const GMimeContentEncoding quoted = GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE;
    GMimeMultipart *body = g_mime_multipart_new_with_subtype("alternative");
    add_part(body, part_create("plain", text_span(&facts->message->plain), quoted));
    add_part(body, part_create("html", text_span(&facts->message->html), quoted));
    if (facts->calendar_count > 0) {
        add_part(body, calendar_create(&facts->calendars[0]));
    }
    return GMIME_OBJECT(body);
}

static GMimeObject *body_create(const struct mime_facts *facts)
{
    GMimeObject *alternatives = alternatives_create(facts);
    if (facts->calendar_count < 2) {
        return alternatives;
    }
    GMimeMultipart *body = g_mime_multipart_new_with_subtype("mixed");
    add_part(body, alternatives);
    for (size_t i = 1; i < facts->calendar_count; i++) {
        GMimeObject *part = calendar_create(&facts->calendars[i]);
        g_mime_object_set_disposition(part, GMIME_DISPOSITION_ATTACHMENT);
        g_mime_part_set_filename(GMIME_PART(part), "appointment.ics");
        add_part(body, part);
    }
    return GMIME_OBJECT(body);
}

/* The last look at what leaves: whatever happened before, a line is a line here. */
static bool is_well_formed(struct span bytes)
{
    size_t line_size = 0;
    bool is_after_return = false;
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        line_size = byte == '\n' ? 0 : line_size + 1;
        if ((byte == '\n') != is_after_return || line_size > LINE_BYTES_MAX + 1 || byte == '\0' ||
            byte >= 0x80) {
            return false;
        }
        is_after_return = byte == '\r';
    }
    return line_size == 0;
}

static enum status write_out(GMimeMessage *mail, struct text *out, struct failure *why)
{
    GMimeFormatOptions *options = g_mime_format_options_new();
    g_mime_format_options_set_newline_format(options, GMIME_NEWLINE_FORMAT_DOS);
    GMimeStream *stream = g_mime_stream_mem_new();
    (void)g_mime_object_write_to_stream(GMIME_OBJECT(mail), options, stream);
    GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    struct span written = {.data = (const char *)bytes->data, .size = bytes->len};
    enum status status = STATUS_OK;
    if (!is_well_formed(written)) {
        status = fail(why, STATUS_INVALID, "mail: the message came out malformed and stays here");
    } else {
        text_add(out, written);
        status = out->status;
    }
    g_object_unref(stream);
    g_mime_format_options_free(options);
    return status;
}

enum status mime_compose(const struct mime_facts *facts, struct text *out, struct failure *why)
{
    g_mime_init();
    GMimeMessage *mail = g_mime_message_new(TRUE);
    enum status status = set_headers(mail, facts, why);
    if (status == STATUS_OK) {
        GMimeObject *body = body_create(facts);
        g_mime_message_set_mime_part(mail, body);
        g_object_unref(body);
        status = write_out(mail, out, why);
    }
    g_object_unref(mail);
    return status;
}
