"""An honest fake of an OpenAI-compatible server: real sockets, replies from a queue."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, Any]
"""Status and JSON body; status 200 with a list is a stream of deltas, None in it hangs up."""


class FakeServer:
    """`replies` are given in order; `heard` keeps the requests' bodies."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.heard: list[dict[str, Any]] = []
        self.silent = threading.Event()
        self.url = ""


def whole(text: str) -> Reply:
    """A reply in one piece."""
    return 200, {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "city",
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        ],
    }


def delta(text: str, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """One piece of a streamed reply."""
    return {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "city",
        "choices": [
            {
                "index": 0,
                "delta": {"role": "assistant", "content": text, **more},
                "finish_reason": finish,
            }
        ],
    }


def refusal(status: int, message: str) -> Reply:
    """An error in the shape of the protocol."""
    return status, {"error": {"message": message, "type": "x", "code": status}}


@contextmanager
def serving(*replies: Reply) -> Iterator[FakeServer]:
    """A server while the block runs. A reply of status 0 never comes."""
    fake = FakeServer(*replies)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            fake.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            status, body = fake.replies.pop(0)
            if status == 0:
                fake.silent.wait(10)
                self.close_connection = True
                return
            if isinstance(body, list):
                self._stream(body)
                return
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _stream(self, pieces: list[Any]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in [*pieces, "end"]:
                self.close_connection = piece is None
                if piece is None:
                    return
                line = "data: [DONE]\n\n" if piece == "end" else f"data: {json.dumps(piece)}\n\n"
                data = line.encode()
                self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.silent.set()
        server.shutdown()
        server.server_close()
        thread.join()
