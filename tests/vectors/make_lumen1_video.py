#!/usr/bin/python3
"""Writes lumen1-video.json: lumen/1 video datagrams, made by docs/lumen-1.md alone.

Nothing of the library is used: the codes are their closed forms, the cipher is OpenSSL's. The
fuzz target's seeds come from the same datagrams: make_lumen1_video.py [VECTORS.json [SEED_FOLDER]]
"""
import ctypes
import ctypes.util
import hashlib
import json
import os
import struct
import sys

NONE, GF8, GF16 = 0, 1, 2
LAST_BLOCK, MARKS = 1, 6
CLEAR = 0x80
FLOOR = 16

# --- AES-128-GCM ---

crypto = ctypes.CDLL(ctypes.util.find_library("crypto"))
for name in ("EVP_CIPHER_CTX_new", "EVP_aes_128_gcm"):
    getattr(crypto, name).restype = ctypes.c_void_p


def seal(key, nonce, aad, plain):
    """Ciphertext and the 16-byte tag behind it."""
    ctx = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    out = ctypes.create_string_buffer(len(plain) + 16)
    tag = ctypes.create_string_buffer(16)
    n = ctypes.c_int()
    cipher = ctypes.c_void_p(crypto.EVP_aes_128_gcm())
    assert crypto.EVP_EncryptInit_ex(ctx, cipher, None, key, nonce)
    assert crypto.EVP_EncryptUpdate(ctx, None, ctypes.byref(n), aad, len(aad))
    assert crypto.EVP_EncryptUpdate(ctx, out, ctypes.byref(n), plain, len(plain))
    assert n.value == len(plain)
    assert crypto.EVP_EncryptFinal_ex(ctx, out, ctypes.byref(n))
    assert crypto.EVP_CIPHER_CTX_ctrl(ctx, 0x10, 16, tag)  # EVP_CTRL_AEAD_GET_TAG
    crypto.EVP_CIPHER_CTX_free(ctx)
    return out.raw[:len(plain)] + tag.raw


# --- the codes ---

def gf8_tables():
    exp, log, x = [0] * 510, [0] * 256, 1
    for e in range(255):
        exp[e] = exp[e + 255] = x
        log[x] = e
        x = x << 1 ^ (0x11D if x & 0x80 else 0)
    return exp, log


EXP8, LOG8 = gf8_tables()


def gf8_parity(data, m):
    """Row j of data i: 1 / ((m + i) ^ j)."""
    out = []
    for j in range(m):
        row = bytearray(len(data[0]))
        for i, shard in enumerate(data):
            log = 255 - LOG8[(m + i) ^ j]
            table = bytes([0] + [EXP8[(LOG8[v] + log) % 255] for v in range(1, 256)])
            row = bytearray(a ^ b for a, b in zip(row, shard.translate(table)))
        out.append(bytes(row))
    return out


CANTOR = [0x0001, 0xACCA, 0x3C0E, 0x163E, 0xC582, 0xED2E, 0x914C, 0x4012,
          0x6C98, 0x10D8, 0x6A72, 0xB900, 0xFDB8, 0xFB34, 0xFF38, 0x991E]


def gf16_tables():
    label_of = [0] * 65536
    for label in range(65536):
        element = 0
        for i in range(16):
            if label >> i & 1:
                element ^= CANTOR[i]
        label_of[element] = label
    exp, log, x = [0] * 65535, [0] * 65536, 1
    for e in range(65535):
        exp[e] = label_of[x]
        log[label_of[x]] = e
        x = x << 1 ^ (0x1002D if x & 0x8000 else 0)
    return exp, log


EXP16, LOG16 = gf16_tables()


def words(shard):
    """64-byte groups: 32 low bytes, then 32 high bytes."""
    return [shard[g + t] | shard[g + 32 + t] << 8
            for g in range(0, len(shard), 64) for t in range(32)]


