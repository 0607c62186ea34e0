#!/usr/bin/python3
"""An HTTP/1.1 server to be tested against, on raw sockets, that misbehaves by path. It prints
"listening PORT", and one JSON line for each request that it has read whole.

  /ok             200 with a few headers      /status/CODE    that status, Retry-After by query
  /slow           never answers               /drip           one byte a second
  /cut            less than Content-Length    /reset          RST instead of an answer
  /endless        chunks without end          /bomb           200 MiB of zeros, gzipped
  /large/N        N bytes                     /headers        headers without end
  /redirect       302 to /ok                  /packed/FORM/CODE   a packed answer, see PACKED
  /header         one header without end
  /close-after    answers, then hangs up when the next request comes on that connection
  /echo           the body comes back         /interim        103 before 200
  /ticket         201 after a while, with the number of a new ticket; below it, 200
  /ticket-dots    201, and the new ticket's id is ".."
"""

import argparse
import gzip
import json
import socket
import ssl
import struct
import sys
import threading
import time
import zlib

print_lock = threading.Lock()


def deflated(data, window_bits):
    packer = zlib.compressobj(9, zlib.DEFLATED, window_bits)
    return packer.compress(data) + packer.flush()


def large():
    """12 MiB that pack to some 50 KiB, and no two KiB of them alike."""
    return gzip.compress(b"".join(b"%08d" % i + b"x" * 1016 for i in range(12 * 1024)))


GZIPPED = gzip.compress(b"squeezed")

# Header lines, and the body, or what makes it.
PACKED = {
    "gzip": (["Content-Encoding: gzip"], GZIPPED),
    "zlib": (["Content-Encoding: deflate"], deflated(b"squeezed", 15)),
    "raw": (["Content-Encoding: deflate"], deflated(b"squeezed", -15)),
    "members": (["Content-Encoding: gzip"], gzip.compress(b"sque") + gzip.compress(b"ezed")),
    "padded": (["Content-Encoding: gzip"], GZIPPED + bytes(100)),
    "identity": (["Content-Encoding: identity"], b"squeezed"),
    "large": (["Content-Encoding: gzip"], large),
    "empty": (["Content-Encoding: gzip"], b""),
    "cut": (["Content-Encoding: gzip"], GZIPPED[:-4]),
    "damaged": (["Content-Encoding: gzip"], GZIPPED[:-8] + bytes(8)),
    "clear": (["Content-Encoding: gzip"], b"squeezed"),
    "br": (["Content-Encoding: br"], b"\x0b\x03\x80squeezed\x03"),
    "twice": (["Content-Encoding: gzip", "Content-Encoding: gzip"], gzip.compress(GZIPPED)),
}


def say(line):
    with print_lock:
        print(line, flush=True)


class Connection(threading.Thread):
    ticket_count = 0

    def __init__(self, sock, number):
        super().__init__(daemon=True)
        self.sock = sock
        self.number = number
        self.input = b""
        self.is_doomed = False

    def run(self):
        try:
            while self.serve():
                pass
        except (OSError, ValueError):
            pass
        self.sock.close()

    def read_until(self, enough):
        while not enough(self.input):
            more = self.sock.recv(65536)
            if not more:
                raise OSError("gone")
            self.input += more

    def serve(self):
        self.read_until(lambda data: data)
        if self.is_doomed:
            self.reset()
            return False
        self.read_until(lambda data: b"\r\n\r\n" in data)
        head, _, rest = self.input.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = [line.split(":", 1) for line in lines[1:]]
        headers = {name.lower(): value.strip() for name, value in headers}
        size = int(headers.get("content-length", "0"))
        self.input = rest
        self.read_until(lambda data: len(data) >= size)
        body, self.input = self.input[:size], self.input[size:]
        say(json.dumps({"connection": self.number, "method": method, "target": target,
                        "headers": headers, "body": body.decode("latin-1")}))
        path, _, query = target.partition("?")
        name = path.strip("/").split("/")[0].replace("-", "_")
        answer = getattr(self, "on_" + name, None)
        if answer is None:
            self.reply(404, b"no such path")
            return True
        return answer(path, query, body) is not False

    def reply(self, code, body, lines=(), **headers):
        lines = ["HTTP/1.1 %d Said" % code, "Content-Length: %d" % len(body), *lines]
        lines += ["%s: %s" % (name.replace("_", "-"), value) for name, value in headers.items()]
        self.sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
        return False

    def on_ok(self, path, query, body):
        self.reply(200, b"hello", Content_Type="application/json", ETag='W/"tag"', Link="<a>; rel=next",
                   link="<b>; rel=last", X_Total_Count="42", X_OAPI_Request_Id="req-1",
                   Last_Modified="Mon, 23 Nov 2026 08:00:00 GMT")

    def on_status(self, path, query, body):
        extra = {"Retry_After": query} if query else {}
        self.reply(int(path.split("/")[2]), b"No.\x1b[31m\r\nSecond line", **extra)

    def on_slow(self, path, query, body):
        time.sleep(3600)

    def on_drip(self, path, query, body):
        self.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            self.sock.sendall(b"x")
            time.sleep(1)

    def on_cut(self, path, query, body):
        self.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
        return False

    def on_reset(self, path, query, body):
        return self.reset()

    def on_endless(self, path, query, body):
        self.sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            self.sock.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")

    def on_bomb(self, path, query, body):
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
        self.reply(200, bomb, Content_Encoding="gzip")

    def on_packed(self, path, query, body):
        _, _, form, code = path.split("/")
        lines, packed = PACKED[form]
        self.reply(int(code), packed() if callable(packed) else packed, lines)

    def on_large(self, path, query, body):
        self.reply(200, b"y" * int(path.split("/")[2]))

    def on_headers(self, path, query, body):
        self.sock.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            self.sock.sendall(b"X-Filler: " + b"z" * 1000 + b"\r\n")

    def on_header(self, path, query, body):
        self.sock.sendall(b"HTTP/1.1 200 OK\r\nX-Filler: ")
        while True:
            self.sock.sendall(b"z" * 1000)

    def on_redirect(self, path, query, body):
        self.reply(302, b"", Location="/ok")

    def on_interim(self, path, query, body):
        self.sock.sendall(b"HTTP/1.1 103 Early Hints\r\nRetry-After: 99\r\n\r\n")
        self.reply(200, b"late")

    def on_echo(self, path, query, body):
        self.reply(200, body)

    def on_ticket(self, path, query, body):
        time.sleep(0.2)
        if path == "/ticket":
            with print_lock:
                Connection.ticket_count += 1
                number = Connection.ticket_count
            self.reply(201, b'{"id": "%d"}' % number)
        else:
            self.reply(200, b"{}")

    def on_ticket_dots(self, path, query, body):
        self.reply(201, b'{"id": ".."}')

    def on_close_after(self, path, query, body):
        self.reply(200, b"bye")
        self.is_doomed = True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--client-ca")
    arguments = parser.parse_args()
    context = None
    if arguments.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(arguments.certificate, arguments.key)
        if arguments.client_ca:
            context.load_verify_locations(arguments.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    say("listening %d" % listener.getsockname()[1])
    number = 0
    while True:
        sock, _ = listener.accept()
        number += 1
        threading.Thread(target=welcome, args=(sock, context, number), daemon=True).start()


def welcome(sock, context, number):
    try:
        Connection(context.wrap_socket(sock, server_side=True) if context else sock, number).start()
    except (OSError, ssl.SSLError):
        sock.close()


if __name__ == "__main__":
    sys.exit(main())
