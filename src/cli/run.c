#include "cli/cli.h"
#include "cli/options.h"
#include "daemon.h"

static const char usage[] =
    "usage: orderwatch run [-c FILE] [--once]\n"
    "Watches the sources until SIGTERM or SIGINT and sends what changes.\n\n"
    "  -c, --config FILE  the configuration; default $ORDERWATCH_CONFIG, then\n"
    "                     /etc/orderwatch/orderwatch.yaml\n"
    "      --once         one complete sweep of every source, deliver all that is due, stop\n\n"
    "exit: 0 stopped or all delivered; 69 a source could not be swept (--once); 70 internal;\n"
    "      74 the state file is damaged; 75 something is still pending (--once), or another\n"
    "      daemon uses this state; 78 the configuration is wrong\n";

int cli_run(int argc, char **argv)
{
    bool is_once = false;
    const struct option_place places[] = {{.name = "once", .is_given = &is_once}};
    struct options options = {
        .command = "run", .usage = usage, .places = places, .place_count = ARRAY_COUNT(places)};
    int exit_code = EXIT_CODE_OK;
    if (!options_parse(&options, argc, argv, &exit_code)) {
        return exit_code;
    }
    return daemon_run(options.config_path, is_once);
}
