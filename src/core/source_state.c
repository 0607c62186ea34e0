#include "core/source_state.h"

#include "core/hash.h"
#include "core/json.h"
#include "core/status_text.h"

#include <stdlib.h>
#include <string.h>

void source_state_fini(struct source_state *state)
{
    for (size_t i = 0; i < state->novelty_count; i++) {
        free(state->novelties[i]);
    }
    free(state->novelties);
    free(state->forgotten);
    *state = (struct source_state){0};
}

const char *credential_name(enum credential credential)
{
    switch (credential) {
    case CREDENTIAL_API_KEY:
        return "api_key";
    case CREDENTIAL_CLIENT_SECRET:
        return "client_secret";
    case CREDENTIAL_CERTIFICATE:
        return "certificate";
    case CREDENTIAL_CLIENT_CERTIFICATE:
        return "client_certificate";
    case CREDENTIAL_TOKEN_CERTIFICATE:
        return "token_certificate";
    }
    CHECK(!"a credential that does not exist");
}

/* --- writing ---------------------------------------------------------------------------------- */

static void add_flag(struct text *out, const char *name, bool value)
{
    text_addf(out, ",\"%s\":%s", name, value ? "true" : "false");
}

static void add_integer(struct text *out, const char *name, int64_t value)
{
    text_addf(out, ",\"%s\":%lld", name, (long long)value);
}

static void add_totals(const struct source_state *state, struct text *out)
{
    text_add_text(out, ",\"totals\":[");
    for (size_t i = 0; i < COLLECTION_COUNT; i++) {
        const struct total_trust *total = &state->totals[i];
        text_addf(out, "%s{\"unreliable\":%s,\"contradictions\":%u}", i != 0 ? "," : "",
                  total->is_unreliable ? "true" : "false", total->contradiction_count);
    }
    text_add_char(out, ']');
}

static void add_expiries(const struct source_state *state, struct text *out)
{
    text_add_text(out, ",\"expiries\":[");
    for (size_t i = 0; i < state->expiry_count; i++) {
        const struct expiry_told *told = &state->expiries[i];
        text_addf(out, "%s{\"credential\":%d,\"expires\":%lld,\"days\":%d}", i != 0 ? "," : "",
                  (int)told->credential, (long long)told->expires_wall_ms, told->days);
    }
    text_add_char(out, ']');
}

static void add_novelties(const struct source_state *state, struct text *out)
{
    text_add_text(out, ",\"novelties\":[");
    for (size_t i = 0; i < state->novelty_count; i++) {
        text_add_text(out, i != 0 ? "," : "");
        text_add_json_text(out, state->novelties[i]);
    }
    text_add_char(out, ']');
}

static void add_forgotten(const struct source_state *state, struct text *out)
{
    text_add_text(out, ",\"forgotten\":[");
    for (size_t i = 0; i < state->forgotten_count; i++) {
        const struct forgotten_order *order = &state->forgotten[i];
        text_addf(out, "%s{\"id\":\"%016llx\",\"sequence\":%llu}", i != 0 ? "," : "",
                  (unsigned long long)order->id_hash, (unsigned long long)order->sequence);
    }
    text_add_char(out, ']');
}

void source_state_add(const struct source_state *state, struct text *out)
{
    text_addf(out, "{\"profile\":\"%016llx\"", (unsigned long long)state->profile_fingerprint);
    if (state->locale_fingerprint != 0) {
        text_addf(out, ",\"locale\":\"%016llx\"", (unsigned long long)state->locale_fingerprint);
    }
    add_flag(out, "baselined", state->is_baselined);
    add_integer(out, "sweeps", (int64_t)state->sweep_count);
    add_integer(out, "sequence", (int64_t)state->sequence);
    add_integer(out, "fields_found", state->fields_found);
    add_totals(state, out);
    add_integer(out, "last_complete", state->last_complete_wall_ms);
    add_integer(out, "held_since", state->held_since_wall_ms);
    add_integer(out, "held_known", (int64_t)state->held.known);
    add_integer(out, "held_changed", (int64_t)state->held.changed);
    add_integer(out, "held_vanished", (int64_t)state->held.vanished);
    add_flag(out, "unreachable", state->is_unreachable_told);
    add_flag(out, "rejected", state->is_rejected_told);
    add_integer(out, "failing_since", state->failing_since_wall_ms);
    add_integer(out, "wait_until", state->wait_until_wall_ms);
    add_expiries(state, out);
    add_novelties(state, out);
    if (state->forgotten_count != 0) {
        add_forgotten(state, out);
    }
    text_add_char(out, '}');
}

