"""What training finds in CSV files: base64 in lines -> JSON in lines, rows of texts or what is said against the file."""

import base64
import json
import sys
from pathlib import Path

from day7_training.data.csv_columns import read_columns
from day7_training.errors import UserError

PATH = Path("x")
REQUIRED, OPTIONAL = ("a", "b"), ("c", "user_id", "revenue")


def found_in(data: bytes) -> object:
    try:
        table = read_columns(data, PATH, required=REQUIRED, optional=OPTIONAL)
    except UserError as error:
        return str(error).removeprefix(str(PATH)).removeprefix(", ").removeprefix(": ")
    texts = {name: [column.uniques[code] for code in column.codes] for name, column in table.columns.items()}
    return [
        [int(line), [texts[name][at] or None if name in texts else None for name in ("a", "b", "c")]]
        for at, line in enumerate(table.lines)
    ]


for line in sys.stdin:
    print(json.dumps(found_in(base64.b64decode(line))))
