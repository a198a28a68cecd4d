"""Makes test/fixtures/models/pandas.json: a model trained on pandas categories, rows, and LightGBM's answers to them.

python make_pandas.py > test/fixtures/models/pandas.json
"""

import json

import lightgbm as lgb
import numpy as np
import pandas as pd

random = np.random.default_rng(5)
rows = 400
table = pd.DataFrame(
    {
        "spend": random.normal(size=rows),
        "country": pd.Categorical(random.choice(["es", "größe", "7", "us"], rows)),
        "level": pd.Categorical(random.choice([3, 7, 11], rows)),
    }
)
target = table["spend"] + table["country"].isin(["es", "7"]) * 2.0 + (table["level"] == 7) * 1.5
options = {"verbosity": -1, "num_threads": 1, "num_leaves": 6, "min_data_per_group": 5, "cat_smooth": 1, "seed": 1}
booster = lgb.Booster(model_str=lgb.train(options, lgb.Dataset(table, target), 6).model_to_string())
asked = [
    [spend, country, level]
    for spend in (-1.0, 0.5, None)
    for country in ("es", "größe", "7", "us", "unknown", None)
    for level in (3, 7, 11, 99, None)
]
frame = pd.DataFrame(asked, columns=list(table.columns), dtype=object)
frame["spend"] = frame["spend"].astype(float)
frame["country"] = frame["country"].astype("category")
frame["level"] = pd.Categorical(frame["level"].astype(float).astype("Int64"))
raw = booster.predict(frame, raw_score=True).tolist()
print(json.dumps({"text": booster.model_to_string(), "dump": booster.dump_model(), "rows": asked, "raw": raw}))
