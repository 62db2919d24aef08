/* A saved state of the balancer venue, of any bytes; see venue_state.h. */
#include "../../plugins/venues/balancer/balancer.h"

#include "venue_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char settings[] =
        "{\"pools\":[{\"id\":"
        "\"0x49cdeb36a3a18284a8d93dc5efc753e82ed0882e000200000000000000000000\","
        "\"kind\":\"stable\"}],\"factories\":[{\"address\":"
        "\"0x49cdeb36a3a18284a8d93dc5efc753e82ed0882e\",\"kind\":\"weighted\"}]}";
    fuzz_venue_state(settings, data, size);
    return 0;
}
