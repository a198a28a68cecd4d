"""What MLflow's own client reads of a version that ours published: its tags, and what its model predicts.

Takes a model's name, a file of installs and tracking URIs; prints a JSON list.
"""

import json
import sys

import mlflow
import pandas as pd


def read(uri, name, installs):
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    version = client.get_model_version_by_alias(name, "challenger")
    run = client.get_run(version.run_id)
    return {
        "version": version.version,
        "tags": version.tags,
        "status": run.info.status,
        "params": run.data.params,
        "metrics": run.data.metrics,
        "predictions": mlflow.pyfunc.load_model(f"models:/{name}@challenger").predict(installs).tolist(),
    }


name, file, *uris = sys.argv[1:]
with open(file) as lines:
    installs = pd.DataFrame([json.loads(line)["install"] for line in lines])
print(json.dumps([read(uri, name, installs) for uri in uris]))
