"""Cases of the opening handshake and of connections that break: good answers in odd forms, bad
answers, silence, half answers, half frames. Behind every bad 101 goes a message: a client that
echoes it took the answer for good."""
import time
import zlib

from cases import case
from wire import (BINARY, CLOSE, CONT, PING, PONG, TAIL, TEXT, Ended, Lax, Silent, Skip, Wrong,
                  close, frame, letters)

GHOST = frame(TEXT, b"ghost")


# ---- answers that open the connection ----

def opens(sentence, make, slowly=0):
    def run(peer):
        peer.read_request()
        data = make(peer)
        if slowly:
            peer.send_slowly(data, slowly)
        else:
            peer.send(data)
        peer.send(frame(TEXT, b"after"))
        peer.expect(TEXT, b"after")
        peer.finish()
    case(sentence, upgraded=False)(run)


def recased(peer, change):
    lines = peer.answer().decode().split("\r\n")
    return "\r\n".join([lines[0]] + [change(line.partition(":")[0]) + ":" + line.partition(":")[2]
                                     if ":" in line else line for line in lines[1:]]).encode()


opens("answer as usual", lambda peer: peer.answer())
opens("header names in lower case", lambda peer: recased(peer, str.lower))
opens("header names in upper case", lambda peer: recased(peer, str.upper))
opens("values in other case: WebSocket, upgrade",
      lambda peer: peer.answer(Upgrade="WebSocket", Connection="upgrade"))
opens("Connection: keep-alive, Upgrade", lambda peer: peer.answer(Connection="keep-alive, Upgrade"))
opens("two Connection headers", lambda peer: peer.answer("Connection: keep-alive"))
opens("no space behind the colons", lambda peer: peer.answer().replace(b": ", b":"))
opens("more space and tabs around the values",
      lambda peer: peer.answer(Upgrade="\t websocket \t", Connection="   Upgrade  "))
opens("no reason behind the status", lambda peer: peer.answer(status="101 "))
opens("another reason behind the status",
      lambda peer: peer.answer(status="101 Web Socket Protocol Handshake"))
opens("headers nobody asked for, 8 KB of them",
      lambda peer: peer.answer("Server: judge",
                               *(f"X-Filler-{i}: {'f' * 500}" for i in range(15))))
opens("answer byte by byte", lambda peer: peer.answer(), slowly=1)
opens("answer in two writes", lambda peer: peer.answer(), slowly=60)


@case("first frame in the same write as the answer", upgraded=False)
def glued(peer):
    peer.read_request()
    peer.send(peer.answer() + frame(TEXT, b"glued") + frame(PING, b"p"))
    peer.expect(TEXT, b"glued")
    peer.expect(PONG, b"p", "pong")
    peer.finish()


@case("half of the first frame in the same write as the answer", upgraded=False)
def half_glued(peer):
    peer.read_request()
    data = frame(TEXT, letters(300))
    peer.send(peer.answer() + data[:3])
    time.sleep(0.05)
    peer.send(data[3:])
    peer.expect(TEXT, letters(300))
    peer.finish()


@case("close frame in the same write as the answer", upgraded=False)
def glued_close(peer):
    peer.read_request()
    peer.send(peer.answer() + close(1001))
    peer.expect_close_reply(1001)


@case("bad frame in the same write as the answer", upgraded=False)
def glued_bad(peer):
    peer.read_request()
    peer.send(peer.answer() + frame(TEXT, b"x", mask=b"abcd"))
    peer.expect_failure(1002)


# ---- answers that do not ----

def refused_after(peer):
    """Nothing may come from the client but its end."""
    try:
        opcode, payload = peer.read()
    except Ended:
        return
    except Silent:
        raise Wrong("keeps the connection open") from None
    if opcode == CLOSE:
        raise Lax("sends a close frame on a connection that never opened")
    raise Wrong("took it for an upgrade: echoes" if payload == b"ghost"
                else f"sends opcode {opcode}")


def refuses(sentence, make, lenient=False):
    """lenient: HTTP lets a reader repair this; to accept it is lax, not wrong."""
    def run(peer):
        peer.read_request()
        try:
            peer.send(make(peer), GHOST)
            refused_after(peer)
        except Ended:
            pass
        except Wrong as wrong:
            if lenient and "took it" in str(wrong):
                raise Lax("accepts it") from None
            raise
    case(sentence, upgraded=False)(run)


