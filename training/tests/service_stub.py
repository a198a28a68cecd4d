"""A service that answers what a test wants, or worse, as `GET /training-data` does."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Stub:
    """Answers as the service does, or worse."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.asked: list[tuple[str, dict[str, list[str]], str | None]] = []
        self.told: list[tuple[str, dict[str, object]]] = []
        self.cut: str | None = None
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                stub.asked.append((parts.path, parse_qs(parts.query), self.headers["authorization"]))
                status, body = stub.answers[parts.path]
                self.send_response(status)
                self.send_header("content-length", str(len(body) + (10 if stub.cut == parts.path else 0)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                stub.told.append((self.path, json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def give(self, rows: list[dict[str, object]], about: object) -> None:
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        self.answers = {
            "/training-data/days": (200, json.dumps(about).encode()),
            "/training-data": (200, lines.encode()),
        }

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