/* --- reading ---------------------------------------------------------------------------------- */

static void read_totals(const struct json *root, struct source_state *state)
{
    const struct json *total = json_first(json_member(root, "totals"));
    for (size_t i = 0; i < COLLECTION_COUNT && total != NULL; i++, total = json_next(total)) {
        state->totals[i].is_unreliable = json_member_true(total, "unreliable");
        state->totals[i].contradiction_count =
            (uint32_t)json_member_integer(total, "contradictions", 0);
    }
}

static void read_expiries(const struct json *root, struct source_state *state)
{
    const struct json *told = json_first(json_member(root, "expiries"));
    for (; told != NULL && state->expiry_count < EXPIRIES_TOLD_MAX; told = json_next(told)) {
        state->expiries[state->expiry_count++] = (struct expiry_told){
            .credential = (enum credential)json_member_integer(told, "credential", 0),
            .expires_wall_ms = json_member_integer(told, "expires", 0),
            .days = (int)json_member_integer(told, "days", 0)};
    }
}

static void read_novelties(const struct json *root, struct source_state *state)
{
    const struct json *key = json_first(json_member(root, "novelties"));
    for (; key != NULL; key = json_next(key)) {
        if (json_kind(key) == JSON_STRING) {
            (void)source_state_note_novelty(state, json_text(key).data);
        }
    }
}

static bool add_forgotten_order(struct source_state *state, uint64_t id_hash, uint64_t sequence)
{
    if (state->forgotten_count == FORGOTTEN_MAX) {
        return false;
    }
    state->forgotten =
        alloc_resize(state->forgotten, state->forgotten_count + 1, sizeof *state->forgotten);
    state->forgotten[state->forgotten_count++] =
        (struct forgotten_order){.id_hash = id_hash, .sequence = sequence};
    return true;
}

static void read_forgotten(const struct json *root, struct source_state *state)
{
    const struct json *order = json_first(json_member(root, "forgotten"));
    for (; order != NULL; order = json_next(order)) {
        const char *id = json_member_text(order, "id");
        if (id != NULL) {
            (void)add_forgotten_order(state, strtoull(id, NULL, 16),
                                      (uint64_t)json_member_integer(order, "sequence", 0));
        }
    }
}

static void read_members(const struct json *root, struct source_state *state)
{
    state->profile_fingerprint = strtoull(json_member_text(root, "profile"), NULL, 16);
    const char *locale = json_member_text(root, "locale");
    state->locale_fingerprint = locale != NULL ? strtoull(locale, NULL, 16) : 0;
    state->is_baselined = json_member_true(root, "baselined");
    state->sweep_count = (uint64_t)json_member_integer(root, "sweeps", 0);
    state->sequence = (uint64_t)json_member_integer(root, "sequence", 0);
    state->fields_found = (uint32_t)json_member_integer(root, "fields_found", 0);
    read_totals(root, state);
    state->last_complete_wall_ms = json_member_integer(root, "last_complete", 0);
    state->held_since_wall_ms = json_member_integer(root, "held_since", 0);
    state->held.known = (uint64_t)json_member_integer(root, "held_known", 0);
    state->held.changed = (uint64_t)json_member_integer(root, "held_changed", 0);
    state->held.vanished = (uint64_t)json_member_integer(root, "held_vanished", 0);
    state->is_unreachable_told = json_member_true(root, "unreachable");
    state->is_rejected_told = json_member_true(root, "rejected");
    state->failing_since_wall_ms = json_member_integer(root, "failing_since", 0);
    state->wait_until_wall_ms = json_member_integer(root, "wait_until", 0);
    read_expiries(root, state);
    read_novelties(root, state);
    read_forgotten(root, state);
}

