#include "core/wire/gs_control.h"

#include "core/base/bytes.h"
#include "core/base/check.h"

enum {
    INTENDED_SHORT = 0x0100, /* the 2-byte form of a graceful termination */
    LOSS_INTERVAL_SCALE = 1000,
    LOSS_TAIL = 0x14,
};

/* ---- client to host ---- */

typedef int (*client_parse_fn)(struct lm_reader *r, struct lm_gs_client_message *out);
typedef void (*client_encode_fn)(struct lm_writer *w, const struct lm_gs_client_message *m);

struct client_form {
    uint16_t type;
    uint8_t payload_bytes; /* the least that is read */
    uint8_t channel;
    bool reliable;
    enum lm_gs_client_kind kind;
    client_parse_fn parse;
    client_encode_fn encode;
};

static int parse_nothing(struct lm_reader *r, struct lm_gs_client_message *out)
{
    return LM_OK;
}

static void encode_two_zeros(struct lm_writer *w, const struct lm_gs_client_message *m)
{
    lm_write_le16(w, 0);
}

static void encode_one_zero(struct lm_writer *w, const struct lm_gs_client_message *m)
{
    lm_write_u8(w, 0);
}

static void encode_ping(struct lm_writer *w, const struct lm_gs_client_message *m)
{
    lm_write_le16(w, 4);
    lm_write_le32(w, 0);
    lm_write_le16(w, 0);
}

static int parse_invalidate(struct lm_reader *r, struct lm_gs_client_message *out)
{
    out->range.first = lm_read_le32(r);
    lm_read_le32(r);
    out->range.last = lm_read_le32(r);
    return LM_OK;
}

static void encode_invalidate(struct lm_writer *w, const struct lm_gs_client_message *m)
{
    lm_write_le64(w, m->range.first);
    lm_write_le64(w, m->range.last);
    lm_write_le64(w, 0);
}

static int parse_ltr_ack(struct lm_reader *r, struct lm_gs_client_message *out)
{
    out->frame_index = lm_read_le32(r);
    return LM_OK;
}

static void encode_ltr_ack(struct lm_writer *w, const struct lm_gs_client_message *m)
{
    lm_write_le64(w, m->frame_index);
}

static int parse_loss(struct lm_reader *r, struct lm_gs_client_message *out)
{
    out->loss.lost = lm_read_le32(r);
    out->loss.interval_ms = lm_read_le32(r);
    lm_read_le32(r);
    out->loss.last_good_frame = lm_read_le64(r);
    return LM_OK;
}

static void encode_loss(struct lm_writer *w, const struct lm_gs_client_message *m)
{
    lm_write_le32(w, m->loss.lost);
    lm_write_le32(w, m->loss.interval_ms);
    lm_write_le32(w, LOSS_INTERVAL_SCALE);
    lm_write_le64(w, m->loss.last_good_frame);
    lm_write_le64(w, 0);
    lm_write_le32(w, LOSS_TAIL);
}

static int parse_input(struct lm_reader *r, struct lm_gs_client_message *out)
{
    return lm_gs_input_parse(r->at, lm_reader_left(r), &out->input);
}

static void encode_input(struct lm_writer *w, const struct lm_gs_client_message *m)
{
    int size_bytes = lm_gs_input_encode(&m->input, w->at, (size_t)(w->end - w->at));
    if (size_bytes < 0 || !lm_write_room(w, (size_t)size_bytes))
        w->bad = true;
}

static int parse_fec_status(struct lm_reader *r, struct lm_gs_client_message *out)
{
    struct lm_gs_fec_status *fec = &out->fec;
    fec->frame_index = lm_read_be32(r);
    fec->highest_sequence = lm_read_be16(r);
    fec->next_contiguous_sequence = lm_read_be16(r);
    fec->missing_before_highest = lm_read_be16(r);
    fec->data_packets = lm_read_be16(r);
    fec->parity_packets = lm_read_be16(r);
    fec->received_data = lm_read_be16(r);
    fec->received_parity = lm_read_be16(r);
    fec->fec_percent = lm_read_u8(r);
    fec->block_index = lm_read_u8(r);
    fec->block_count = lm_read_u8(r);
    return LM_OK;
}

