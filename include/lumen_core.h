/* liblumen-core: desktop streaming's protocol, erasure codes, pacing and encryption behind a stable
 * C ABI. This is the whole public interface; docs/core.md is its guide.
 *
 * Three kinds of objects, each useful alone:
 *   LumenSession                 frames in at the host, frames out at the client, input the other
 *                                way; sends and receives itself (UDP, or in memory for tests)
 *   LumenSender, LumenReceiver   the same without sockets and clock: bytes and times in, bytes out
 *   LumenFec                     the two erasure codes alone
 *
 * Phase 1 is GameStream's video format, phase 2 is lumen/1.
 *
 * Ownership. Whatever a pointer argument points to is borrowed for the call unless said otherwise.
 * What create, open or new returned is the caller's until its destroy or free, which take NULL.
 *
 * Handles are checked: NULL gives LUMEN_STATUS_NULL_POINTER, a handle already freed
 * LUMEN_STATUS_CLOSED, anything else that is no handle of that kind LUMEN_STATUS_INVALID_ARG. Only
 * freeing an object while another thread is inside a call on it is undefined. Other pointers cannot
 * be checked beyond NULL. At most LUMEN_MAX_OBJECTS objects of all kinds exist at a time.
 *
 * Threads. Different objects are independent. A LumenFec, LumenSender or LumenReceiver belongs to
 * one thread at a time. For LumenSession see there. The library starts no threads, installs no
 * signal handlers, prints nothing and reads no environment variable.
 *
 * Memory is taken when an object is created; no later call allocates.
 *
 * Times are nanoseconds, sizes bytes. Each function says which statuses it returns; those of
 * handles (above) come with every one. */
#ifndef LUMEN_CORE_H
#define LUMEN_CORE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define LUMEN_API __attribute__((visibility("default")))
#else
#define LUMEN_API
#endif

/* Version of this header: (major << 16) | minor. */
#define LUMEN_ABI_VERSION UINT32_C(0x00010000)

#define LUMEN_MAX_OBJECTS 4096

/* ---- Statuses ------------------------------------------------------------------------------- */

typedef enum LumenStatus {
    LUMEN_STATUS_OK = 0,
    LUMEN_STATUS_INVALID_ARG = -1,   /* out of range, the wrong role, or no handle of this kind */
    LUMEN_STATUS_NULL_POINTER = -2,  /* a pointer that must not be NULL is */
    LUMEN_STATUS_NO_FRAME = -3,      /* nothing there now: no frame, loss or datagram */
    LUMEN_STATUS_CLOSED = -4,        /* the object is freed, or the loopback's other end is */
    LUMEN_STATUS_IO = -5,            /* the system refused a socket call */
    LUMEN_STATUS_CRYPTO = -6,        /* no cipher on this machine, or it failed */
    LUMEN_STATUS_UNSUPPORTED = -7,   /* valid, but not in this combination */
    LUMEN_STATUS_NO_MEMORY = -8,     /* at create only */
    LUMEN_STATUS_BUSY = -9,          /* another call of the same kind is running on the session */
    LUMEN_STATUS_FULL = -10,         /* a bounded queue or the socket has no room */
    LUMEN_STATUS_IN_USE = -11,       /* the local address is taken */
    LUMEN_STATUS_UNRECOVERABLE = -12 /* more shards are lost than the parity can restore */
} LumenStatus;

/* A short sentence in English for any value; static storage, never NULL. Any thread. */
LUMEN_API const char *lumen_status_text(LumenStatus status);

/* LUMEN_ABI_VERSION of the library that runs. A program works with a library of the same major and
 * an equal or later minor version than that of the header it was built with. Any thread. */
LUMEN_API uint32_t lumen_abi_version(void);

/* ---- Configuration -------------------------------------------------------------------------- */

enum { LUMEN_ROLE_HOST = 0, LUMEN_ROLE_CLIENT = 1 };
enum { LUMEN_PHASE_GAMESTREAM = 1, LUMEN_PHASE_LUMEN1 = 2 };
enum { LUMEN_FEC_GF8 = 0, LUMEN_FEC_GF16 = 1 };

