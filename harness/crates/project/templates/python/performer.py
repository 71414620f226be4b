"""A performer: the executor hands it each task, and signs what it answers."""

import os
import signal
import sys
from concurrent import futures
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

sys.path.insert(0, str(Path(__file__).parent / "proto"))
messages, services = grpc.protos_and_services("performer.proto")


class Performer(services.PerformerServiceServicer):
    def ExecuteTask(self, task, context):
        """Computes the result of a task: here, its payload in capital letters."""
        if not task.payload:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the payload is empty")
        return messages.TaskResponse(task_id=task.task_id, result=task.payload.upper())

    def StartSync(self, request, context):
        """Is called once before the first task."""
        return messages.StartSyncResponse()


def main():
    port = os.environ.get("GRPC_PORT") or "8080"
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    services.add_PerformerServiceServicer_to_server(Performer(), server)
    serving = health.HealthServicer()
    serving.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(serving, server)
    server.add_insecure_port(f"0.0.0.0:{port}")
    server.start()
    print(f"performer listens on port {port}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: server.stop(grace=1))
    server.wait_for_termination()


if __name__ == "__main__":
    main()
