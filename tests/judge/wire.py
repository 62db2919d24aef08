"""The judge's end of a connection, down to the octet: frames that may be as wrong as a case wants
them, the opening handshake, and a reader of what the client sends, which is itself judged by RFC
6455. Owns the accepted socket. Must never repair anything: what a client does wrong is raised as
Wrong."""
import base64
import hashlib
import os
import re
import socket
import struct
import time
import zlib

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TAIL = b"\x00\x00\xff\xff"


class Wrong(Exception):
    """The client broke the protocol, or did what it must not."""


class Lax(Exception):
    """The client let pass what it had better refused, or refused it less clearly than it should."""


class Skip(Exception):
    """The case asks for something this client did not offer."""


class Ended(Exception):
    """The client closed its side."""


class Silent(Exception):
    """Nothing came in time."""


def frame(opcode, payload=b"", fin=True, rsv=0, mask=None, length=None):
    """One frame. rsv: bits as 0x40, 0x20, 0x10; length: None for the shortest form, 16 or 64 for
    that form, or bytes to stand there as they are."""
    n = len(payload)
    first = (0x80 if fin else 0) | rsv | opcode
    masked = 0x80 if mask is not None else 0
    if isinstance(length, bytes):
        head = bytes([first]) + length
    elif length == 64 or (length is None and n > 0xffff):
        head = bytes([first, masked | 127]) + struct.pack(">Q", n)
    elif length == 16 or (length is None and n > 125):
        head = bytes([first, masked | 126]) + struct.pack(">H", n)
    else:
        head = bytes([first, masked | n])
    if mask is not None:
        payload = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
        head += mask
    return head + payload


def close(code=None, reason=b""):
    return frame(CLOSE, b"" if code is None else struct.pack(">H", code) + reason)


def fragments(opcode, *parts):
    return [frame(opcode if i == 0 else CONT, part, fin=i == len(parts) - 1)
            for i, part in enumerate(parts)]