/* Of a session, sender or receiver. Zero the struct, set struct_size = sizeof(LumenConfig), then
 * what is needed. Members up to max_frame_bytes make the first version: a smaller struct_size is
 * refused, of a larger one only what this library knows is read. Copied by the call. */
typedef struct LumenConfig {
    uint32_t struct_size;
    uint32_t role;        /* LUMEN_ROLE_... */
    uint32_t phase;       /* LUMEN_PHASE_... */
    uint32_t fec_scheme;  /* LUMEN_FEC_...; phase 1 has GF(2^8) only: LUMEN_STATUS_UNSUPPORTED */
    uint32_t fec_percent; /* parity, percent of the data shards: 0..255 in phase 1, 0..100 in 2.
                             The client of phase 2 keeps no more than that; give both ends one */
    uint32_t max_data_per_block; /* data shards of a block, 0..65535; 0: as many as the code takes.
                                    A frame has at most 4096 blocks: a host or LumenSender that
                                    could need more for max_frame_bytes is refused. The client has
                                    room for what its own setting makes; give both ends one.
                                    Ignored in phase 1: its format fixes the blocks */
    uint32_t shard_payload; /* bytes of the frame that one datagram carries. Phase 1: 9..8176 (the
                               "packet size" of GameStream less 16), the datagram is 32 larger, 64
                               when encrypted; 0: 1376. Phase 2: a multiple of 64, 512..65408, the
                               datagram is 32 larger, 48 when encrypted; 0: 1344. Both ends alike */
    uint32_t encrypt;       /* 0, or 1: AES-128-GCM over each datagram */
    uint8_t key[16];        /* when encrypt is 1. For one session only, never again */
    uint8_t salt[4];        /* of the nonces of phase 2 and of input, the same at both ends */
    uint32_t loopback_drop_period; /* n: one of every n datagrams is dropped, the n-th, the 2n-th
                                      and so on of each direction, on the loopback only; 0: none.
                                      Each end's counts for what it sends; if only one end of a pair
                                      has one, it counts for both */
    uint64_t max_frame_bytes;      /* of a submitted frame, 1..2^31; 0: 4 MiB. Memory is taken for
                                      several of them. In phase 1 at most what its format holds,
                                      4092 * shard_payload - 8, whatever is given here */

    /* Optional, of later versions; 0 is the default of each. */
    uint32_t session_id;       /* in each datagram of phase 2 and of input; both ends alike */
    uint32_t reorder_us;       /* client: how late a datagram may be before its frame is given up,
                                  at most 1000000; 0: 2000, and none on the loopback */
    uint32_t frames_in_flight; /* client: frames being put together, 2..16; 0: 4 */
    uint32_t burst_bytes;      /* LumenSender: what may leave at once when it is paced */
    uint64_t pace_bytes_per_s; /* LumenSender: datagram bytes per second; 0: unpaced. Sessions send
                                  at once and refuse it: LUMEN_STATUS_UNSUPPORTED */
} LumenConfig;

/* Bits of `flags`. In phase 2 all 32 arrive as given; in phase 1 one of these two, the first. */
#define LUMEN_FRAME_KEY      UINT32_C(1) /* needs no earlier frame */
#define LUMEN_FRAME_RECOVERY UINT32_C(2) /* needs only frames that the client confirmed */

typedef struct LumenFrame {
    const uint8_t *data; /* borrowed until the next poll or pop, or free */
    size_t len;
    uint32_t frame_index; /* 1 for the first, then rising; lost frames leave gaps */
    uint64_t pts_ns;      /* as submitted. Phase 1 carries multiples of 1/90000 s modulo 2^32: it
                             arrives rounded, and counts on from the first frame's value */
    uint32_t flags;
} LumenFrame;

/* Frames first..last, inclusive, that will never come: time to ask the host for recovery. */
typedef struct LumenLoss {
    uint32_t first, last;
} LumenLoss;

