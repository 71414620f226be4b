// The performer of the AVS: it raises the number of a task to the power that the contract PowerSettings on L1 holds.
//
// It has the shape of the public AVS template: it listens on port 8080 whatever its environment says, and reads the
// addresses of contracts from variables that are called as the contracts are.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"avs-counter/internal/performer"
	"avs-counter/internal/power"
	"avs-counter/internal/settings"

	v1 "github.com/Layr-Labs/protocol-apis/gen/protos/eigenlayer/hourglass/v1/performer"
)

const (
	port    = 8080
	timeout = 5 * time.Second
)

type worker struct {
	settings settings.Contract
}

// ValidateTask refuses payloads that are no number.
func (worker) ValidateTask(_ context.Context, task *v1.TaskRequest) error {
	_, err := power.Parse(task.Payload)
	return err
}

// HandleTask computes the result of a task.
func (w worker) HandleTask(ctx context.Context, task *v1.TaskRequest) ([]byte, error) {
	number, err := power.Parse(task.Payload)
	if err != nil {
		return nil, err
	}
	exponent, err := w.settings.Exponent(ctx)
	if err != nil {
		return nil, err
	}
	return number.ToThe(exponent)
}

// variable gives the value of a variable without which there is nothing to compute.
func variable(name string) string {
	value := os.Getenv(name)
	if value == "" {
		log.Fatalf("%s is not set; see the README for the variables of this performer", name)
	}
	return value
}

func main() {
	w := worker{settings: settings.Contract{URL: variable("L1_RPC_URL"), Address: variable("POWER_SETTINGS")}}
	listener, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log.Printf("the performer listens on port %d", port)
	if err := performer.Serve(ctx, listener, timeout, w); err != nil {
		log.Fatal(err)
	}
	log.Print("the performer has ended")
}
