"""What MLflow's own client reads of a run that ours wrote, and a run that it writes for ours: on each of the servers given.

Takes a JSON list of {url, runId, model, files} and prints a list of {read, written}.
"""

import hashlib
import json
import os
import sys
import tempfile

import mlflow


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def read(client, run_id, model, files):
    run = client.get_run(run_id)
    version = client.get_model_version_by_alias(model, "champion")
    folder = tempfile.mkdtemp()
    return {
        "status": run.info.status,
        "params": run.data.params,
        "metrics": {key: repr(value) for key, value in run.data.metrics.items()},
        "tags": run.data.tags,
        "version": version.version,
        "versionTags": version.tags,
        "source": version.source,
        "aliases": client.get_registered_model(model).aliases,
        "files": {path: sha256(client.download_artifacts(run_id, path, folder)) for path in files},
    }


def write(client, model):
    run_id = client.create_run(client.create_experiment("from Python"), run_name="of Python").info.run_id
    client.log_param(run_id, "rounds", 7)
    client.log_metric(run_id, "rmse", 0.1 + 0.2, timestamp=1234, step=5)
    client.log_metric(run_id, "bad", float("nan"))
    client.set_tag(run_id, "kind", "ü")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model é.txt")
        with open(path, "wb") as file:
            file.write(bytes(range(256)) * 1000)
        client.log_artifact(run_id, path, "model")
        sha = sha256(path)
    client.set_terminated(run_id)
    client.create_registered_model(model, description="made by Python")
    source = client.get_run(run_id).info.artifact_uri + "/model"
    version = client.create_model_version(model, source, run_id, tags={"sha256": sha})
    client.set_registered_model_alias(model, "challenger", version.version)
    return {"runId": run_id, "sha256": sha, "version": version.version}


done = []
for server in json.loads(sys.argv[1]):
    client = mlflow.MlflowClient(server["url"], server["url"])
    found = read(client, server["runId"], server["model"], server["files"])
    done.append({"read": found, "written": write(client, server["model"] + " of Python")})
print(json.dumps(done))
