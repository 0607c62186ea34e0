"""An API in a few lines of Python, for what orderwatch-sim does not speak: other paging, no validators, no access."""
import http.server
import json
import pathlib
import threading
import urllib.parse

import harness


class Api:
    """Serves things under /v7/things in one paging style; wrap(page, cursor) makes the body."""

    def __init__(self, style, page, paging):
        self.style, self.page, self.paging = style, page, paging
        self.things = []
        self.wrap = lambda page, cursor: {"meta": {"next": cursor}, "data": {"things": page}}
        self.queries = []  # path and query of each list request
        self.headers = []
        self.starts = 0
        self.is_broken = False
        self.link = None  # a Link header instead of the true one
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                api.answer(self)

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def configuration(self, folder, sinks, **source):
        """Of a daemon that reads it."""
        made = harness.configuration(pathlib.Path(folder), self, sinks=sinks, source=source)
        made["sources"][0].update(base_url=f"http://127.0.0.1:{self.port}/v7")
        for key in ("oauth2", "api_key"):
            made["sources"][0].pop(key)
        return made

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def position(self, query):
        """The index of the page's first thing."""
        value = query.get(self.paging.get("parameter", self.style), [None])[0]
        if self.style == "page":
            return (int(value) - self.paging.get("first", 1)) * self.page
        if self.style == "link":
            return int(query.get("from", ["0"])[0])
        if self.style == "cursor":
            return int(value.removeprefix("c=")) if value else 0
        return int(value) if value else 0

    def answer(self, request):
        parts = urllib.parse.urlsplit(request.path)
        start = self.position(urllib.parse.parse_qs(parts.query))
        things = list(self.things)
        size = len(things) if self.style == "none" else self.page
        has_more = start + size < len(things)
        cursor = f"c={start + size}" if self.style == "cursor" and has_more else None
        body = json.dumps(self.wrap(things[start:start + size], cursor), ensure_ascii=False).encode()
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        if self.style == "link" and has_more:
            query = urllib.parse.parse_qsl(parts.query)
            query = [pair for pair in query if pair[0] != "from"] + [("from", str(start + size))]
            request.send_header("Link", self.link or f'</v7/things>; rel="first", <{parts.path}?{urllib.parse.urlencode(query)}>; '
                                        'rel="next"')
        request.end_headers()
        request.wfile.write(body)
        self.queries.append(request.path)
        self.headers.append(dict(request.headers))
        self.starts += start == 0

    def wait_sweeps(self, count):
        """Until the list was read from its start count more times, and the last of them to its end."""
        wanted = self.starts + count + 1
        harness.wait_until(lambda: self.starts >= wanted, lambda: f"{wanted - self.starts} more sweeps")

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
