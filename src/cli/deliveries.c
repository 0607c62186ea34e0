#include "cli/cli.h"
#include "cli/list.h"
#include "daemon.h"

static const char usage[] =
    "usage: orderwatch deliveries [-c FILE] [FILTERS] [--json]\n"
    "What was sent, waits to be, or is parked, the latest first.\n"
    "--status: pending, delivered, parked, dropped.\n"
    "TRIES: those that came to the receiver. orderwatch why shows every one.\n";

static const struct column delivery_columns[] = {
    {"ID", "/id", CELL_NUMBER},        {"SINK", "/sink", CELL_TEXT},
    {"STATUS", "/status", CELL_STATE}, {"TYPE", "/type", CELL_TEXT},
    {"ORDER", "/order", CELL_TEXT},    {"CREATED", "/created", CELL_TIME},
    {"ENDED", "/ended", CELL_TIME},    {"TRIES", "/attempts", CELL_NUMBER},
    {"ANSWER", "/detail", CELL_TEXT},
};

static const struct list_kind deliveries = {
    .name = "deliveries",
    .usage = usage,
    .has = {[LIST_SOURCE] = true,
            [LIST_SINK] = true,
            [LIST_STATUS] = true,
            [LIST_TYPE] = true,
            [LIST_ORDER] = true,
            [LIST_SINCE] = true,
            [LIST_UNTIL] = true,
            [LIST_SEARCH] = true,
            [LIST_LIMIT] = true,
            [LIST_AFTER] = true},
    .columns = delivery_columns,
    .column_count = ARRAY_COUNT(delivery_columns),
    .none = "no deliveries",
};

int cli_deliveries(int argc, char **argv)
{
    struct list list;
    int exit_code = EXIT_CODE_OK;
    if (list_open(&list, &deliveries, NULL, argc, argv, &exit_code)) {
        exit_code = list_show(&list);
        list_close(&list);
    }
    return exit_code;
}