enum status source_state_read(struct source_state *state, struct span value, struct failure *why)
{
    struct json *root = NULL;
    struct failure reason = {0};
    if (json_parse(value, &root, &reason) != STATUS_OK) {
        return fail(why, STATUS_CORRUPT, "the stored state of the source is not readable: %s",
                    reason.detail);
    }
    if (json_member_text(root, "profile") == NULL) {
        json_destroy(root);
        return fail(why, STATUS_CORRUPT, "the stored state of the source names no profile");
    }
    struct source_state fresh = {0};
    read_members(root, &fresh);
    json_destroy(root);
    source_state_fini(state);
    *state = fresh;
    return STATUS_OK;
}

/* --- what was told ---------------------------------------------------------------------------- */

/* Of a key that is about a status text: where the text begins; else its end. */
static size_t status_place(const char *key)
{
    static const char mark[] = ".status:";
    const char *found = strstr(key, mark);
    return found != NULL ? (size_t)(found - key) + strlen(mark) : strlen(key);
}

bool source_state_is_same_novelty(const char *left, const char *right)
{
    size_t size = status_place(left);
    return size == status_place(right) && strncmp(left, right, size) == 0 &&
           status_text_same(left + size, right + size);
}

bool source_state_note_novelty(struct source_state *state, const char *key)
{
    for (size_t i = 0; i < state->novelty_count; i++) {
        if (source_state_is_same_novelty(state->novelties[i], key)) {
            return false;
        }
    }
    if (state->novelty_count == NOVELTIES_MAX) {
        return false;
    }
    state->novelties =
        alloc_resize(state->novelties, state->novelty_count + 1, sizeof *state->novelties);
    state->novelties[state->novelty_count++] = alloc_text(key);
    return true;
}

static void forget_expired(struct source_state *state, int64_t now_wall_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < state->expiry_count; i++) {
        if (state->expiries[i].expires_wall_ms > now_wall_ms) {
            state->expiries[kept++] = state->expiries[i];
        }
    }
    state->expiry_count = kept;
}

bool source_state_note_expiry(struct source_state *state, const struct expiry_told *told,
                              int64_t now_wall_ms)
{
    for (size_t i = 0; i < state->expiry_count; i++) {
        struct expiry_told *known = &state->expiries[i];
        if (known->credential == told->credential &&
            known->expires_wall_ms == told->expires_wall_ms) {
            bool is_nearer = told->days < known->days;
            known->days = is_nearer ? told->days : known->days;
            return is_nearer;
        }
    }
    if (state->expiry_count == EXPIRIES_TOLD_MAX) {
        forget_expired(state, now_wall_ms);
    }
    if (state->expiry_count == EXPIRIES_TOLD_MAX) {
        return false;
    }
    state->expiries[state->expiry_count++] = *told;
    return true;
}

/* --- what was forgotten ----------------------------------------------------------------------- */

bool source_state_note_forgotten(struct source_state *state, const char *order_id,
                                 uint64_t sequence)
{
    return add_forgotten_order(state, hash64(span_of(order_id)), sequence);
}

struct forgotten_order *source_state_forgotten(const struct source_state *state,
                                               const char *order_id)
{
    uint64_t id_hash = state->forgotten_count != 0 ? hash64(span_of(order_id)) : 0;
    for (size_t i = 0; i < state->forgotten_count; i++) {
        if (state->forgotten[i].id_hash == id_hash) {
            return &state->forgotten[i];
        }
    }
    return NULL;
}

void source_state_begin_adopting(struct source_state *state)
{
    for (size_t i = 0; i < state->forgotten_count; i++) {
        state->forgotten[i].is_adopted = false;
    }
}

void source_state_end_adopting(struct source_state *state, bool is_complete)
{
    size_t kept = 0;
    for (size_t i = 0; i < state->forgotten_count && !is_complete; i++) {
        if (!state->forgotten[i].is_adopted) {
            state->forgotten[kept++] = state->forgotten[i];
        }
    }
    state->forgotten_count = kept;
}
