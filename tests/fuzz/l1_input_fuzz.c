/* Input as a client, or anyone else, may send it: first byte odd: an acknowledgement. */
#include "core/base/check.h"
#include "core/wire/l1_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const struct lm_l1_input *in, struct lm_l1_edge *edges, uint16_t count,
                  const uint8_t *data, size_t size)
{
    uint8_t copy[LM_L1_INPUT_MAX_BYTES];
    struct lm_writer w = lm_writer_of(copy, sizeof copy);
    lm_l1_input_begin(&w, in);
    for (uint16_t i = 0; i < count; i++)
        LM_CHECK(lm_l1_input_add(&w, copy, &edges[i]));
    LM_CHECK(!w.bad && lm_writer_size(&w) == size && memcmp(copy, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lm_l1_input in;
    struct lm_l1_input_ack ack;
    struct lm_l1_edge edges[LM_L1_INPUT_MAX_EDGES];
    uint16_t count = 0;
    if (size && data[0] & 1) {
        (void)!lm_l1_parse_input_ack(data + 1, size - 1, &ack);
        return 0;
    }
    if (size < 1 || lm_l1_parse_input(data + 1, size - 1, &in) < 0)
        return 0;
    struct lm_l1_input rest = in;
    while (lm_l1_input_next(&rest, &edges[count])) {
        LM_CHECK(lm_l1_edge_is_valid(&edges[count]));
        LM_CHECK(++count <= in.edges);
    }
    LM_CHECK(count == in.edges);
    again(&in, edges, count, data + 1, size - 1);
    return 0;
}
