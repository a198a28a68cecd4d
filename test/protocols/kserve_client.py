"""Asks a service as KServe's client does; prints what it made of the answers, as JSON.

python kserve_client.py URL MODEL < installs.json
"""

import asyncio
import json
import sys

import httpx
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

url, model = sys.argv[1:]
installs = json.load(sys.stdin)
TEXTS = ("country", "country_region", "source", "platform", "device_family", "os_version")
COUNTS = ("event_1", "event_2", "event_3")


def tensors(binary: bool) -> list:
    rows = [len(installs)]
    made = []
    for name in (*TEXTS, *COUNTS):
        values = [install[name] for install in installs]
        datatype = "BYTES" if name in TEXTS else "FP64"
        if not binary:
            made.append(InferInput(name, rows, datatype, data=values))
            continue
        missing, kind = ("", np.object_) if name in TEXTS else (np.nan, np.float64)
        array = np.array([missing if value is None else value for value in values], dtype=kind)
        made.append(InferInput(name, rows, datatype))
        made[-1].set_data_from_numpy(array, binary_data=True)
    return made


async def main() -> None:
    client = InferenceRESTClient(RESTConfig(protocol="v2", timeout=60))

    async def revenues(binary: bool, parameters: dict | None = None) -> list:
        request = InferRequest(model, tensors(binary), parameters=parameters)
        response = await client.infer(url, request, model_name=model)
        return response.outputs[0].data if not binary else response.outputs[0].as_numpy().tolist()

    async def refused() -> str:
        try:
            await client.infer(url, InferRequest(model, tensors(False)[:-3]), model_name=model)
        except httpx.HTTPStatusError as error:
            return str(error)
        return "not refused"

    answers = {
        "JSON": await revenues(False),
        "bytes": await revenues(True, {"binary_data_output": True}),
        "bytes in, JSON out": await revenues(True),
    }
    ready = [
        await client.is_server_live(url),
        await client.is_server_ready(url),
        await client.is_model_ready(url, model),
        await client.is_model_ready(url, "x"),
    ]
    print(json.dumps({"answers": answers, "ready": ready, "refused": await refused()}))


asyncio.run(main())
