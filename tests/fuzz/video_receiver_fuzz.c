/* Datagrams as a host, or anyone else, may send them. Input: one byte of options (bit 0 encrypted),
 * then records: LE16 size, one byte of time in 100 us, that many bytes. */
#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/recv/receiver.h"

enum { DATAGRAM_BYTES = 256, MAX_FRAME = 20000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t take(struct lm_receiver *r, uint64_t now_ns, uint64_t last)
{
    struct lm_received_frame frame;
    struct lm_loss loss;
    struct lm_fec_status status;
    volatile uint8_t sum = 0;
    while (lm_receiver_pop(r, now_ns, &frame)) {
        LM_CHECK(frame.frame_index > last && frame.size_bytes > 0);
        LM_CHECK(frame.size_bytes <= MAX_FRAME + 4 * DATAGRAM_BYTES);
        last = frame.frame_index;
        for (size_t i = 0; i < frame.size_bytes; i++)
            sum ^= frame.data[i];
    }
    while (lm_receiver_pop_loss(r, &loss))
        LM_CHECK(loss.first <= loss.last);
    while (lm_receiver_pop_status(r, &status))
        LM_CHECK(status.block < status.block_count && status.block_count <= 4);
    (void)sum;
    return last;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lm_reader in = lm_reader_of(data, size);
    struct lm_receiver_config config = {
        .packet_size = 64,
        .encrypted = lm_read_u8(&in) & 1,
        .key = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
        .max_frame_bytes = MAX_FRAME,
        .reorder_ns = 1000000};
    struct lm_receiver *r;
    LM_CHECK(lm_receiver_create(&config, &r) == 0);
    uint64_t now_ns = 1, last = 0;
    while (lm_reader_left(&in) && !in.bad) {
        uint8_t datagram[DATAGRAM_BYTES];
        size_t bytes = lm_read_le16(&in) % (DATAGRAM_BYTES + 1);
        now_ns += lm_read_u8(&in) * UINT64_C(100000);
        bytes = LM_MIN(bytes, lm_reader_left(&in));
        const uint8_t *from = lm_read_bytes(&in, bytes);
        if (from)
            memcpy(datagram, from, bytes);
        lm_receiver_push(r, datagram, bytes, now_ns);
        last = take(r, now_ns, last);
    }
    struct lm_receiver_stats s;
    lm_receiver_get_stats(r, &s);
    LM_CHECK(s.datagrams == s.accepted + s.surplus + s.late + s.duplicate + s.malformed +
                                s.unauthentic + s.overflow);
    lm_receiver_destroy(r);
    return 0;
}