def from_words(values):
    out = bytearray()
    for g in range(0, len(values), 32):
        group = values[g:g + 32]
        out += bytes(v & 255 for v in group) + bytes(v >> 8 for v in group)
    return bytes(out)


def gf16_parity(data, m):
    """Row j of data i: (1 + i div M) / ((M + i) ^ j), labels of a Cantor basis."""
    power = 1
    while power < m:
        power *= 2
    columns = [words(shard) for shard in data]
    out = []
    for j in range(m):
        row = [0] * len(columns[0])
        for i, column in enumerate(columns):
            log = LOG16[1 + i // power] - LOG16[(power + i) ^ j]
            row = [r ^ (EXP16[(LOG16[v] + log) % 65535] if v else 0) for r, v in zip(row, column)]
        out.append(from_words(row))
    return out


# --- lumen/1 ---

def parity_count(k, percent):
    return (k * percent + 99) // 100


def blocks_of(case, count):
    """Data shards of each block of a group, as even as can be, the larger ones first."""
    blocks = -(-count // case["max_data_per_block"])
    return [count // blocks + (b < count % blocks) for b in range(blocks)]


def order(case, sizes):
    """(block, shard) in the order of sending."""
    parity = [parity_count(k, case["percent"]) for k in sizes]
    if case["contiguous"]:
        return [(b, s) for b, k in enumerate(sizes) for s in range(k + parity[b])]
    data = [(b, s) for s in range(max(sizes)) for b, k in enumerate(sizes) if s < k]
    return data + [(b, sizes[b] + j) for j in range(max(parity)) for b in range(len(sizes))
                   if j < parity[b]]


def group_datagrams(case, content, first_block, last):
    """Video header and shard of each datagram of one group, in the order of sending."""
    size = case["shard_bytes"]
    shards = [content[i:i + size] for i in range(0, len(content), size)]
    tail = len(shards[-1])
    bare = last and len(shards) == 1 and not case["percent"]
    if not bare:
        shards[-1] = shards[-1].ljust(size, b"\0")
    sizes, at, all_shards = blocks_of(case, len(shards)), 0, []
    for k in sizes:
        data = shards[at:at + k]
        make = {NONE: lambda data, m: [], GF8: gf8_parity, GF16: gf16_parity}[case["code"]]
        all_shards.append(data + make(data, parity_count(k, case["percent"])))
        at += k
    out = []
    for b, s in order(case, sizes):
        end = last and b + 1 == len(sizes)
        out.append(({
            "frame": case["frame"]["number"], "block": first_block + b, "shard": s,
            "data_shards": sizes[b], "parity_shards": len(all_shards[b]) - sizes[b],
            "code": case["code"],
            "flags": (LAST_BLOCK if end else 0) | (case["frame"]["flags"] & MARKS),
            "last_shard_bytes": tail if end else size,
        }, all_shards[b][s]))
    return out, len(sizes)


def frame_bytes(case):
    frame = case["frame"]
    head = struct.pack(">QIIII", frame["capture_ns"], frame["capture_to_send_us"],
                       frame["display_hint_us"], frame["flags"], 0)
    return head + bytes((7 * i + i // 251 + case["seed"]) & 255 for i in range(sum(case["pushes"])))


def frame_datagrams(case):
    """A push before the last closes blocks if 16 shards are whole, and always leaves a byte."""
    content, out, done, have, blocks = frame_bytes(case), [], 0, 24, 0
    for n, size in enumerate(case["pushes"]):
        have += size
        last = n + 1 == len(case["pushes"])
        whole = (have - done - 1) // case["shard_bytes"]
        if not last and whole < FLOOR:
            continue
        end = have if last else done + whole * case["shard_bytes"]
        made, count = group_datagrams(case, content[done:end], blocks, last)
        out += made
        blocks += count
        done = end
    return out


def datagram(case, index, video, shard):
    sequence = case["first_sequence"] + index
    header = struct.pack(">BBHIQ", 1 << 4, 0 if case["encrypted"] else CLEAR, 0,
                         case["session_id"], sequence)
    payload = struct.pack(">IHHHHBBH", *video.values()) + shard
    if case["encrypted"]:
        nonce = bytes.fromhex(case["salt_hex"]) + struct.pack(">Q", sequence)
        payload = seal(bytes.fromhex(case["key_hex"]), nonce, header, payload)
    return {"sequence": sequence, "video": video, "hex": (header + payload).hex()}


def make_case(name, code, percent, max_data, pushes, **more):
    number = sum(name.encode())
    case = {
        "name": name, "encrypted": True, "contiguous": False, "shard_bytes": 512, "code": code,
        "percent": percent, "max_data_per_block": max_data, "pushes": pushes, "seed": number & 255,
        "session_id": 0x1b2c3d00 + number, "first_sequence": number,
        "key_hex": hashlib.sha256(b"key" + name.encode()).hexdigest()[:32],
        "salt_hex": hashlib.sha256(b"salt" + name.encode()).hexdigest()[:8],
        "frame": {"number": number, "capture_ns": 0x0102030405060708, "capture_to_send_us": 3456,
                  "display_hint_us": 16667, "flags": number & MARKS},
    }
    case.update(more)
    case["frame_sha256"] = hashlib.sha256(frame_bytes(case)).hexdigest()
    case["datagrams"] = [datagram(case, i, *d) for i, d in enumerate(frame_datagrams(case))]
    return case


CASES = [
    make_case("one bare datagram", NONE, 0, 65535, [100], first_sequence=0),
    make_case("one bare datagram in clear", NONE, 0, 65535, [100], encrypted=False),
    make_case("no parity", NONE, 0, 65535, [2000], first_sequence=(1 << 48) - 8),
    make_case("no parity, several blocks", NONE, 0, 2, [2000]),
    make_case("GF(2^8)", GF8, 20, 212, [3000]),
    make_case("GF(2^8) in clear", GF8, 20, 212, [3000], encrypted=False),
    make_case("GF(2^8) interleaved", GF8, 50, 3, [3500]),
    make_case("GF(2^8) contiguous", GF8, 50, 3, [3500], contiguous=True),
    make_case("GF(2^8), crumbs of a frame", GF8, 20, 212, [1]),
    make_case("GF(2^16)", GF16, 40, 40960, [3000], shard_bytes=576),
    make_case("GF(2^16) in clear", GF16, 40, 40960, [3000], encrypted=False),
    make_case("GF(2^16), large groups", GF16, 20, 49152, [9000]),
    make_case("GF(2^16) interleaved", GF16, 34, 4, [4600]),
    make_case("parts of a frame, GF(2^8)", GF8, 10, 231, [4000, 5000, 512, 3]),
    make_case("parts of a frame, GF(2^16)", GF16, 10, 10, [9192, 8192, 24], encrypted=False),
]
NOTE = ("The frame's bytes: a 24-byte header, then the access unit, byte i of which is "
        "(7 i + i div 251 + seed) mod 256; `pushes` are the sizes in which it is given to the "
        "sender. Datagrams in the order of sending. key and salt of the host-to-client direction.")


def main():
    folder = os.path.dirname(os.path.abspath(__file__))
    target = sys.argv[1] if len(sys.argv) > 1 else os.path.join(folder, "lumen1-video.json")
    with open(target, "w", encoding="ascii") as file:
        json.dump({"note": NOTE, "cases": CASES}, file, indent=1)
        file.write("\n")
    if len(sys.argv) > 2:
        for case in CASES:
            if not case["encrypted"]:
                name = case["name"].replace(" ", "-").translate({ord(c): None for c in "(),^"})
                with open(os.path.join(sys.argv[2], name), "wb") as file:
                    file.write(bytes([(case["shard_bytes"] - 512) // 64]) +
                               bytes.fromhex(case["datagrams"][-1]["hex"]))


main()
