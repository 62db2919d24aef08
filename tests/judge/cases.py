"""The list of cases, and those after the upgrade: messages, fragments, control frames, text,
closing, everything a frame must not be. A case is a function of the judge's end of the connection;
it returns when the client did right, and raises Lax or Wrong when not."""
import struct

from wire import (BINARY, CLOSE, CONT, PING, PONG, TEXT, Ended, Lax, Silent, Wrong, close,
                  fragments, frame, letters, noise)

CASES = []  # (sentence, function, upgraded)


def case(sentence, upgraded=True):
    def register(function):
        CASES.append((sentence, function, upgraded))
        return function
    return register


def echo(sentence, opcode, payload, *sent, slowly=0):
    """The payload, sent as these bytes (default: one frame), comes back; then a clean close."""
    def run(peer):
        data = b"".join(sent) if sent else frame(opcode, payload)
        if slowly:
            peer.send_slowly(data, slowly)
        else:
            peer.send(data)
        peer.expect(opcode, payload)
        peer.finish()
    case(sentence)(run)


def fails(sentence, codes, *sent, lenient=False):
    """These bytes, each sent by itself, make the client fail the connection. lenient: the RFC
    forbids it to the sender only, so to accept it is lax, not wrong."""
    def run(peer):
        try:
            for part in sent:
                peer.send(part)
        except Ended:
            pass  # it may fail before the last of them
        try:
            peer.expect_failure(*codes)
        except Wrong as wrong:
            if lenient and "where it must end" in str(wrong):
                raise Lax("accepts it") from None
            raise
    case(sentence)(run)


# ---- messages ----

for size in (0, 1, 125, 126, 127, 65535, 65536, 1 << 20):
    echo(f"text message of {size} bytes", TEXT, letters(size))
    echo(f"binary message of {size} bytes", BINARY, noise(size))
echo("message byte by byte", TEXT, letters(200), slowly=1)
echo("header of 10 bytes and the payload behind it in pieces of 1000", BINARY, letters(70000),
     slowly=1000)


@case("a thousand messages in one write come back in order")
def many_at_once(peer):
    messages = [b"message %d " % i + letters(i % 300) for i in range(1000)]
    peer.send(*(frame(TEXT, m) for m in messages))
    for message in messages:
        peer.expect(TEXT, message)
    peer.finish()


@case("text and binary in turn keep their kind")
def kinds(peer):
    for i in range(20):
        peer.send(frame(BINARY if i % 2 else TEXT, b"x" * i))
    for i in range(20):
        peer.expect(BINARY if i % 2 else TEXT, b"x" * i)
    peer.finish()


@case("every frame has a mask of its own")
def masks(peer):
    peer.send(*(frame(TEXT, b"m") for _ in range(16)))
    for _ in range(16):
        peer.expect(TEXT, b"m")
    if len(set(peer.masks)) < 16:
        raise Wrong(f"{len(set(peer.masks))} different masks in 16 frames")
    peer.finish()


# ---- fragments ----

echo("message in two fragments", TEXT, b"onetwo", *fragments(TEXT, b"one", b"two"))
echo("binary message in ten fragments", BINARY, noise(0) + b"0123456789" * 10,
     *fragments(BINARY, *[b"0123456789"] * 10))
echo("first fragment empty", TEXT, b"rest", *fragments(TEXT, b"", b"rest"))
echo("last fragment empty", TEXT, b"begin", *fragments(TEXT, b"begin", b""))
echo("three empty fragments are an empty message", TEXT, b"", *fragments(TEXT, b"", b"", b""))
echo("1 MiB in 1,024 fragments", BINARY, letters(1 << 20),
     *fragments(BINARY, *[letters(1 << 20)[i:i + 1024] for i in range(0, 1 << 20, 1024)]))
echo("fragments byte by byte", TEXT, letters(40), *fragments(TEXT, letters(20), letters(40)[20:]),
     slowly=1)


@case("pings between fragments are answered, and the message is whole")
def ping_between(peer):
    parts = fragments(TEXT, b"a", b"b", b"c")
    peer.send(parts[0], frame(PING, b"1"), parts[1], frame(PING, b"2"), parts[2])
    peer.expect(PONG, b"1", "pong")
    peer.expect(PONG, b"2", "pong")
    peer.expect(TEXT, b"abc")
    peer.finish()


@case("a pong between fragments changes nothing")
def pong_between(peer):
    parts = fragments(BINARY, b"a", b"b")
    peer.send(parts[0], frame(PONG, b"unasked"), parts[1])
    peer.expect(BINARY, b"ab")
    peer.finish()


@case("a close frame between fragments ends the connection; the message is dropped")
def close_between(peer):
    peer.send(fragments(TEXT, b"a", b"b")[0], close(1001))
    peer.expect_close_reply(1001)


