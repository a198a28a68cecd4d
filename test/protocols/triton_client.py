"""Asks a service as Triton's client does; prints what it made of the answers, as JSON.

python triton_client.py URL MODEL VERSION < installs.json
"""

import json
import sys
from urllib.parse import urlsplit

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

url, model, version = sys.argv[1:]
installs = json.load(sys.stdin)
client = triton.InferenceServerClient(urlsplit(url).netloc)
metadata = client.get_model_metadata(model, version)


def tensors(binary: bool, shape: tuple) -> list:
    made = []
    for about in metadata["inputs"]:
        name = about["name"]
        values = [install.get(name) for install in installs]
        if about["datatype"] == "BYTES":
            # Triton's client has no null: an empty text is as good to the model.
            array = np.array([value or "" for value in values], dtype=np.object_)
        else:
            array = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        if name == "user_id" and not binary:
            continue
        tensor = triton.InferInput(name, list(shape), about["datatype"])
        made.append(tensor.set_data_from_numpy(array.reshape(shape), binary_data=binary))
    return made


def revenues(result: triton.InferResult) -> list:
    ids = result.as_numpy("prediction_id")
    assert ids is None or (len(ids) == len(installs) and len(ids[0]) == 36), ids
    return result.as_numpy("predicted_revenue").tolist()


def refused(ask) -> str:
    try:
        ask()
    except InferenceServerException as error:
        return f"{error.status()} {error.message()}"
    return "not refused"


rows = len(installs)
in_json = [triton.InferRequestedOutput(name, binary_data=False) for name in ("predicted_revenue", "prediction_id")]
answers = {
    "bytes": revenues(client.infer(model, tensors(True, (rows,)))),
    "bytes, of a version": revenues(client.infer(model, tensors(True, (rows, 1)), model_version=version)),
    "JSON": revenues(client.infer(model, tensors(False, (rows,)), outputs=in_json)),
    "bytes in, JSON out": revenues(client.infer(model, tensors(True, (rows,)), outputs=in_json[:1])),
    "asynchronous": revenues(client.async_infer(model, tensors(True, (rows,))).get_result()),
}
with_id = client.infer(model, tensors(True, (rows,)), request_id="mine", priority=1, parameters={"any": "thing"})
assert with_id.get_response()["id"] == "mine"
print(
    json.dumps(
        {
            "answers": answers,
            "live": client.is_server_live(),
            "ready": client.is_server_ready(),
            "model": [client.is_model_ready(model), client.is_model_ready(model, version), client.is_model_ready("x")],
            "server": client.get_server_metadata(),
            "versions": metadata["versions"],
            "refused": [
                refused(lambda: client.infer("x", tensors(True, (rows,)))),
                refused(lambda: client.infer(model, tensors(True, (rows,))[1:-3])),
                refused(lambda: client.get_model_config(model)),
            ],
        }
    )
)
