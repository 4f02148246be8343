/* GameStream control messages in the clear: LE16 type, LE16 payload length, payload. They travel
 * inside the encrypted envelope (session/control.h). Host and client messages have separate
 * types because 0x5502 means different things in the two directions. Any thread, no state. */
#ifndef LUMEN_CORE_WIRE_GS_CONTROL_H
#define LUMEN_CORE_WIRE_GS_CONTROL_H

#include "core/wire/gs_input.h"

enum {
    LM_GS_CONTROL_HEADER_BYTES = 4,
    LM_GS_CONTROL_MAX_BYTES = 512, /* plain message; clients stay below 252, hosts below 64 */

    LM_GS_ENVELOPE_TYPE = 0x0001,
    LM_GS_ENVELOPE_HEADER_BYTES = 8, /* type, length, sequence */
    LM_GS_ENVELOPE_TAG_BYTES = 16,
    LM_GS_ENVELOPE_OVERHEAD_BYTES = LM_GS_ENVELOPE_HEADER_BYTES + LM_GS_ENVELOPE_TAG_BYTES,
    LM_GS_ENVELOPE_MAX_BYTES = LM_GS_CONTROL_MAX_BYTES + LM_GS_ENVELOPE_OVERHEAD_BYTES,
};

/* What a termination message carries. */
#define LM_GS_END_GRACEFUL   UINT32_C(0x80030023)
#define LM_GS_END_PROTECTED  UINT32_C(0x800e9302)
#define LM_GS_END_CONVERSION UINT32_C(0x800e9403)

enum lm_gs_client_kind {
    LM_GS_CLIENT_START_A = 1, /* 0x0305, only from clients before 7.1.431 */
    LM_GS_CLIENT_START_B,     /* 0x0307 */
    LM_GS_CLIENT_REQUEST_IDR, /* 0x0302; also the first message of a stream */
    LM_GS_CLIENT_PING,        /* 0x0200, every 100 ms */
    LM_GS_CLIENT_INVALIDATE,  /* 0x0301 */
    LM_GS_CLIENT_LTR_ACK,     /* 0x0350 */
    LM_GS_CLIENT_LOSS_STATS,  /* 0x0201, only before 7.1.415 */
    LM_GS_CLIENT_INPUT,       /* 0x0206 */
    LM_GS_CLIENT_FEC_STATUS,  /* 0x5502 */
};

struct lm_gs_frame_range {
    uint32_t first, last; /* inclusive */
};

struct lm_gs_loss_stats {
    uint32_t lost, interval_ms;
    uint64_t last_good_frame;
};

struct lm_gs_fec_status {
    uint32_t frame_index;
    uint16_t highest_sequence, next_contiguous_sequence;
    uint16_t missing_before_highest;
    uint16_t data_packets, parity_packets;
    uint16_t received_data, received_parity;
    uint8_t fec_percent, block_index, block_count;
};

struct lm_gs_client_message {
    enum lm_gs_client_kind kind;
    union {
        struct lm_gs_frame_range range; /* INVALIDATE */
        uint32_t frame_index;           /* LTR_ACK */
        struct lm_gs_loss_stats loss;   /* LOSS_STATS */
        struct lm_gs_input_event input; /* INPUT */
        struct lm_gs_fec_status fec;    /* FEC_STATUS */
    };
};

enum lm_gs_host_kind {
    LM_GS_HOST_RUMBLE = 1,     /* 0x010B */
    LM_GS_HOST_TRIGGER_RUMBLE, /* 0x5500 */
    LM_GS_HOST_MOTION_REQUEST, /* 0x5501 */
    LM_GS_HOST_LED,            /* 0x5502 */
    LM_GS_HOST_TRIGGERS,       /* 0x5503 */
    LM_GS_HOST_HDR_MODE,       /* 0x010E */
    LM_GS_HOST_TERMINATION,    /* 0x0109 */
};

struct lm_gs_rumble {
    uint16_t pad, low, high; /* TRIGGER_RUMBLE: left, right */
};

struct lm_gs_motion_request {
    uint16_t pad, rate_hz; /* 0 stops the reports */
    uint8_t sensor;        /* LM_GS_SENSOR_* */
};

struct lm_gs_led {
    uint16_t pad;
    uint8_t red, green, blue;
};

/* Effect bytes are those of the DualSense output report. */
struct lm_gs_triggers {
    uint16_t pad;
    uint8_t flags; /* 0x04 right, 0x08 left */
    uint8_t left_type, right_type;
    uint8_t left[10], right[10];
};

/* Chromaticities x 50000; 0 is unknown. */
struct lm_gs_hdr {
    bool enable;
    uint16_t red_x, red_y, green_x, green_y, blue_x, blue_y, white_x, white_y;
    uint16_t max_display_nits, min_display_nits_x10000;
    uint16_t max_content_nits, max_frame_average_nits, max_full_frame_nits;
};

struct lm_gs_host_message {
    enum lm_gs_host_kind kind;
    union {
        struct lm_gs_rumble rumble; /* RUMBLE and TRIGGER_RUMBLE */
        struct lm_gs_motion_request motion;
        struct lm_gs_led led;
        struct lm_gs_triggers triggers;
        struct lm_gs_hdr hdr;
        uint32_t reason; /* TERMINATION, LM_GS_END_* or any other number */
    };
};

/* Read one plain message. LM_ENOENT: a type (or input magic) this version does not know, to be
 * ignored; LM_EPROTO: shorter than its type demands, to be dropped. Surplus bytes are allowed. */
int lm_gs_client_message_parse(const uint8_t *data, size_t size_bytes,
                               struct lm_gs_client_message *out) LM_MUST_USE;
int lm_gs_host_message_parse(const uint8_t *data, size_t size_bytes,
                             struct lm_gs_host_message *out) LM_MUST_USE;

/* Write one plain message; return its size, LM_ELIMIT when `capacity_bytes` is too small (never
 * with LM_GS_CONTROL_MAX_BYTES), LM_EINVAL for an unknown kind. */
int lm_gs_client_message_encode(const struct lm_gs_client_message *message, uint8_t *out,
                                size_t capacity_bytes) LM_MUST_USE;
int lm_gs_host_message_encode(const struct lm_gs_host_message *message, uint8_t *out,
                              size_t capacity_bytes) LM_MUST_USE;

/* The ENet channel and delivery a current client uses. Everything from the host goes reliably on
 * channel 0. */
uint8_t lm_gs_client_message_channel(const struct lm_gs_client_message *message);
bool lm_gs_client_message_reliable(const struct lm_gs_client_message *message);

#endif
