# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Beam's worker pool on loopback only: `python -m pipeline.runners.beam.worker_pool --port=50000`.

A pool runs what callers send, without asking who they are. Beam's own program listens on every interface; only the task
manager in the same pod needs it.
"""

from __future__ import annotations

import argparse
import logging
import sys


def main(arguments: list[str]) -> int:
    """Serves until the process is stopped."""
    parser = argparse.ArgumentParser(prog='worker_pool', description='Starts Beam workers for a Flink task manager.')
    parser.add_argument('--port', type=int, required=True)
    port = parser.parse_args(arguments).port
    import grpc
    from apache_beam.portability.api import beam_fn_api_pb2_grpc
    from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer
    from apache_beam.utils.thread_pool_executor import shared_unbounded_instance

    logging.basicConfig(level=logging.INFO)
    # As in Beam's BeamFnExternalWorkerPoolServicer.start, but for the address: 127.0.0.1 and ::1.
    options = [('grpc.http2.max_pings_without_data', 0), ('grpc.http2.max_ping_strikes', 0), ('grpc.so_reuseport', 0)]
    server = grpc.server(shared_unbounded_instance(), options=options)
    try:
        bound = server.add_insecure_port(f'localhost:{port}')
    except RuntimeError:
        bound = 0
    if not bound:
        parser.exit(1, f'worker_pool: port {port} of localhost is in use\n')
    pool = BeamFnExternalWorkerPoolServicer(use_process=True, data_buffer_time_limit_ms=-1)
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    server.start()
    logging.info('Listening for workers at localhost:%d', bound)
    server.wait_for_termination()
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
