"""What MLflow's own client reads of a version that ours published: its tags, and what its model predicts.

Takes a tracking URI, a model's name and a file of installs; prints JSON.
"""

import json
import sys

import mlflow
import pandas as pd

uri, name, file = sys.argv[1:]
mlflow.set_tracking_uri(uri)
client = mlflow.MlflowClient()
version = client.get_model_version_by_alias(name, "challenger")
run = client.get_run(version.run_id)
with open(file) as lines:
    installs = pd.DataFrame([json.loads(line)["install"] for line in lines])
model = mlflow.pyfunc.load_model(f"models:/{name}@challenger")
print(
    json.dumps(
        {
            "version": version.version,
            "tags": version.tags,
            "status": run.info.status,
            "params": run.data.params,
            "metrics": run.data.metrics,
            "predictions": model.predict(installs).tolist(),
        }
    )
)
