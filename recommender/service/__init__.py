"""The HTTP service: thin over the engine, one index, several worker processes.

Needs the extra `serve`; the only package that imports FastAPI, uvicorn and the Prometheus client.

A request comes in through `gate`, which answers related lists from bytes rendered before and
hands the rest to the routes of `api` and `page`. `processes` keeps the workers and the one
embedding process running.
"""
