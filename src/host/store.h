/* What the host must not forget: its identity, the paired devices, the numbers of its
 * applications. One SQLite database in the state directory (WAL, synchronous=FULL: what a call has
 * confirmed survives a crash of the machine). One thread (main) owns a store. */
#ifndef LUMEN_HOST_STORE_H
#define LUMEN_HOST_STORE_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STORE_PEM_BYTES = 8192,
    STORE_CERT_BYTES = 8192,
    STORE_NAME_BYTES = 64,
    STORE_FINGERPRINT_BYTES = 32,
    STORE_MAX_DEVICES = 256,
};

struct store;

struct store_identity {
    char key_pem[STORE_PEM_BYTES];
    char cert_pem[STORE_PEM_BYTES];
    char unique_id[40]; /* UUID text */
};

struct store_device {
    char name[STORE_NAME_BYTES];                  /* unique among devices */
    uint8_t fingerprint[STORE_FINGERPRINT_BYTES]; /* SHA-256 of the certificate's DER */
    uint8_t cert_der[STORE_CERT_BYTES];
    size_t cert_bytes;
    int64_t paired_at, seen_at; /* seconds since 1970 */
};

/* Opens or creates `dir`/lumen.db (dir is made with mode 0700). On failure `error` gets a sentence
 * that says what to do, and nothing on disk is changed: LM_EEXIST when another host uses it,
 * LM_ECORRUPT, LM_EUNSUPPORTED when a newer lumen wrote it, LM_EIO. */
int store_open(const char *dir, struct store **out, char *error, size_t error_bytes) LM_MUST_USE;

/* NULL-safe. */
void store_close(struct store *store);

/* LM_ENOENT before the first store_set_identity. */
int store_identity(struct store *store, struct store_identity *out) LM_MUST_USE;
int store_set_identity(struct store *store, const struct store_identity *identity) LM_MUST_USE;

/* On disk when it returns LM_OK. The same certificate again: its name and time are replaced. The
 * name is made unique by a number. LM_EFULL at STORE_MAX_DEVICES. */
int store_add_device(struct store *store, struct store_device *device) LM_MUST_USE;

/* By the complete DER bytes. LM_ENOENT. */
int store_find_device(struct store *store, const uint8_t *cert_der, size_t cert_bytes,
                      struct store_device *out) LM_MUST_USE;

/* Gone from disk when it returns LM_OK; *removed tells which it was. LM_ENOENT. */
int store_remove_device(struct store *store, const char *name,
                        struct store_device *removed) LM_MUST_USE;

/* Devices in order of pairing; at most `capacity`. Returns the number filled in. */
int store_list_devices(struct store *store, struct store_device *out, size_t capacity) LM_MUST_USE;

int store_touch_device(struct store *store, const uint8_t fingerprint[STORE_FINGERPRINT_BYTES],
                       int64_t now_s) LM_MUST_USE;

/* The stable positive number of an application: the same after a restart, another when its art
 * changes (clients keep pictures by number forever). */
int store_app_id(struct store *store, const char *name, const uint8_t art_hash[32],
                 int32_t *id) LM_MUST_USE;

#endif
