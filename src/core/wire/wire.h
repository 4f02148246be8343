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

    /* --- lumen/1 --- */
    LM_L1_VERSION = 1,
    LM_L1_HEADER_BYTES = 16, /* every datagram, in clear, authenticated */
    LM_L1_VIDEO_BYTES = 16,  /* video payload, in front of the shard */
    LM_L1_TAG_BYTES = 16,
    LM_L1_OVERHEAD_BYTES = 16 + 16 + 16, /* video datagram less its shard */
    LM_L1_FRAME_BYTES = 24,              /* frame header, first bytes of a frame */
    LM_L1_SHARD_STEP_BYTES = 64,
    LM_L1_MIN_SHARD_BYTES = 512,
    LM_L1_DEFAULT_SHARD_BYTES = 1344, /* a 1500-byte path, IPv4 or IPv6 */
    LM_L1_MAX_SHARD_BYTES = 65408,    /* the largest multiple of 64 whose datagram fits UDP */
    LM_L1_MAX_BLOCK_SHARDS = 65535,   /* k + m */
    LM_L1_MAX_BLOCKS = 4096,          /* of a frame: what a receiver has room for, of 65536 */
    LM_L1_MIN_BLOCK_DATA = 16,        /* fewer round parity up: blocks are not made smaller */
    LM_L1_REPLAY_WINDOW = 4096,
    LM_L1_SALT_BYTES = 4,
};

static_assert(LM_GSV_HEADER_BYTES == LM_RTP_BYTES + 4 + LM_GSV_NV_BYTES, "video header");
static_assert(LM_GSV_OVER_BYTES == LM_GSV_HEADER_BYTES - LM_GSV_NV_BYTES, "shard size");
static_assert(LM_GSV_MAX_FRAME_SHARDS == LM_GSV_MAX_BLOCKS * LM_GSV_MAX_BLOCK_DATA, "shards");
static_assert(LM_GSV_MAX_PACKET_SIZE + LM_GSV_OVER_BYTES + LM_GSV_PREFIX_BYTES <= LM_UDP_MAX_BYTES,
              "a datagram fits UDP");
static_assert(LM_GSA_MAX_BODY_BYTES == LM_GSA_MAX_DATAGRAM_BYTES - LM_GSA_FEC_HEADER_BYTES,
              "audio body");

static_assert(LM_L1_MAX_SHARD_BYTES % LM_L1_SHARD_STEP_BYTES == 0 &&
                  LM_L1_MAX_SHARD_BYTES + LM_L1_OVERHEAD_BYTES <= LM_UDP_MAX_BYTES &&
                  LM_L1_MAX_SHARD_BYTES + LM_L1_OVERHEAD_BYTES + LM_L1_SHARD_STEP_BYTES >
                      LM_UDP_MAX_BYTES,
              "largest lumen/1 shard");

#endif
