#include "world_internal.h"

#include "core/random.h"

static const char *pick(struct random *random, const char *const *choices, size_t count)
{
    return choices[random_below(random, (int64_t)count)];
}

static void set_date(const struct world *world, struct member **list, const char *name, long days,
                     const char *time)
{
    char expression[32];
    struct text json;
    text_init(&json, 256);
    struct text source;
    text_init(&source, sizeof expression);
    text_addf(&source, "@%+ldd%s", days, time);
    CHECK(world_add_relative_date(world, text_cstr(&source), &json));
    text_fini(&source);
    member_set(list, name, text_take(&json));
}

static void generate_appointment(const struct world *world, struct sim_order *order, long day)
{
    struct sim_appointment *appointment = sim_order_appointment(order, "A-1");
    member_set_text(&appointment->members, "status", "Initialized");
    set_date(world, &appointment->members, "start", day, " 09:00");
    set_date(world, &appointment->members, "end", day, " 11:00");
}

static void generate_order(struct world *world, uint64_t number, struct random *random)
{
    static const char *const sites[] = {
        "Lyon Part-Dieu",    "Paris Bercy",        "Lille Europe",      "Nantes Beaulieu",
        "Bordeaux Lac",      "Rennes Atalante",    "Toulouse Blagnac",  "Nice Arénas",
        "Grenoble Europole", "Marseille Joliette", "Dijon Toison d'Or", "Brest Océane"};
    static const char *const offers[] = {"Business VPN 100M", "Business VPN 1G", "FTTO 200M",
                                         "Internet Pro 1G"};
    static const char *const steps[] = {"Study", "Survey", "Construction", "Delivery"};

    struct text text;
    text_init(&text, 256);
    text_addf(&text, "%llu", (unsigned long long)number);
    struct sim_order *order = world_append(world, text_cstr(&text));
    text_clear(&text);
    text_addf(&text, "PO-%llu", (unsigned long long)(number % 100000));
    member_set_text(&order->members, "customerReference", text_cstr(&text));
    bool is_new = random_below(random, 5) == 0;
    member_set_text(&order->members, "status", is_new ? "Acknowledged" : "InProgress");
    member_set_text(&order->members, "step", is_new ? "Registered" : pick(random, steps, 4));
    member_set_text(&order->members, "offer", pick(random, offers, ARRAY_COUNT(offers)));
    text_clear(&text);
    text_add_text(&text, "{\"name\":");
    text_add_json_text(&text, pick(random, sites, ARRAY_COUNT(sites)));
    text_add_char(&text, '}');
    member_set(&order->members, "site", alloc_text(text_cstr(&text)));
    long day = (long)(10 + random_below(random, 50));
    set_date(world, &order->members, "requestedDate", day - 5, "");
    set_date(world, &order->members, "committedDate", day, "");
    text_clear(&text);
    text_addf(&text,
              "{\"name\":\"Site reception\",\"phone\":\"+33 1 99 00 %02u %02u\","
              "\"email\":\"reception.%llu@example.com\"}",
              (unsigned)(number / 100 % 100), (unsigned)(number % 100), (unsigned long long)number);
    member_set(&order->members, "contact", alloc_text(text_cstr(&text)));
    text_fini(&text);
    if (!is_new && random_below(random, 2) == 0) {
        generate_appointment(world, order, day - 3);
    }
}

void world_generate(struct world *world, uint64_t first_id, size_t count, uint64_t seed)
{
    struct random random = {.state = seed};
    for (size_t i = 0; i < count; i++) {
        generate_order(world, first_id + i, &random);
    }
}