static void encode_fec_status(struct lm_writer *w, const struct lm_gs_client_message *m)
{
    const struct lm_gs_fec_status *fec = &m->fec;
    lm_write_be32(w, fec->frame_index);
    lm_write_be16(w, fec->highest_sequence);
    lm_write_be16(w, fec->next_contiguous_sequence);
    lm_write_be16(w, fec->missing_before_highest);
    lm_write_be16(w, fec->data_packets);
    lm_write_be16(w, fec->parity_packets);
    lm_write_be16(w, fec->received_data);
    lm_write_be16(w, fec->received_parity);
    lm_write_u8(w, fec->fec_percent);
    lm_write_u8(w, fec->block_index);
    lm_write_u8(w, fec->block_count);
}

/* The signalling payloads carry nothing, so their length is not insisted on. */
static const struct client_form client_forms[] = {
    {0x0305, 0, 0, true, LM_GS_CLIENT_START_A, parse_nothing, encode_two_zeros},
    {0x0307, 0, 0, true, LM_GS_CLIENT_START_B, parse_nothing, encode_one_zero},
    {0x0302, 0, 1, true, LM_GS_CLIENT_REQUEST_IDR, parse_nothing, encode_two_zeros},
    {0x0200, 0, 0, true, LM_GS_CLIENT_PING, parse_nothing, encode_ping},
    {0x0301, 12, 1, true, LM_GS_CLIENT_INVALIDATE, parse_invalidate, encode_invalidate},
    {0x0350, 4, 1, true, LM_GS_CLIENT_LTR_ACK, parse_ltr_ack, encode_ltr_ack},
    {0x0201, 20, 0, true, LM_GS_CLIENT_LOSS_STATS, parse_loss, encode_loss},
    {0x0206, 8, 0, true, LM_GS_CLIENT_INPUT, parse_input, encode_input},
    {0x5502, 21, 0, false, LM_GS_CLIENT_FEC_STATUS, parse_fec_status, encode_fec_status},
};

/* ---- host to client ---- */

typedef void (*host_parse_fn)(struct lm_reader *r, struct lm_gs_host_message *out);
typedef void (*host_encode_fn)(struct lm_writer *w, const struct lm_gs_host_message *m);

struct host_form {
    uint16_t type;
    uint8_t payload_bytes;
    enum lm_gs_host_kind kind;
    host_parse_fn parse;
    host_encode_fn encode;
};

static void read_rumble(struct lm_reader *r, struct lm_gs_rumble *rumble)
{
    rumble->pad = lm_read_le16(r);
    rumble->low = lm_read_le16(r);
    rumble->high = lm_read_le16(r);
}

static void write_rumble(struct lm_writer *w, const struct lm_gs_rumble *rumble)
{
    lm_write_le16(w, rumble->pad);
    lm_write_le16(w, rumble->low);
    lm_write_le16(w, rumble->high);
}

static void parse_rumble(struct lm_reader *r, struct lm_gs_host_message *out)
{
    lm_read_le32(r);
    read_rumble(r, &out->rumble);
}

static void encode_rumble(struct lm_writer *w, const struct lm_gs_host_message *m)
{
    lm_write_le32(w, 0);
    write_rumble(w, &m->rumble);
}

static void parse_trigger_rumble(struct lm_reader *r, struct lm_gs_host_message *out)
{
    read_rumble(r, &out->rumble);
}

static void encode_trigger_rumble(struct lm_writer *w, const struct lm_gs_host_message *m)
{
    write_rumble(w, &m->rumble);
}

static void parse_motion_request(struct lm_reader *r, struct lm_gs_host_message *out)
{
    out->motion.pad = lm_read_le16(r);
    out->motion.rate_hz = lm_read_le16(r);
    out->motion.sensor = lm_read_u8(r);
}

static void encode_motion_request(struct lm_writer *w, const struct lm_gs_host_message *m)
{
    lm_write_le16(w, m->motion.pad);
    lm_write_le16(w, m->motion.rate_hz);
    lm_write_u8(w, m->motion.sensor);
}

static void parse_led(struct lm_reader *r, struct lm_gs_host_message *out)
{
    out->led.pad = lm_read_le16(r);
    out->led.red = lm_read_u8(r);
    out->led.green = lm_read_u8(r);
    out->led.blue = lm_read_u8(r);
}