/* Counted since create. */
typedef struct LumenStats {
    uint64_t frames_submitted; /* host: given with valid arguments = completed + dropped */
    uint64_t frames_completed; /* host: sent whole. Client: delivered */
    uint64_t frames_dropped;   /* host: refused or not sent whole. Client: lost */
    uint64_t packets_sent;     /* datagrams of all kinds handed to the transport */
    uint64_t packets_received; /* datagrams that arrived, whatever became of them */
    uint64_t packets_dropped;  /* on the way in: late, doubled, forged, malformed or from elsewhere;
                                  on the way out: the socket stayed full. On the loopback also those
                                  dropped on purpose or for want of room, counted at both ends */
    uint64_t fec_recovered_shards;       /* client: restored from parity */
    uint64_t bytes_sent, bytes_received; /* of those datagrams */
} LumenStats;

/* ---- Sessions -------------------------------------------------------------------------------
 *
 * Threads: on one session, video calls (lumen_host_submit_frame, lumen_client_poll_frame,
 * lumen_client_poll_loss) from one thread at a time, input calls (lumen_send_input,
 * lumen_set_input_callback, lumen_host_poll_input) from one thread at a time, which may be another.
 * lumen_session_wait counts as a video call at the client and an input call at the host.
 * lumen_get_stats and lumen_session_get_info: any thread, any time. A call that breaks the rule
 * returns LUMEN_STATUS_BUSY and does nothing. lumen_session_free and lumen_session_set_peer: while
 * no other thread is in a call on the session.
 *
 * No call waits, but for lumen_session_wait and, up to a bound, lumen_host_submit_frame. */

typedef struct LumenSession LumenSession;

/* Addresses are numbers: "192.0.2.1:5000", "[2001:db8::1]:5000", no names. `local` NULL: any
 * address and a port that the system chooses; port 0: the latter alone. `peer` NULL: as yet
 * unknown, see lumen_session_set_peer. Only datagrams from the peer's exact address are taken.
 * Returns NULL on error; lumen_session_open tells which. */
LUMEN_API LumenSession *lumen_session_new(const LumenConfig *config, const char *local,
                                          const char *peer);

/* The same with a status: _NULL_POINTER (config, out), _INVALID_ARG (a member or an address out of
 * range, a short struct_size, peer of another address family than local), _UNSUPPORTED (fec_scheme
 * in phase 1, a pace), _IN_USE, _IO, _CRYPTO, _NO_MEMORY. *out is NULL on error. */
LUMEN_API LumenStatus lumen_session_open(const LumenConfig *config, const char *local,
                                         const char *peer, LumenSession **out);

/* A host and a client in one process, joined by bounded queues in memory, for tests: no socket, the
 * same code otherwise. What finds the queue full is dropped and counted; there is room for four
 * frames of max_frame_bytes, or one where that is more than 256 MiB. Statuses as above;
 * _INVALID_ARG also when the roles are not host and client, or phase, fec_scheme or shard_payload
 * differ. (encrypt, key, salt and session_id may differ: then nothing gets through, as on a
 * network.) Both *out are NULL on error. */
LUMEN_API LumenStatus lumen_test_loopback_pair(const LumenConfig *host, const LumenConfig *client,
                                               LumenSession **out_host, LumenSession **out_client);

/* Wipes the keys. NULL and a handle already freed are fine. Frames borrowed from the session end
 * with it. Allowed inside its input callback: no further event is dispatched, and it is gone when
 * lumen_host_poll_input returns. */
LUMEN_API void lumen_session_free(LumenSession *session);

/* Where datagrams go and come from, from now on; for UDP. _INVALID_ARG: no address, port 0, or a
 * family that the local address cannot reach. _UNSUPPORTED on the loopback. */
LUMEN_API LumenStatus lumen_session_set_peer(LumenSession *session, const char *peer);

enum { LUMEN_TRANSPORT_LOOPBACK = 1, LUMEN_TRANSPORT_UDP = 2 };

typedef struct LumenSessionInfo {
    uint32_t struct_size;          /* set by the caller: sizeof(LumenSessionInfo) */
    uint32_t transport;            /* LUMEN_TRANSPORT_... */
    uint32_t send_buffer_bytes;    /* what the kernel allowed, with lumen's wish of 4 MiB */
    uint32_t receive_buffer_bytes; /* the same */
    uint32_t gso, gro;             /* 1: several datagrams per system call out, in */
    uint32_t datagram_bytes;       /* of video, without IP and UDP headers */
    int32_t fd;               /* socket, readable when something arrived; for poll() only, -1 on
                                 the loopback */
    char local[80], peer[80]; /* as text with port; "none" when not known */
} LumenSessionInfo;

