"""A second reader of captures, written from core/record/format.h and sharing nothing with the first: headers, the
chain of hashes, and the records of every chunk (zstd by the system's library)."""
import ctypes
import hashlib
import json
import struct
import zlib

FILE = struct.Struct("<8sII16sIIQQ32sII")
CHUNK = struct.Struct("<IHHIIQQQII32sII")
INSTANCE, BEGIN, CALL, END = 1, 2, 5, 6
ON_EVENTS = 3  # the callback of a BEGIN


def unzstd(stored, raw_len):
    zstd = ctypes.CDLL("libzstd.so.1")
    zstd.ZSTD_decompress.restype = ctypes.c_size_t
    out = ctypes.create_string_buffer(raw_len)
    n = zstd.ZSTD_decompress(out, ctypes.c_size_t(raw_len), stored, ctypes.c_size_t(len(stored)))
    assert n == raw_len, "a chunk does not unpack"
    return out.raw


def chunks(path):
    """(header fields, records) of every chunk of one segment; asserts what the format promises."""
    data = path.read_bytes()
    head = data[:FILE.size]
    magic, version, size = FILE.unpack(head)[:3]
    assert (magic, version, size) == (b"HAWSEREC", 1, FILE.size), "no capture"
    assert zlib.crc32(head[:-4]) == FILE.unpack(head)[-1], "the file header's CRC"
    before, at = hashlib.sha256(head).digest(), FILE.size
    while at + CHUNK.size <= len(data):
        header = data[at:at + CHUNK.size]
        fields = CHUNK.unpack(header)
        assert fields[0] == 0x4B4E4843 and zlib.crc32(header[:-4]) == fields[-1], "a chunk header's CRC"
        stored = data[at + CHUNK.size:at + CHUNK.size + fields[4]]
        if len(stored) < fields[4]:
            return  # cut off
        before = hashlib.sha256(before + header[:48] + stored).digest()
        assert before == fields[10], "the chain of hashes"
        at += CHUNK.size + fields[4]
        yield fields, (unzstd(stored, fields[3]) if fields[1] == 1 else stored)


def records(raw):
    """(kind, slot of the instance, bytes) of every record of a chunk."""
    at = 0
    while at < len(raw):
        length, kind, slot = struct.unpack_from("<IHH", raw, at)
        assert length >= 8 and length % 8 == 0 and at + length <= len(raw), "a record's length"
        yield kind, slot, raw[at:at + length]
        at += length


def instance(record):
    """What an INSTANCE record says, as JSON."""
    length, = struct.unpack_from("<Q", record, 16)
    return json.loads(record[24:24 + length])


def call(record):
    """(kind, code, arguments, views) of a CALL record."""
    kind, args, views, code = struct.unpack_from("<HBBi", record, 8)
    words = struct.unpack_from(f"<{args + views}Q", record, 24)
    at, data = 24 + 8 * (args + views), []
    for length in words[args:]:
        data.append(record[at:at + length])
        at += length + -length % 8
    return kind, code, words[:args], data
