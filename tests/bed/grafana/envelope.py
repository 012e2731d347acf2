"""Grafana's encryption of datasource passwords: envelope encryption with AES-256 in CFB mode.

The layout is the one that Grafana 9 to 13 write: a payload is `#<base64 of the data key's name>#` and a sealed
text; a sealed text is `*<base64 of the algorithm>*`, 8 bytes of salt, 16 bytes of IV and the ciphertext, under the
key PBKDF2-HMAC-SHA256(secret, salt, 10,000 rounds). The data key itself is sealed with `secret_key`.
"""

import base64
import functools
import hashlib
import os

ALGORITHM = b"*" + base64.b64encode(b"aes-cfb").rstrip(b"=") + b"*"


def _times2(value):
    return ((value << 1) ^ (0x11B if value & 0x80 else 0)) & 0xFF


def _sbox():
    box, p, q = [0x63] * 256, 1, 1
    while True:
        p = p ^ _times2(p)
        for shift in (1, 2, 4):
            q ^= (q << shift) & 0xFF
        q ^= 0x09 if q & 0x80 else 0
        rotated = q ^ (q << 1 | q >> 7) ^ (q << 2 | q >> 6) ^ (q << 3 | q >> 5) ^ (q << 4 | q >> 4)
        box[p] = (rotated & 0xFF) ^ 0x63
        if p == 1:
            return box


SBOX = _sbox()


def _round_keys(key):
    words = [list(key[i : i + 4]) for i in range(0, 32, 4)]
    constant = 1
    while len(words) < 60:
        word = list(words[-1])
        if len(words) % 8 == 0:
            word = [SBOX[b] for b in word[1:] + word[:1]]
            word[0] ^= constant
            constant = _times2(constant)
        elif len(words) % 8 == 4:
            word = [SBOX[b] for b in word]
        words.append([a ^ b for a, b in zip(words[-8], word)])
    return [sum(words[i : i + 4], []) for i in range(0, 60, 4)]


def _block(keys, block):
    state = [a ^ b for a, b in zip(block, keys[0])]
    for number in range(1, 15):
        state = [SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]
        if number < 14:
            mixed = []
            for column in range(0, 16, 4):
                a = state[column : column + 4]
                total = a[0] ^ a[1] ^ a[2] ^ a[3]
                mixed += [a[i] ^ total ^ _times2(a[i] ^ a[(i + 1) % 4]) for i in range(4)]
            state = mixed
        state = [a ^ b for a, b in zip(state, keys[number])]
    return bytes(state)


def _cfb(key, iv, data, encrypt):
    keys, out, feedback = _round_keys(key), b"", iv
    for begin in range(0, len(data), 16):
        chunk = data[begin : begin + 16]
        made = bytes(a ^ b for a, b in zip(chunk, _block(keys, feedback)))
        out += made
        feedback = made if encrypt else chunk
    return out


@functools.lru_cache
def _derived(secret, salt):
    return hashlib.pbkdf2_hmac("sha256", secret, salt, 10000, 32)


def seal(secret, plain):
    salt, iv = os.urandom(4).hex().encode(), os.urandom(16)
    return ALGORITHM + salt + iv + _cfb(_derived(secret, salt), iv, plain, True)


def unseal(secret, sealed):
    """The plain bytes; without authentication, a wrong secret gives other bytes, as in Grafana."""
    if not sealed.startswith(ALGORITHM):
        raise ValueError("unknown encryption algorithm")
    body = sealed[len(ALGORITHM) :]
    return _cfb(_derived(secret, body[:8]), body[8:24], body[24:], False)


def seal_payload(name, data_key, plain):
    return b"#" + base64.b64encode(name.encode()).rstrip(b"=") + b"#" + seal(data_key, plain)


def split_payload(payload):
    """(name of the data key, sealed text)."""
    _, name, sealed = payload.split(b"#", 2)
    return base64.b64decode(name + b"=" * (-len(name) % 4)).decode(), sealed
