"""What Schemathesis is taught: to write JSON lines, and to look at each line that is answered."""

import copy
import json

import schemathesis

LINES = "application/x-ndjson"


@schemathesis.serializer(LINES)
def write_lines(_context, value):
    """One row a line; a body is one row, or a list of them."""
    rows = value if isinstance(value, list) else [value]
    return "\n".join(json.dumps(row) for row in rows).encode()


@schemathesis.deserializer(LINES)
def read_first_line(_context, response):
    """The schema is that of a line, if there is one; the others are for `every_line`."""
    first, *_ = response.content.splitlines() or [b"{}"]
    return json.loads(first)


@schemathesis.check
def every_line(_context, response, case):
    if LINES not in response.headers.get("content-type", [""])[0]:
        return
    for line in response.content.splitlines()[1:]:
        answer = copy.copy(response)
        answer.clear_cache()
        answer.content = line
        case.operation.validate_response(answer, case=case)
