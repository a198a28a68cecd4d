"""Asks a service as MLflow's own clients do; prints what they made of the answers, as JSON.

    python mlflow_client.py URL < installs.json

Stands in for one thing only: SageMaker, which passes on what it is sent to `/invocations` of its container.
"""

import io
import json
import sys
import types
from urllib.parse import urlsplit

import pandas as pd
import requests

url = sys.argv[1]
installs = json.load(sys.stdin)
# event_3 becomes a column of floats in which a null is NaN.
frame = pd.DataFrame(installs)
assert frame["event_3"].dtype == "float64" and frame["event_3"].isna().any()


class Runtime:
    """What boto3 would give."""

    def invoke_endpoint(self, EndpointName: str, Body: str, ContentType: str) -> dict:  # noqa: N803
        response = requests.post(f"{url}/invocations", data=Body, headers={"Content-Type": ContentType}, timeout=60)
        response.raise_for_status()
        return {"Body": io.BytesIO(response.content)}


sys.modules["boto3"] = types.SimpleNamespace(client=lambda *_, **__: Runtime())

from mlflow.deployments import get_deploy_client  # noqa: E402
from mlflow.pyfunc.scoring_server.client import ScoringServerClient  # noqa: E402

address = urlsplit(url)
client = ScoringServerClient(address.hostname, address.port)
client.ping()
sagemaker = get_deploy_client("sagemaker:/us-east-1")


def posted(body: str, content_type: str) -> list:
    response = requests.post(f"{url}/invocations", data=body, headers={"Content-Type": content_type}, timeout=60)
    assert response.status_code == 200, response.text
    return response.json()["predictions"]


def refused() -> str:
    try:
        client.invoke(frame.drop(columns="event_2"))
    except Exception as error:
        return str(error)
    return "not refused"


answers = {
    "client, frame": client.invoke(frame).get_predictions()[0].tolist(),
    "client, records": client.invoke(installs).get_predictions("ndarray").tolist(),
    "SageMaker, frame": sagemaker.predict("name", frame).get_predictions()[0].tolist(),
    "SageMaker, records": sagemaker.predict("name", installs).get_predictions("ndarray").tolist(),
    "to_json": posted(json.dumps({"dataframe_split": json.loads(frame.to_json(orient="split"))}), "application/json"),
    "to_csv": posted(frame.to_csv(index=False), "text/csv"),
}
print(json.dumps({"answers": answers, "version": client.get_version(), "refused": refused()}))
