#include "cli/check.h"

#include "daemon.h"

int check_profile(const char *profile, const char *path, bool is_json)
{
    (void)profile;
    (void)path;
    (void)is_json;
    return EXIT_CODE_USAGE;
}
