package performer

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	v1 "github.com/Layr-Labs/protocol-apis/gen/protos/eigenlayer/hourglass/v1/performer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// timeout is the limit of a task; the limit of a test is much longer.
const timeout = 100 * time.Millisecond

// echo answers with the payload, but for those that say otherwise.
type echo struct{}

func (echo) ValidateTask(_ context.Context, task *v1.TaskRequest) error {
	if string(task.Payload) == "invalid" {
		return errors.New("not this one")
	}
	return nil
}

func (echo) HandleTask(ctx context.Context, task *v1.TaskRequest) ([]byte, error) {
	if string(task.Payload) == "slow" {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return task.Payload, nil
}

func TestTasksAndHealthAreServedUntilTheEnd(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serving, end := context.WithCancel(context.Background())
	defer end()
	ended := make(chan error, 1)
	go func() { ended <- Serve(serving, listener, timeout, echo{}) }()
	connection, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	checked, err := health.NewHealthClient(connection).Check(ctx, &health.HealthCheckRequest{})
	if err != nil || checked.Status != health.HealthCheckResponse_SERVING {
		t.Errorf("Check: %v, %v", checked, err)
	}
	watched, err := health.NewHealthClient(connection).Watch(ctx, &health.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = watched.Recv(); status.Code(err) != codes.Unimplemented {
		t.Errorf("Watch: %v", err)
	}

	client := v1.NewPerformerServiceClient(connection)
	if _, err := client.StartSync(ctx, &v1.StartSyncRequest{}); err != nil {
		t.Errorf("StartSync: %v", err)
	}
	done, err := client.ExecuteTask(ctx, &v1.TaskRequest{TaskId: []byte("0xaa"), Payload: []byte("hello")})
	if err != nil || string(done.TaskId) != "0xaa" || string(done.Result) != "hello" {
		t.Errorf("ExecuteTask: %v, %v", done, err)
	}
	for payload, expected := range map[string]string{
		"invalid": "task is invalid: not this one",
		"slow":    "failed to handle task: context deadline exceeded",
	} {
		_, err := client.ExecuteTask(ctx, &v1.TaskRequest{Payload: []byte(payload)})
		if status.Code(err) != codes.Internal || status.Convert(err).Message() != expected {
			t.Errorf("%s: %v", payload, err)
		}
	}

	end()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("Serve: %v", err)
		}
	case <-ctx.Done():
		t.Error("Serve has not ended")
	}
}