/* _INVALID_ARG: struct_size is smaller than this version's. */
LUMEN_API LumenStatus lumen_session_get_info(LumenSession *session, LumenSessionInfo *out);

/* Sleeps until there may be something to poll (a datagram came, a late frame's time is up, input
 * is to be repeated, the loopback's other end is freed), at most timeout_ms (0..60000). _OK then,
 * at once when something is there already; _NO_FRAME when the time ran out. _INVALID_ARG, _IO,
 * _BUSY.
 */
LUMEN_API LumenStatus lumen_session_wait(LumenSession *session, uint32_t timeout_ms);

/* How long lumen_host_submit_frame waits in all for a full socket. */
#define LUMEN_SEND_WAIT_MS 20

/* Host: cuts the frame into datagrams, adds parity, encrypts and sends, on this thread. `len` is
 * 1..max_frame_bytes; `pts_ns` is the capture time, of CLOCK_MONOTONIC if the time from capture to
 * sending shall be told to the client, otherwise any value; flags: LUMEN_FRAME_... On _FULL (the
 * socket stayed full for LUMEN_SEND_WAIT_MS) and _IO the rest of the frame is dropped: the client
 * will find it lost; go on with the next. _INVALID_ARG (client, len, no peer known), _NULL_POINTER,
 * _CLOSED, _CRYPTO, _BUSY. */
LUMEN_API LumenStatus lumen_host_submit_frame(LumenSession *session, const uint8_t *data,
                                              size_t len, uint64_t pts_ns, uint32_t flags);

/* Client: receives, decrypts and repairs on this thread, and gives the next frame, in order. Also
 * repeats input that was not acknowledged for 20 ms: call it at least that often, after
 * lumen_session_wait for instance. _NO_FRAME at once when there is none; *out is zeroed then and on
 * errors. _INVALID_ARG (host), _NULL_POINTER, _CLOSED (nothing is left and the host's end is freed;
 * loopback only), _IO, _BUSY. */
LUMEN_API LumenStatus lumen_client_poll_frame(LumenSession *session, LumenFrame *out);

/* Client: the oldest loss not yet given; neighbours are merged. _NO_FRAME: none. _INVALID_ARG
 * (host), _NULL_POINTER, _BUSY. */
LUMEN_API LumenStatus lumen_client_poll_loss(LumenSession *session, LumenLoss *out);

/* _NULL_POINTER. */
LUMEN_API LumenStatus lumen_get_stats(LumenSession *session, LumenStats *out);

/* ---- Input ---------------------------------------------------------------------------------- */

enum {
    LUMEN_INPUT_KEY = 1,    /* code: of Linux's input-event-codes.h, 1..767; value: 1 down, 0 up */
    LUMEN_INPUT_BUTTON = 2, /* code: 1 left, 2 middle, 3 right, 4, 5.. 32 others; value as above */
    LUMEN_INPUT_MOTION = 3, /* pointer by x, y: counts, + is right and down */
    LUMEN_INPUT_POSITION = 4, /* pointer to x, y: 0..65535 of the picture's width and height */
    LUMEN_INPUT_SCROLL = 5,   /* by x, y: 120 is a notch, + is right and up */
    LUMEN_INPUT_TEXT = 6      /* text: UTF-8, 1..31 bytes and a NUL */
};

typedef struct LumenInputEvent {
    uint32_t
        type; /* LUMEN_INPUT_...; members not named there are ignored, and 0 for the callback */
    uint32_t code;
    int32_t value;
    int32_t x, y;
    uint32_t reserved;
    char text[32];
} LumenInputEvent;

/* Client: sends at once, together with what is not acknowledged yet. Keys, buttons and text arrive
 * each exactly once and in order. Motion and scrolling arrive summed up, positions as the newest,
 * always before the key or button that followed them. _INVALID_ARG (host, a member out of range, no
 * peer known), _NULL_POINTER, _FULL (256 keys, buttons and texts wait for their acknowledgement:
 * the event is not taken), _CLOSED, _CRYPTO, _BUSY. What the socket refuses is repeated: no error.
 */
