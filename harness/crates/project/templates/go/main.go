// A performer: the executor hands it each task, and signs what it answers.
package main

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"

	performer "github.com/Layr-Labs/protocol-apis/gen/protos/eigenlayer/hourglass/v1/performer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
)

type service struct {
	performer.UnimplementedPerformerServiceServer
}

// ExecuteTask computes the result of a task: here, its payload in capital letters.
func (service) ExecuteTask(_ context.Context, task *performer.TaskRequest) (*performer.TaskResponse, error) {
	if len(task.Payload) == 0 {
		return nil, status.Error(codes.InvalidArgument, "the payload is empty")
	}
	return &performer.TaskResponse{TaskId: task.TaskId, Result: bytes.ToUpper(task.Payload)}, nil
}

// StartSync is called once before the first task.
func (service) StartSync(context.Context, *performer.StartSyncRequest) (*performer.StartSyncResponse, error) {
	return &performer.StartSyncResponse{}, nil
}

func main() {
	port := os.Getenv("GRPC_PORT")
	if port == "" {
		port = "8080"
	}
	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer()
	performer.RegisterPerformerServiceServer(server, service{})
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	reflection.Register(server)

	ended, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ended.Done()
		server.GracefulStop()
	}()
	fmt.Println("performer listens on port", port)
	if err := server.Serve(listener); err != nil {
		log.Fatal(err)
	}
}