fails("continuation frame without a message", [1002], frame(CONT, b"x"))
fails("first fragment is a continuation", [1002], frame(CONT, b"x", fin=False), frame(TEXT, b"y"))
fails("text frame inside a fragmented message", [1002], frame(TEXT, b"a", fin=False),
      frame(TEXT, b"b"))
fails("binary fragment inside a fragmented message", [1002], frame(TEXT, b"a", fin=False),
      frame(BINARY, b"b", fin=False))


@case("continuation frame after the last fragment")
def continuation_after(peer):
    peer.send(*fragments(TEXT, b"a", b"b"))
    peer.expect(TEXT, b"ab")
    peer.send(frame(CONT, b"c"))
    peer.expect_failure(1002)


# ---- control frames ----

def ping(sentence, payload):
    def run(peer):
        peer.send(frame(PING, payload))
        peer.expect(PONG, payload, "pong")
        peer.finish()
    case(sentence)(run)


ping("empty ping", b"")
ping("ping of 125 bytes", letters(125))
ping("ping with bytes that are not text", bytes(range(131, 256)))


@case("ten pings at once are answered by ten pongs in order")
def ten_pings(peer):
    peer.send(*(frame(PING, b"ping %d" % i) for i in range(10)))
    for i in range(10):
        peer.expect(PONG, b"ping %d" % i, f"pong {i}")
    peer.finish()


@case("pings among messages are answered in their place")
def pings_among(peer):
    peer.send(*(frame(PING, b"p%d" % i) + frame(TEXT, b"t%d" % i) for i in range(5)))
    seen = {PONG: [], TEXT: []}
    for _ in range(10):
        try:
            opcode, payload = peer.read()
        except (Ended, Silent):
            raise Wrong(f"{len(seen[PONG])} pongs and {len(seen[TEXT])} echoes of 5") from None
        if opcode not in seen:
            raise Wrong(f"sends opcode {opcode}")
        seen[opcode].append(payload)
    if seen != {PONG: [b"p%d" % i for i in range(5)], TEXT: [b"t%d" % i for i in range(5)]}:
        raise Wrong("pongs or echoes out of order")
    peer.finish()


@case("pongs that nobody asked for are passed over")
def unasked_pongs(peer):
    peer.send(frame(PONG), frame(PONG, letters(125)), frame(TEXT, b"after"))
    peer.expect(TEXT, b"after")
    peer.finish()


@case("a ping byte by byte")
def slow_ping(peer):
    peer.send_slowly(frame(PING, letters(50)))
    peer.expect(PONG, letters(50), "pong")
    peer.finish()


fails("ping of 126 bytes", [1002], frame(PING, letters(126)))
fails("pong of 126 bytes", [1002], frame(PONG, letters(126)))
fails("fragmented ping", [1002], frame(PING, b"x", fin=False), frame(CONT, b"y"))
fails("fragmented close frame", [1002], frame(CLOSE, b"\x03\xe8", fin=False))

# ---- text ----

for name, text in (("Greek", "κόσμε"), ("four-byte characters", "😀🎲𐍈"),
                   ("U+10FFFF", "\U0010ffff"), ("a byte order mark", "\ufeffx"),
                   ("non-characters", "\ufffe\uffff"), ("a NUL", "a\0b")):
    echo(f"text with {name}", TEXT, text.encode())
echo("text of 64 KiB without any ASCII", TEXT, ("日本語" * 7282).encode())
MIXED = "aé€😀z".encode()
echo("text in fragments of one byte, cut inside its characters", TEXT, MIXED,
     *fragments(TEXT, *[MIXED[i:i + 1] for i in range(len(MIXED))]))
echo("a character cut by the border of two fragments", TEXT, b"\xe2\x82\xac",
     *fragments(TEXT, b"\xe2", b"\x82\xac"))
echo("bytes that are not UTF-8, in a binary message", BINARY, b"\xff\xfe\x80\xc0")

for name, text in (("a stray continuation byte", b"a\x80b"), ("an overlong slash", b"\xc0\xaf"),
                   ("an overlong form of three bytes", b"\xe0\x80\xaf"),
                   ("a surrogate", b"\xed\xa0\x80"),
                   ("a character above U+10FFFF", b"\xf4\x90\x80\x80"),
                   ("a character of five bytes", b"\xf8\x88\x80\x80\x80"), ("byte 0xff", b"\xff"),
                   ("a character cut by the end", b"abc\xe2\x82"),
                   ("a bad byte behind 1,000 good ones", letters(1000) + b"\xc3(" + letters(100))):
    fails(f"text that is not UTF-8: {name}", [1007], frame(TEXT, text))
