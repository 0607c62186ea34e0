// The peer of a sweep with changes: parses whole pages with simdjson into its DOM, nothing else.
// Prints its seconds of CPU; reading the files does not count.
#include <cstdio>
#include <ctime>
#include <simdjson.h>
#include <string>

static double cpu_s()
{
    timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

int main(int argc, char **argv)
{
    simdjson::dom::parser parser;
    double spent = 0;
    size_t elements = 0;
    for (int i = 1; i < argc; i++) {
        simdjson::padded_string page;
        if (simdjson::padded_string::load(argv[i]).get(page) != simdjson::SUCCESS) {
            return 66;
        }
        double began = cpu_s();
        simdjson::dom::array list;
        if (parser.parse(page).get_array().get(list) != simdjson::SUCCESS) {
            return 65;
        }
        elements += list.size();
        spent += cpu_s() - began;
    }
    std::printf("%.6f\n", spent);
    return elements != 0 ? 0 : 65;
}
