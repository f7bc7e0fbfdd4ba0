"""
The modules of Node that Deno carries, and the import map that keeps programs from them.

They need no permission to be imported and would give programs what was taken off the global scope: standard output, a
setting of V8's flags, other threads. For the files of the harness the map has an exception.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final
from urllib.parse import quote

HARNESS: Final = Path(__file__).with_name("harness")
"""Where the files of the harness are."""

_HARNESS_MODULES: Final = ("node:inspector", "node:module")
"""What the harness itself imports."""

_NAMES: Final = """
_http_agent _http_common _http_outgoing _http_server _stream_duplex _stream_passthrough _stream_readable
_stream_transform _stream_writable _tls_common _tls_wrap assert assert/strict async_hooks buffer child_process
cluster console constants crypto dgram diagnostics_channel dns dns/promises domain events fs fs/promises http
http2 https inspector inspector/promises module net os path path/posix path/win32 perf_hooks process punycode
querystring readline readline/promises repl sqlite stream stream/consumers stream/promises stream/web
string_decoder sys test test/reporters timers timers/promises tls trace_events tty url util util/types v8 vm
wasi worker_threads zlib
"""

NODE_MODULES: Final = tuple(_NAMES.split())
"""Every module that Deno 2.9 names in `builtinModules`."""

_REFUSAL: Final = "data:text/javascript,throw new TypeError('modules are not available')"


_UNQUOTED: Final = "{}[]:,\"'()/ "
"""What need not be quoted in a data URL, so that the command of a process can be read."""


def import_map() -> str:
    """Give the import map, as a URL."""
    # Most have a bare name too; a map may name what is not there.
    refused = {name: _REFUSAL for each in NODE_MODULES for name in (each, f"node:{each}")}
    allowed = {f"{HARNESS.as_uri()}/": {name: name for name in _HARNESS_MODULES}}
    text = json.dumps({"imports": refused, "scopes": allowed}, separators=(",", ":"))
    return f"data:application/json,{quote(text, safe=_UNQUOTED)}"
