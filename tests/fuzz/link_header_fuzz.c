/* Any Link header: what comes out is an address of the API's own origin, and nothing else. */
#include "core/link_header.h"

#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_address(struct span address)
{
    static const char origin[] = "https://api.example.com";
    const size_t origin_size = sizeof origin - 1;
    CHECK(address.size >= origin_size && strncasecmp(address.data, origin, origin_size) == 0);
    CHECK(address.size == origin_size || strchr("/?#", address.data[origin_size]) != NULL);
    for (size_t i = 0; i < address.size; i++) {
        CHECK(address.data[i] > ' ' && address.data[i] <= '~');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char base[] = "https://api.example.com/v1";
    static const char page[] = "https://api.example.com/v1/orders?offset=0";
    struct text link;
    text_init(&link, 65536);
    text_add(&link, (struct span){.data = (const char *)data, .size = size});
    struct text out;
    text_init(&out, 65536);
    enum status status = link_header_add_next(text_cstr(&link), base, page, &out, NULL);
    if (status == STATUS_OK && out.status == STATUS_OK) {
        check_address(text_span(&out));
    } else {
        CHECK(out.size == 0 || status == STATUS_OK);
    }
    text_fini(&out);
    text_fini(&link);
    return 0;
}