fails("text that is not UTF-8, in the second fragment", [1007],
      *fragments(TEXT, b"good", b"b\xffd"))
fails("a character cut by fragments and never finished", [1007],
      *fragments(TEXT, b"a\xe2", b"\x82"))
fails("a character cut by fragments and finished wrongly", [1007],
      *fragments(TEXT, b"a\xed", b"\xa0\x80"))

# ---- closing ----


def closes(sentence, sent, code):
    def run(peer):
        peer.send(sent)
        peer.expect_close_reply(code)
    case(sentence)(run)


for legal in (1000, 1001, 1003, 1007, 1011, 1012, 1014, 3000, 4999):
    closes(f"close code {legal} is answered", close(legal), legal)
closes("an empty close frame is answered", close(), 1005)
closes("a close frame with a reason of 123 bytes is answered", close(1000, letters(123)), 1000)
closes("a close frame with a reason beyond ASCII is answered", close(1000, "Grüße".encode()), 1000)


def bad_close(sentence, sent, *codes):
    """Like fails(), and to answer with the very code that is illegal is to have let it pass."""
    def run(peer):
        peer.send(sent)
        code = peer.expect_end()
        if code is None:
            raise Lax("ends without a close frame")
        if code not in codes:
            raise Lax(f"answers with close code {code}, expected {codes[0]}")
    case(sentence)(run)


for illegal in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535):
    bad_close(f"close code {illegal} is refused", close(illegal), 1002)
bad_close("a close frame of one byte is refused", frame(CLOSE, b"\x03"), 1002)
bad_close("a close frame of 126 bytes is refused", close(1000, letters(124)), 1002)
bad_close("a reason that is not UTF-8 is refused", close(1000, b"\xff\xfe"), 1007, 1002)


@case("what follows a close frame is not looked at")
def after_close(peer):
    peer.send(close(1000), frame(TEXT, b"late"), frame(PING, b"late"))
    peer.expect_close_reply(1000)


# ---- what a frame must not be ----

for bit in (0x40, 0x20, 0x10, 0x70):
    fails(f"reserved bits 0x{bit:02x} in a text frame", [1002], frame(TEXT, b"x", rsv=bit))
fails("a reserved bit in a ping", [1002], frame(PING, b"x", rsv=0x40))
fails("a reserved bit in a continuation", [1002], frame(TEXT, b"a", fin=False),
      frame(CONT, b"b", rsv=0x40))
for reserved in (3, 7, 11, 15):
    fails(f"reserved opcode {reserved}", [1002], frame(reserved, b"x"))
fails("reserved opcode 3 inside a fragmented message", [1002], frame(TEXT, b"a", fin=False),
      frame(3, b"b"))
fails("masked text frame", [1002], frame(TEXT, b"x", mask=b"\x01\x02\x03\x04"))
fails("masked text frame, mask 0", [1002], frame(TEXT, b"x", mask=b"\0\0\0\0"))
fails("masked ping", [1002], frame(PING, b"", mask=b"\x01\x02\x03\x04"))
fails("length 125 written in two bytes", [1002], frame(TEXT, letters(125), length=16),
      lenient=True)
fails("length 65535 written in eight bytes", [1002], frame(TEXT, letters(65535), length=64),
      lenient=True)
fails("length of 64 bits with the high bit", [1002, 1009],
      frame(TEXT, b"", length=b"\x7f\x80" + b"\0" * 7))


@case("good message, then a bad frame in the same write: the message comes back first")
def good_then_bad(peer):
    peer.send(frame(TEXT, b"good"), frame(3, b"bad"))
    peer.expect(TEXT, b"good")
    peer.expect_failure(1002)


# ---- size ----

@case("a frame that announces 2^62 bytes is refused at once")
def absurd_length(peer):
    peer.send(frame(BINARY, b"", length=b"\x7f" + struct.pack(">Q", 1 << 62)))
    peer.expect_failure(1009)


@case("a frame that announces one byte above the limit is refused at once")
def over_limit(peer):
    peer.send(frame(BINARY, b"", length=b"\x7f" + struct.pack(">Q", peer.max_message + 1)))
    peer.expect_failure(1009)


@case("fragments that grow above the limit are refused")
def fragments_over_limit(peer):
    piece = bytes(1 << 20)
    try:
        peer.send(frame(BINARY, piece, fin=False))
        for _ in range(peer.max_message >> 20):
            peer.send(frame(CONT, piece, fin=False))
    except Ended:
        pass
    peer.expect_failure(1009)


@case("a message of exactly the limit comes back")
def at_limit(peer):
    message = bytes(peer.max_message)
    peer.send(frame(BINARY, message))
    peer.expect(BINARY, message)
    peer.finish()