LUMEN_API LumenStatus lumen_send_input(LumenSession *session, const LumenInputEvent *event);

/* Host: `cb` is called by lumen_host_poll_input, with the event borrowed and `user` as given. NULL
 * takes it away. _INVALID_ARG (client), _BUSY (also inside the callback). */
LUMEN_API LumenStatus lumen_set_input_callback(LumenSession *session,
                                               void (*cb)(const LumenInputEvent *event, void *user),
                                               void *user);

/* Host: receives, and dispatches events on this thread, in order, each once. Returns how many, or a
 * negative status: _INVALID_ARG (client), _CLOSED (nothing is left and the client's end is freed;
 * loopback only), _IO, _BUSY (also inside the callback). Without a callback 0: input waits. Inside
 * the callback all calls but lumen_host_poll_input, lumen_set_input_callback and lumen_session_wait
 * are allowed on the session. What is held down when a session ends is for the host to release. */
LUMEN_API int32_t lumen_host_poll_input(LumenSession *session);

/* ---- Sender: frames in, datagrams out, no socket and no clock ----------------------------------
 */

typedef struct LumenSender LumenSender;

/* config->role is LUMEN_ROLE_HOST; loopback_drop_period is ignored. Statuses as of
 * lumen_session_open, without those of sockets. */
LUMEN_API LumenStatus lumen_sender_create(const LumenConfig *config, LumenSender **out);
LUMEN_API void lumen_sender_destroy(LumenSender *sender);

typedef struct LumenFrameStart {
    uint32_t struct_size; /* sizeof(LumenFrameStart) */
    uint32_t flags;       /* LUMEN_FRAME_... */
    uint64_t pts_ns;
    uint32_t parts; /* how many calls of lumen_sender_push the frame comes in: 1..4 in phase 1,
                       1..64 in phase 2 */
    uint32_t reserved;
} LumenFrameStart;

/* A part of a frame, copied: `start` with the first part, NULL with the others. Its datagrams can
 * be pulled at once; start->parts parts make a frame. In phase 1 each of several parts holds whole
 * slices and is filled up with zero bytes, also the last, as the format has it. A new `start` ends
 * an unfinished frame. _INVALID_ARG (len 0, or more than max_frame_bytes in all, a member of start,
 * no frame begun, more than a block of phase 1 can hold), _FULL (two earlier frames are not pulled
 * yet; nothing has changed), _CRYPTO, _NULL_POINTER. On errors but _FULL and _NULL_POINTER the
 * frame is over, and what is left of it is not sent. */
LUMEN_API LumenStatus lumen_sender_push(LumenSender *sender, const LumenFrameStart *start,
                                        const uint8_t *data, size_t len, uint64_t now_ns);

/* A whole frame. Statuses as above; on each nothing was begun. start->parts is ignored. */
LUMEN_API LumenStatus lumen_sender_push_frame(LumenSender *sender, const LumenFrameStart *start,
                                              const uint8_t *data, size_t len, uint64_t now_ns);

/* Datagrams of equal size, one behind the other, as UDP_SEGMENT wants them. */
typedef struct LumenBatch {
    const uint8_t *data; /* borrowed until lumen_sender_done */
    size_t datagram_bytes;
    uint32_t datagrams; /* 1..64 */
    uint32_t frame_index;
} LumenBatch;

/* _OK: *out is to be sent now; pulling again before done gives it again. _NO_FRAME: nothing now;
 * *wake_at_ns is when, UINT64_MAX when not before something is pushed. */
LUMEN_API LumenStatus lumen_sender_pull(LumenSender *sender, uint64_t now_ns, LumenBatch *out,
                                        uint64_t *wake_at_ns);

/* The first `datagrams` of the pulled batch are on their way. _INVALID_ARG: more than were pulled.
 */
LUMEN_API LumenStatus lumen_sender_done(LumenSender *sender, uint32_t datagrams, uint64_t now_ns);
LUMEN_API LumenStatus lumen_sender_stats(LumenSender *sender, LumenStats *out);

/* ---- Receiver: datagrams in, frames out -------------------------------------------------------
 */

typedef struct LumenReceiver LumenReceiver;