refuses("wrong Sec-WebSocket-Accept",
        lambda peer: peer.answer(Sec_WebSocket_Accept="s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
refuses("Sec-WebSocket-Accept in another case",
        lambda peer: peer.answer(Sec_WebSocket_Accept=peer.accept().swapcase()))
refuses("Sec-WebSocket-Accept with a character more",
        lambda peer: peer.answer(Sec_WebSocket_Accept=peer.accept() + "="))
refuses("no Sec-WebSocket-Accept", lambda peer: peer.answer(leave=["Sec-WebSocket-Accept"]))
refuses("two Sec-WebSocket-Accept, the second wrong",
        lambda peer: peer.answer("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        lenient=True)
refuses("two Sec-WebSocket-Accept, the first wrong", lambda peer: peer.answer().replace(
    b"Sec-WebSocket-Accept", b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    b"Sec-WebSocket-Accept"), lenient=True)
refuses("no Upgrade", lambda peer: peer.answer(leave=["Upgrade"]))
refuses("Upgrade to something else", lambda peer: peer.answer(Upgrade="h2c"))
refuses("no Connection", lambda peer: peer.answer(leave=["Connection"]))
refuses("Connection without upgrade", lambda peer: peer.answer(Connection="keep-alive"))
refuses("HTTP/1.0 101", lambda peer: peer.answer().replace(b"HTTP/1.1", b"HTTP/1.0", 1),
        lenient=True)
refuses("an extension that was not offered",
        lambda peer: peer.answer("Sec-WebSocket-Extensions: x-judge-extension"))
refuses("permessage-deflate with a parameter that does not exist",
        lambda peer: peer.answer("Sec-WebSocket-Extensions: permessage-deflate; judge=1"))
refuses("a subprotocol that was not offered",
        lambda peer: peer.answer("Sec-WebSocket-Protocol: judge"))
refuses("status 200 with the headers of an upgrade", lambda peer: peer.answer(status="200 OK"))
refuses("a header folded over two lines", lambda peer: peer.answer("X-Folded: one", " two"),
        lenient=True)
refuses("space before a header's colon", lambda peer: peer.answer("X-Space : one"), lenient=True)
refuses("a header line without a colon", lambda peer: peer.answer("nothing"))
refuses("a NUL in a header", lambda peer: peer.answer("X-Nul: a\0b"))
refuses("lines that end in LF alone", lambda peer: peer.answer().replace(b"\r\n", b"\n"),
        lenient=True)
refuses("a status line that is none", lambda peer: b"HELLO 101\r\n\r\n")
refuses("a head without end, 256 KiB of it",
        lambda peer: peer.answer(f"X-Long: {'x' * (256 << 10)}"))
refuses("bytes of another protocol", lambda peer: b"\x15\x03\x03\x00\x02\x02\x46")


def status(sentence, line, *headers, body=b""):
    """No upgrade, and no second try within a second where the server asked for a pause."""
    def run(peer):
        peer.read_request()
        head = [f"HTTP/1.1 {line}", f"Content-Length: {len(body)}", *headers]
        peer.send("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        refused_after(peer)
        if any(h.startswith("Retry-After") for h in headers) and peer.comes_back(1.0):
            raise Lax("is back within a second, though the server asked for a pause")
    case(sentence, upgraded=False)(run)


status("status 200 and a page", "200 OK", "Content-Type: text/html", body=b"<html></html>")
status("status 301 is not followed", "301 Moved Permanently", "Location: /elsewhere")
status("status 401", "401 Unauthorized", "WWW-Authenticate: Basic", body=b"no key\n")
status("status 403", "403 Forbidden", body=b"blocked\n")
status("status 404", "404 Not Found")
status("status 426", "426 Upgrade Required", "Sec-WebSocket-Version: 14")
status("status 429 with Retry-After", "429 Too Many Requests", "Retry-After: 5",
       body=b"slow down\n")
status("status 503 with Retry-After", "503 Service Unavailable", "Retry-After: 5")
status("status 500 without a body", "500 Internal Server Error")


# ---- silence and cut connections ----

def cut(sentence, make, reads=True):
    """The server sends this much, then ends its side: the client must end too, and send nothing but
    a close frame."""
    def run(peer):
        if reads:
            peer.read_request()
        peer.send(make(peer))
        peer.half_close()
        if not reads:
            peer.discard_until_end()
        else:
            peer.expect_end()
    case(sentence, upgraded=False)(run)


def reset(sentence, make, reads=True):
    """The same by a reset: the client must notice, seen by its end or by its coming back."""
    def run(peer):
        if reads:
            peer.read_request()
            peer.send(make(peer))
            time.sleep(0.05)
        peer.reset()
        if not peer.notices():
            raise Wrong("does not notice that the connection is gone")
    case(sentence, upgraded=False)(run)


def hangs(sentence, make):
    """The server says this much and no more: the client must give up by itself."""
    def run(peer):
        peer.read_request()
        peer.send(make(peer))
        try:
            peer.expect_end(allow_close=False)
        except Wrong as wrong:
            raise Wrong(f"{wrong}: no limit of time for the answer") from None
    case(sentence, upgraded=False)(run)


cut("end before the request is read", lambda peer: b"", reads=False)
cut("end without an answer", lambda peer: b"")
cut("end inside the status line", lambda peer: b"HTTP/1.1 10")
cut("end inside the answer's head", lambda peer: peer.answer()[:70])
cut("end directly behind the answer", lambda peer: peer.answer())
cut("end inside a frame's header", lambda peer: peer.answer() + frame(TEXT, letters(300))[:3])
cut("end inside a frame's payload", lambda peer: peer.answer() + frame(TEXT, letters(300))[:200])
cut("end inside a fragmented message", lambda peer: peer.answer() + frame(TEXT, b"a", fin=False))
reset("reset before the request is read", lambda peer: b"", reads=False)
reset("reset without an answer", lambda peer: b"")
reset("reset inside the answer's head", lambda peer: peer.answer()[:70])
reset("reset inside a frame's payload",
      lambda peer: peer.answer() + frame(TEXT, letters(300))[:200])
hangs("no answer at all", lambda peer: b"")
hangs("an answer that stops inside its head", lambda peer: peer.answer()[:-2])


@case("every connection has a key of its own", upgraded=False)
def keys(peer):
    peer.read_request()
    key = peer.headers["sec-websocket-key"]
    if key in peer.keys_seen:
        raise Wrong("the same key as in an earlier case")
    peer.upgrade()
    peer.finish()


# ---- permessage-deflate, where the client offers it ----

DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"


def deflated(sentence, *parameters):
    """Agrees on permessage-deflate, if that was offered."""
    def register(function):
        def run(peer):
            peer.read_request()
            if "permessage-deflate" not in peer.headers.get("sec-websocket-extensions", ""):
                raise Skip("permessage-deflate was not offered")
            peer.upgrade("; ".join((DEFLATE, *parameters)))
            peer.inflater = zlib.decompressobj(-15)
            peer.client_forgets = "client_no_context_takeover" in parameters
            function(peer)
        case(f"permessage-deflate: {sentence}", upgraded=False)(run)
    return register


def packer(bits=15):
    return zlib.compressobj(9, zlib.DEFLATED, -bits)


def pack(state, message):
    return (state.compress(message) + state.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)


@deflated("compressed messages, each referring to those before")
def takeover(peer):
    state = packer()
    for i in range(20):
        peer.send(frame(TEXT, pack(state, letters(2000 + i)), rsv=0x40))
        peer.expect(TEXT, letters(2000 + i))
    peer.finish()


@deflated("no context takeover in either direction", "server_no_context_takeover",
          "client_no_context_takeover")
def no_takeover(peer):
    for i in range(20):
        peer.send(frame(TEXT, pack(packer(), letters(2000 + i)), rsv=0x40))
        peer.expect(TEXT, letters(2000 + i))
    peer.finish()


@deflated("the server forgets nothing, though it agreed to", "server_no_context_takeover")
def broken_promise(peer):
    state = packer()
    peer.send(frame(TEXT, pack(state, letters(500)), rsv=0x40))
    peer.expect(TEXT, letters(500))
    peer.send(frame(TEXT, pack(state, letters(500)), rsv=0x40))
    try:
        peer.expect_failure(1007, 1002)
    except Wrong as wrong:
        raise Lax(f"inflates it all the same: {wrong}") from None


@deflated("a window of 512 bytes at the server", "server_max_window_bits=9")
def small_window(peer):
    state = packer(9)
    for i in range(20):
        peer.send(frame(BINARY, pack(state, letters(2000 + i)), rsv=0x40))
        peer.expect(BINARY, letters(2000 + i))
    peer.finish()


@deflated("compressed in fragments, a ping between, plain messages among them")
def packed_fragments(peer):
    state = packer()
    for i in range(10):
        data = pack(state, letters(3000 + i))
        peer.send(frame(TEXT, data[:7], fin=False, rsv=0x40), frame(PING, b"p"),
                  frame(CONT, data[7:]), frame(TEXT, b"plain"))
        peer.expect(PONG, b"p", "pong")
        peer.expect(TEXT, letters(3000 + i))
        peer.expect(TEXT, b"plain")
    peer.finish()


@deflated("an empty message, and one that compresses to more than it was")
def odd_sizes(peer):
    state = packer()
    for message in (b"", b"x", bytes(range(256)), b""):
        data = pack(state, message) if message else b"\x00"
        peer.send(frame(BINARY, data, rsv=0x40))
        peer.expect(BINARY, message)
    peer.finish()


@deflated("text that is not UTF-8 once it is inflated")
def packed_bad_text(peer):
    peer.send(frame(TEXT, pack(packer(), b"a\xed\xa0\x80"), rsv=0x40))
    peer.expect_failure(1007)


@deflated("bytes that are not deflate")
def not_deflate(peer):
    peer.send(frame(TEXT, b"\xff\xff\xff\xff", rsv=0x40))
    peer.expect_failure(1007, 1002)


@deflated("a message that inflates to one byte above the limit")
def bomb(peer):
    peer.send(frame(BINARY, pack(packer(), bytes(peer.max_message + 1)), rsv=0x40))
    peer.expect_failure(1009)


@deflated("RSV1 in a continuation")
def rsv_in_continuation(peer):
    peer.send(frame(TEXT, b"\x00", fin=False, rsv=0x40), frame(CONT, b"\x00", rsv=0x40))
    peer.expect_failure(1002)


@deflated("RSV1 in a ping")
def rsv_in_ping(peer):
    peer.send(frame(PING, b"", rsv=0x40))
    peer.expect_failure(1002)


@deflated("a reply with a second extension", ", x-judge-extension")
def second_extension(peer):
    try:
        peer.send(GHOST)
    except Ended:
        return
    refused_after(peer)