static void encode_led(struct lm_writer *w, const struct lm_gs_host_message *m)
{
    lm_write_le16(w, m->led.pad);
    lm_write_u8(w, m->led.red);
    lm_write_u8(w, m->led.green);
    lm_write_u8(w, m->led.blue);
}

static void parse_triggers(struct lm_reader *r, struct lm_gs_host_message *out)
{
    struct lm_gs_triggers *triggers = &out->triggers;
    triggers->pad = lm_read_le16(r);
    triggers->flags = lm_read_u8(r);
    triggers->left_type = lm_read_u8(r);
    triggers->right_type = lm_read_u8(r);
    memcpy(triggers->left, lm_read_bytes(r, sizeof triggers->left), sizeof triggers->left);
    memcpy(triggers->right, lm_read_bytes(r, sizeof triggers->right), sizeof triggers->right);
}

static void encode_triggers(struct lm_writer *w, const struct lm_gs_host_message *m)
{
    lm_write_le16(w, m->triggers.pad);
    lm_write_u8(w, m->triggers.flags);
    lm_write_u8(w, m->triggers.left_type);
    lm_write_u8(w, m->triggers.right_type);
    lm_write_bytes(w, m->triggers.left, sizeof m->triggers.left);
    lm_write_bytes(w, m->triggers.right, sizeof m->triggers.right);
}

/* The metadata in wire order. */
static void hdr_fields(struct lm_gs_hdr *hdr, uint16_t *fields[13])
{
    uint16_t *in_order[13] = {
        &hdr->red_x,
        &hdr->red_y,
        &hdr->green_x,
        &hdr->green_y,
        &hdr->blue_x,
        &hdr->blue_y,
        &hdr->white_x,
        &hdr->white_y,
        &hdr->max_display_nits,
        &hdr->min_display_nits_x10000,
        &hdr->max_content_nits,
        &hdr->max_frame_average_nits,
        &hdr->max_full_frame_nits,
    };
    memcpy(fields, in_order, sizeof in_order);
}

/* Hosts without metadata send the first byte alone: what is missing reads as 0, "unknown". */
static void parse_hdr(struct lm_reader *r, struct lm_gs_host_message *out)
{
    uint16_t *fields[13];
    hdr_fields(&out->hdr, fields);
    out->hdr.enable = lm_read_u8(r) != 0;
    for (size_t i = 0; i < LM_ARRAY_LEN(fields); i++)
        *fields[i] = lm_read_le16(r);
    r->bad = false;
}

static void encode_hdr(struct lm_writer *w, const struct lm_gs_host_message *m)
{
    struct lm_gs_hdr hdr = m->hdr;
    uint16_t *fields[13];
    hdr_fields(&hdr, fields);
    lm_write_u8(w, hdr.enable);
    for (size_t i = 0; i < LM_ARRAY_LEN(fields); i++)
        lm_write_le16(w, *fields[i]);
}

static void parse_termination(struct lm_reader *r, struct lm_gs_host_message *out)
{
    if (lm_reader_left(r) >= 4) {
        out->reason = lm_read_be32(r);
        return;
    }
    uint16_t reason = lm_read_le16(r);
    out->reason = reason == INTENDED_SHORT ? LM_GS_END_GRACEFUL : reason;
}

static void encode_termination(struct lm_writer *w, const struct lm_gs_host_message *m)
{
    lm_write_be32(w, m->reason);
}

static const struct host_form host_forms[] = {
    {0x010b, 10, LM_GS_HOST_RUMBLE, parse_rumble, encode_rumble},
    {0x5500, 6, LM_GS_HOST_TRIGGER_RUMBLE, parse_trigger_rumble, encode_trigger_rumble},
    {0x5501, 5, LM_GS_HOST_MOTION_REQUEST, parse_motion_request, encode_motion_request},
    {0x5502, 5, LM_GS_HOST_LED, parse_led, encode_led},
    {0x5503, 25, LM_GS_HOST_TRIGGERS, parse_triggers, encode_triggers},
    {0x010e, 1, LM_GS_HOST_HDR_MODE, parse_hdr, encode_hdr},
    {0x0109, 2, LM_GS_HOST_TERMINATION, parse_termination, encode_termination},
};

/* ---- both ---- */

