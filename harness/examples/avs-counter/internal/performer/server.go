// Package performer serves tasks as the public performer library does: each is validated and then handled, within a time
// limit; health can be asked and not watched; the services can be listed.
package performer

import (
	"context"
	"log"
	"net"
	"time"

	v1 "github.com/Layr-Labs/protocol-apis/gen/protos/eigenlayer/hourglass/v1/performer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
)

// Worker is what an AVS does with its tasks.
type Worker interface {
	// ValidateTask gives an error if the task cannot be handled.
	ValidateTask(ctx context.Context, task *v1.TaskRequest) error
	// HandleTask gives the result of a valid task. Every operator must come to the same bytes.
	HandleTask(ctx context.Context, task *v1.TaskRequest) ([]byte, error)
}

type service struct {
	v1.UnimplementedPerformerServiceServer
	worker  Worker
	timeout time.Duration
}

// StartSync is called once before the first task.
func (service) StartSync(context.Context, *v1.StartSyncRequest) (*v1.StartSyncResponse, error) {
	return &v1.StartSyncResponse{}, nil
}

// ExecuteTask has the worker validate and handle a task.
func (s service) ExecuteTask(ctx context.Context, task *v1.TaskRequest) (*v1.TaskResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := s.worker.ValidateTask(ctx, task); err != nil {
		log.Printf("task %s is invalid: %v", task.TaskId, err)
		return nil, status.Errorf(codes.Internal, "task is invalid: %v", err)
	}
	result, err := s.worker.HandleTask(ctx, task)
	if err != nil {
		log.Printf("task %s failed: %v", task.TaskId, err)
		return nil, status.Errorf(codes.Internal, "failed to handle task: %v", err)
	}
	log.Printf("task %s: %d bytes of payload, %d bytes of result", task.TaskId, len(task.Payload), len(result))
	return &v1.TaskResponse{TaskId: task.TaskId, Result: result}, nil
}

// healthy answers Check; Watch is not implemented.
type healthy struct {
	health.UnimplementedHealthServer
}

func (healthy) Check(context.Context, *health.HealthCheckRequest) (*health.HealthCheckResponse, error) {
	return &health.HealthCheckResponse{Status: health.HealthCheckResponse_SERVING}, nil
}

// Serve serves tasks on the listener until the context ends, and then finishes those that run.
func Serve(ctx context.Context, listener net.Listener, timeout time.Duration, worker Worker) error {
	server := grpc.NewServer()
	v1.RegisterPerformerServiceServer(server, service{worker: worker, timeout: timeout})
	health.RegisterHealthServer(server, healthy{})
	reflection.Register(server)
	stop := context.AfterFunc(ctx, server.GracefulStop)
	defer stop()
	return server.Serve(listener)
}
