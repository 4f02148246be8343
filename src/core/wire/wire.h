/* Sizes and limits of everything on the network, in one place. The layouts themselves live in the
 * message files of this folder. */
#ifndef LUMEN_CORE_WIRE_WIRE_H
#define LUMEN_CORE_WIRE_WIRE_H

#include <assert.h>

enum {
    /* Largest payload of one UDP datagram over IPv4. */
    LM_UDP_MAX_BYTES = 65507,
    /* What the kernel takes in one UDP_SEGMENT send. */
    LM_UDP_MAX_SEGMENTS = 64,

    LM_RTP_BYTES = 12,

    /* --- GameStream video. `packet size` N counts the NV header and the payload. --- */
    LM_GSV_NV_BYTES = 16,        /* NV header, behind RTP and its 4-byte extension */
    LM_GSV_HEADER_BYTES = 32,    /* RTP + extension + NV header */
    LM_GSV_OVER_BYTES = 16,      /* shard = N + this */
    LM_GSV_PREFIX_BYTES = 32,    /* in front of an encrypted shard: IV 12, frame 4, tag 16 */
    LM_GSV_FRAME_BYTES = 8,      /* frame header, first bytes of a frame */
    LM_GSV_MIN_PACKET_SIZE = 25, /* room for the frame header and something behind it */
    LM_GSV_MAX_PACKET_SIZE = 8192,
    LM_GSV_MAX_BLOCKS = 4,             /* 2-bit field */
    LM_GSV_MAX_BLOCK_DATA = 1023,      /* 10-bit field */
    LM_GSV_MAX_BLOCK_SHARDS = 255,     /* data and parity of a block that has parity: GF(2^8) */
    LM_GSV_MAX_PERCENT = 255,          /* 8-bit field */
    LM_GSV_MAX_FIRST_SEQUENCE = 32767, /* beyond, the client takes all for late */
    LM_GSV_MAX_FRAME_SHARDS = 4 * 1023,

    /* --- GameStream audio --- */
    LM_GSA_MAX_DATAGRAM_BYTES = 1400, /* the client's receive buffer */
    LM_GSA_FEC_HEADER_BYTES = 24,     /* RTP + FEC header */
    LM_GSA_BLOCK_DATA = 4,
    LM_GSA_BLOCK_PARITY = 2,
    /* Payload of a data packet, as sent: its parity needs room for the longer header. */
    LM_GSA_MAX_BODY_BYTES = 1400 - 24,
};

static_assert(LM_GSV_HEADER_BYTES == LM_RTP_BYTES + 4 + LM_GSV_NV_BYTES, "video header");
static_assert(LM_GSV_OVER_BYTES == LM_GSV_HEADER_BYTES - LM_GSV_NV_BYTES, "shard size");
static_assert(LM_GSV_MAX_FRAME_SHARDS == LM_GSV_MAX_BLOCKS * LM_GSV_MAX_BLOCK_DATA, "shards");
static_assert(LM_GSV_MAX_PACKET_SIZE + LM_GSV_OVER_BYTES + LM_GSV_PREFIX_BYTES <= LM_UDP_MAX_BYTES,
              "a datagram fits UDP");
static_assert(LM_GSA_MAX_BODY_BYTES == LM_GSA_MAX_DATAGRAM_BYTES - LM_GSA_FEC_HEADER_BYTES,
              "audio body");

#endif