/* The payload of a plain message and its type; false when the length field does not fit. */
static bool split(const uint8_t *data, size_t size_bytes, uint16_t *type, struct lm_reader *payload)
{
    if (size_bytes < LM_GS_CONTROL_HEADER_BYTES)
        return false;
    uint16_t payload_bytes = lm_get_le16(data + 2);
    if (payload_bytes > size_bytes - LM_GS_CONTROL_HEADER_BYTES)
        return false;
    *type = lm_get_le16(data);
    *payload = lm_reader_of(data + LM_GS_CONTROL_HEADER_BYTES, payload_bytes);
    return true;
}

static int finish(struct lm_writer *w)
{
    if (w->bad)
        return LM_ELIMIT;
    size_t size_bytes = lm_writer_size(w);
    lm_put_le16(w->start + 2, (uint16_t)(size_bytes - LM_GS_CONTROL_HEADER_BYTES));
    return (int)size_bytes;
}

int lm_gs_client_message_parse(const uint8_t *data, size_t size_bytes,
                               struct lm_gs_client_message *out)
{
    uint16_t type;
    struct lm_reader payload;
    if (!split(data, size_bytes, &type, &payload))
        return LM_EPROTO;
    for (size_t i = 0; i < LM_ARRAY_LEN(client_forms); i++) {
        if (client_forms[i].type != type)
            continue;
        if (lm_reader_left(&payload) < client_forms[i].payload_bytes)
            return LM_EPROTO;
        memset(out, 0, sizeof *out);
        out->kind = client_forms[i].kind;
        int result = client_forms[i].parse(&payload, out);
        LM_DCHECK(!payload.bad);
        return result;
    }
    return LM_ENOENT;
}

int lm_gs_host_message_parse(const uint8_t *data, size_t size_bytes, struct lm_gs_host_message *out)
{
    uint16_t type;
    struct lm_reader payload;
    if (!split(data, size_bytes, &type, &payload))
        return LM_EPROTO;
    for (size_t i = 0; i < LM_ARRAY_LEN(host_forms); i++) {
        if (host_forms[i].type != type)
            continue;
        if (lm_reader_left(&payload) < host_forms[i].payload_bytes)
            return LM_EPROTO;
        memset(out, 0, sizeof *out);
        out->kind = host_forms[i].kind;
        host_forms[i].parse(&payload, out);
        LM_DCHECK(!payload.bad);
        return LM_OK;
    }
    return LM_ENOENT;
}

static const struct client_form *client_form_of(enum lm_gs_client_kind kind)
{
    for (size_t i = 0; i < LM_ARRAY_LEN(client_forms); i++)
        if (client_forms[i].kind == kind)
            return &client_forms[i];
    return NULL;
}

int lm_gs_client_message_encode(const struct lm_gs_client_message *message, uint8_t *out,
                                size_t capacity_bytes)
{
    const struct client_form *form = client_form_of(message->kind);
    if (!form)
        return LM_EINVAL;
    struct lm_writer w = lm_writer_of(out, capacity_bytes);
    lm_write_le16(&w, form->type);
    lm_write_le16(&w, 0);
    form->encode(&w, message);
    return finish(&w);
}

int lm_gs_host_message_encode(const struct lm_gs_host_message *message, uint8_t *out,
                              size_t capacity_bytes)
{
    for (size_t i = 0; i < LM_ARRAY_LEN(host_forms); i++) {
        if (host_forms[i].kind != message->kind)
            continue;
        struct lm_writer w = lm_writer_of(out, capacity_bytes);
        lm_write_le16(&w, host_forms[i].type);
        lm_write_le16(&w, 0);
        host_forms[i].encode(&w, message);
        return finish(&w);
    }
    return LM_EINVAL;
}

uint8_t lm_gs_client_message_channel(const struct lm_gs_client_message *message)
{
    if (message->kind == LM_GS_CLIENT_INPUT)
        return lm_gs_input_channel(&message->input);
    const struct client_form *form = client_form_of(message->kind);
    return form ? form->channel : 0;
}

bool lm_gs_client_message_reliable(const struct lm_gs_client_message *message)
{
    if (message->kind == LM_GS_CLIENT_INPUT)
        return lm_gs_input_reliable(&message->input);
    const struct client_form *form = client_form_of(message->kind);
    return !form || form->reliable;
}
