/* A saved state of the swapr venue, of any bytes; see venue_state.h. */
#include "../../plugins/venues/swapr/swapr.h"

#include "venue_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char settings[] = "{\"factory\":\"0xa0864cca6e114013ab0e27cbd5b6f4c8947da766\"}";
    fuzz_venue_state(settings, data, size);
    return 0;
}
