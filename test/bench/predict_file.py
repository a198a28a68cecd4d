"""Predicts a CSV of installs as a data scientist would: pandas reads it in chunks, the feature plan and LightGBM score
them on all cores, pandas writes the same columns and the revenue. Prints what it took as JSON.

    predict_file.py BUNDLE IN.csv OUT.csv ROWS_AT_ONCE     (with training/ on PYTHONPATH)
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from day7_training.bundle.folder import open_bundle
from day7_training.data.installs import TEXT_FIELDS

bundle, source, target = map(Path, sys.argv[1:4])
rows_at_once = int(sys.argv[4])

_, model = open_bundle(bundle)
cores = len(os.sched_getaffinity(0))
spent = {"read": 0.0, "features": 0.0, "trees": 0.0, "write": 0.0}
rows = 0
start = since = time.perf_counter()


def lap(step: str) -> None:
    global since
    now = time.perf_counter()
    spent[step] += now - since
    since = now


# As categories: a text becomes an object once, and not once a row. Only the empty cell is null.
types = {name: "category" for name in TEXT_FIELDS} | {"user_id": "str"}
reader = pd.read_csv(source, chunksize=rows_at_once, dtype=types, keep_default_na=False, na_values=[""])
for frame in reader:
    lap("read")
    encoded = model.plan.apply(frame)
    lap("features")
    scores = model.booster.predict(encoded.features, raw_score=True, num_threads=cores)
    frame["predicted_revenue"] = np.exp(scores + encoded.offset).round(6)
    lap("trees")
    frame.to_csv(target, mode="w" if rows == 0 else "a", header=rows == 0, index=False)
    lap("write")
    rows += len(frame)
used = resource.getrusage(resource.RUSAGE_SELF)
print(
    json.dumps(
        {
            "rows": rows,
            "seconds": time.perf_counter() - start,
            "cpu_seconds": used.ru_utime + used.ru_stime,
            "peak_bytes": used.ru_maxrss * 1024,
            "spent": spent,
        }
    )
)
