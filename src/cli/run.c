#include "cli/cli.h"
#include "daemon.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

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
    static const struct option known[] = {{"config", required_argument, NULL, 'c'},
                                          {"once", no_argument, NULL, 'o'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    const char *config_path = getenv("ORDERWATCH_CONFIG");
    bool is_once = false;
    if (config_path == NULL) {
        config_path = "/etc/orderwatch/orderwatch.yaml";
    }
    for (int option = 0; (option = getopt_long(argc, argv, "c:h", known, NULL)) != -1;) {
        switch (option) {
        case 'c':
            config_path = optarg;
            break;
        case 'o':
            is_once = true;
            break;
        case 'h':
            (void)fputs(usage, stdout);
            return EXIT_CODE_OK;
        default:
            return EXIT_CODE_USAGE;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "orderwatch: run: %s: unexpected; `orderwatch run --help`\n",
                      argv[optind]);
        return EXIT_CODE_USAGE;
    }
    return daemon_run(config_path, is_once);
}