def unmask(payload, mask):
    if not payload:
        return payload
    n = len(payload)
    key = (mask * (n // 4 + 1))[:n]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(n, "big")


class Peer:
    """One accepted connection. patience: seconds to wait for anything."""

    def __init__(self, sock, patience):
        self.sock = sock
        self.patience = patience
        self.buffer = b""
        self.masks = []
        self.kind, self.packed, self.parts = None, 0, []  # the fragmented message under way
        self.headers = {}
        self.request = ""
        self.inflater = None  # once permessage-deflate is agreed on
        self.client_forgets = False
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    # ---- octets ----

    def send(self, *parts):
        try:
            self.sock.settimeout(self.patience)
            self.sock.sendall(b"".join(parts))
        except (BrokenPipeError, ConnectionError):
            raise Ended() from None
        except TimeoutError:
            raise Wrong("does not read what it is sent") from None

    def send_slowly(self, data, piece=1, pause=0.0005):
        for at in range(0, len(data), piece):
            self.send(data[at:at + piece])
            time.sleep(pause)

    def fill(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise Silent()
        self.sock.settimeout(left)
        try:
            data = self.sock.recv(1 << 18)
        except TimeoutError:
            raise Silent() from None
        except ConnectionError:
            raise Ended() from None
        if not data:
            raise Ended()
        self.buffer += data

    def take(self, n, deadline):
        while len(self.buffer) < n:
            self.fill(deadline)
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    # ---- the opening handshake ----

    def read_request(self):
        """Reads and judges the upgrade request (RFC 6455, section 4.1)."""
        deadline = time.monotonic() + self.patience
        while b"\r\n\r\n" not in self.buffer:
            if len(self.buffer) > 1 << 16:
                raise Wrong("its request has no end")
            try:
                self.fill(deadline)
            except (Ended, Silent):
                raise Wrong("sends no whole request") from None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        if self.buffer:
            raise Wrong("sends frames before the answer")
        lines = head.decode("latin-1").split("\r\n")
        self.request = lines[0]
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or name != name.strip() or not name:
                raise Wrong(f"header line {line!r}")
            key = name.lower()
            self.headers[key] = self.headers[key] + ", " + value.strip() \
                if key in self.headers else value.strip()
        self.judge_request()

    def judge_request(self):
        def tokens(name):
            return [t.strip().lower() for t in self.headers.get(name, "").split(",")]
        key = self.headers.get("sec-websocket-key", "")
        faults = [
            ("not a GET of HTTP/1.1", not (self.request.startswith("GET /")
                                           and self.request.endswith(" HTTP/1.1"))),
            ("no Host", not self.headers.get("host")),
            ("no Upgrade: websocket", "websocket" not in tokens("upgrade")),
            ("no Connection: Upgrade", "upgrade" not in tokens("connection")),
            ("not version 13", self.headers.get("sec-websocket-version") != "13"),
            ("key is not 16 bytes in base64", not re.fullmatch("[A-Za-z0-9+/]{22}==", key)),
        ]
        for text, fault in faults:
            if fault:
                raise Wrong(f"its request: {text}")

    def accept(self):
        key = self.headers["sec-websocket-key"].encode()
        return base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()

    def answer(self, *more, status="101 Switching Protocols", leave=(), **replace):
        """The head of an answer: the right one, with headers left out, replaced (underscores for
        hyphens) or added as whole lines."""
        fields = {"Upgrade": "websocket", "Connection": "Upgrade",
                  "Sec-WebSocket-Accept": self.accept()}
        for name, value in replace.items():
            fields[name.replace("_", "-")] = value
        lines = [f"HTTP/1.1 {status}"]
        lines += [f"{name}: {value}" for name, value in fields.items() if name not in leave]
        return ("\r\n".join(lines + list(more)) + "\r\n\r\n").encode("latin-1")

    def upgrade(self, *more):
        self.send(self.answer(*more))

    # ---- what the client sends ----

    def read_frame(self, deadline):
        first, second = self.take(2, deadline)
        if not second & 0x80:
            raise Wrong("sends an unmasked frame")
        n = second & 0x7f
        if n > 125:
            size = 2 if n == 126 else 8
            n = int.from_bytes(self.take(size, deadline), "big")
            if n < (126 if size == 2 else 0x10000):
                raise Wrong("writes a length in a form that is not the shortest")
        opcode, fin, rsv = first & 15, bool(first & 0x80), first & 0x70
        if opcode not in (CONT, TEXT, BINARY, CLOSE, PING, PONG):
            raise Wrong(f"sends reserved opcode {opcode}")
        if rsv and not (rsv == 0x40 and self.inflater and opcode in (TEXT, BINARY)):
            raise Wrong(f"sends reserved bits 0x{rsv:02x}")
        if opcode >= CLOSE and (not fin or n > 125):
            raise Wrong("sends a control frame that is fragmented or above 125 bytes")
        mask = self.take(4, deadline)
        self.masks.append(mask)
        return opcode, fin, rsv, unmask(self.take(n, deadline), mask)

    def inflate(self, payload):
        try:
            out = self.inflater.decompress(payload + TAIL)
        except zlib.error as e:
            raise Wrong(f"what it compressed cannot be inflated: {e}") from None
        if self.client_forgets:
            self.inflater = zlib.decompressobj(-15)
        return out

    def read(self, patience=None):
        """The next message or control frame: (opcode, payload). What has come of a fragmented
        message is kept while a control frame is handed out."""
        deadline = time.monotonic() + (self.patience if patience is None else patience)
        while True:
            opcode, fin, rsv, payload = self.read_frame(deadline)
            if opcode >= CLOSE:
                return opcode, payload
            if (self.kind is None) != (opcode != CONT):
                raise Wrong("mixes up its fragments")
            if self.kind is None:
                self.kind, self.packed = opcode, rsv
            self.parts.append(payload)
            if fin:
                kind, data = self.kind, b"".join(self.parts)
                self.kind, self.parts = None, []
                return kind, self.inflate(data) if self.packed else data

    # ---- what a case expects ----

    def expect(self, opcode, payload, what="echo"):
        try:
            got = self.read()
        except Ended:
            raise Wrong(f"closed instead of {what}") from None
        except Silent:
            raise Wrong(f"no {what}") from None
        if got != (opcode, payload):
            if got[0] == CLOSE:
                raise Wrong(f"close frame {code_of(got[1])} instead of {what}")
            raise Wrong(f"{what} is opcode {got[0]}, {len(got[1])} bytes, "
                        f"not opcode {opcode}, {len(payload)} bytes" if got[0] != opcode
                        or len(got[1]) != len(payload) else f"{what} has other contents")

    def expect_end(self, allow_close=True):
        """The client closes its side; it may say so before. Returns the code it said, or None."""
        code = None
        deadline = time.monotonic() + self.patience
        while True:
            try:
                opcode, payload = self.read(deadline - time.monotonic())
            except Ended:
                return code
            except Silent:
                raise Wrong("keeps the connection open") from None
            if opcode != CLOSE or code is not None or not allow_close:
                raise Wrong(f"sends opcode {opcode}, {len(payload)} bytes, where it must end")
            code = code_of(payload)

    def finish(self, code=1000):
        """A clean close, begun by the judge."""
        self.send(close(code))
        self.expect_close_reply(code)

    def expect_close_reply(self, code):
        """A close frame with the same code, then the end. 1005: an empty one, or 1000."""
        try:
            opcode, payload = self.read()
        except Ended:
            raise Lax("ends without answering the close frame") from None
        except Silent:
            raise Wrong("does not answer the close frame") from None
        if opcode != CLOSE:
            raise Wrong(f"answers the close frame with opcode {opcode}")
        self.half_close()
        try:
            self.read()
            raise Wrong("sends more after its close frame")
        except Ended:
            pass
        except Silent:
            raise Wrong("keeps the connection open after the closing handshake") from None
        got = code_of(payload)
        if got != code and not (code == 1005 and got == 1000):
            raise Lax(f"answers close {code} with {got}")

    def expect_failure(self, *codes):
        """The client fails the connection: a close frame with one of the codes, then the end."""
        code = self.expect_end()
        if code is None:
            raise Lax("ends without a close frame")
        if code not in codes:
            raise Lax(f"close code {code}, expected {' or '.join(map(str, codes))}")


def code_of(payload):
    return 1005 if not payload else int.from_bytes(payload[:2], "big") if len(payload) > 1 else -1


def noise(n):
    return os.urandom(n)


def letters(n):
    unit = b"0123456789 the quick brown fox jumps over the lazy dog; "
    return (unit * (n // len(unit) + 1))[:n]