/* config->role is LUMEN_ROLE_CLIENT. Statuses as of lumen_sender_create. */
LUMEN_API LumenStatus lumen_receiver_create(const LumenConfig *config, LumenReceiver **out);
LUMEN_API void lumen_receiver_destroy(LumenReceiver *receiver);

/* One datagram of video, changed in place when encrypted, not kept. Whatever a peer sends, the
 * answer is _OK: what is of no use is counted. _INVALID_ARG: more than 65507 bytes. */
LUMEN_API LumenStatus lumen_receiver_push(LumenReceiver *receiver, uint8_t *datagram, size_t len,
                                          uint64_t now_ns);

/* The next frame, _NO_FRAME: none now. Also gives up what cannot complete at now_ns. */
LUMEN_API LumenStatus lumen_receiver_pop(LumenReceiver *receiver, uint64_t now_ns, LumenFrame *out);
LUMEN_API LumenStatus lumen_receiver_pop_loss(LumenReceiver *receiver, LumenLoss *out);

/* When pop should be called even if nothing arrives; UINT64_MAX: no need, or no such receiver. */
LUMEN_API uint64_t lumen_receiver_wake_at(LumenReceiver *receiver);
LUMEN_API LumenStatus lumen_receiver_stats(LumenReceiver *receiver, LumenStats *out);

/* ---- Erasure codes ---------------------------------------------------------------------------
 *
 * k data shards give m parity shards; any k of the k + m give the data back. Shards lie anywhere,
 * at any alignment; only their bytes are touched, and none may overlap one that is written. */

typedef struct LumenFec LumenFec;

typedef struct LumenFecConfig {
    uint32_t struct_size;          /* sizeof(LumenFecConfig) */
    uint32_t scheme;               /* LUMEN_FEC_GF8: GameStream's matrix, k + m <= 255, m >= 1.
                                      LUMEN_FEC_GF16: Leopard's code, 1 <= m <= k, and k + the
                                      least power of two >= m is at most 65536 */
    uint32_t max_data, max_parity; /* largest k and m, within those bounds */
    uint32_t max_shard_bytes;      /* 1..65472; GF(2^16): even */
    uint32_t reserved;
} LumenFecConfig;

/* _INVALID_ARG, _NULL_POINTER, _NO_MEMORY; *out is NULL then. */
LUMEN_API LumenStatus lumen_fec_create(const LumenFecConfig *config, LumenFec **out);
LUMEN_API void lumen_fec_destroy(LumenFec *fec);

/* Writes parity[0..m-1] from data[0..k-1], shard_bytes each. _INVALID_ARG: k, m or shard_bytes out
 * of range or above those of the config. _NULL_POINTER: also one within the arrays. Then nothing is
 * written. */
LUMEN_API LumenStatus lumen_fec_encode(LumenFec *fec, uint32_t k, uint32_t m,
                                       const uint8_t *const *data, uint8_t *const *parity,
                                       size_t shard_bytes);

/* The same while data arrives: begin, add k times in the order of the shards, finish. A shard stays
 * borrowed until finish or the next begin. _INVALID_ARG as above, or more or fewer shards than k
 * (finish may then be called again after the missing ones), or not begun. */
LUMEN_API LumenStatus lumen_fec_begin(LumenFec *fec, uint32_t k, uint32_t m, size_t shard_bytes);
LUMEN_API LumenStatus lumen_fec_add(LumenFec *fec, const uint8_t *shard);
LUMEN_API LumenStatus lumen_fec_finish(LumenFec *fec, uint8_t *const *parity);

/* shards[0..k-1] are data, shards[k..k+m-1] parity; present[i] is non-zero where shards[i] holds
 * what was sent. Missing data shards need a buffer and are restored there; absent parity may be
 * NULL. *restored (NULL: not wanted) is how many. _UNRECOVERABLE: fewer than k are present; nothing
 * is written then, nor on _INVALID_ARG and _NULL_POINTER. */
LUMEN_API LumenStatus lumen_fec_decode(LumenFec *fec, uint32_t k, uint32_t m,
                                       uint8_t *const *shards, const uint8_t *present,
                                       size_t shard_bytes, uint32_t *restored);

#ifdef __cplusplus
}
#endif

#endif
