// Package settings reads the contract PowerSettings.
package settings

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strings"
)

// exponentCall is the selector of exponent().
const exponentCall = "0x52f6ee58"

// Contract is the contract at an address of the chain behind a URL.
type Contract struct {
	URL     string
	Address string
}

type request struct {
	Version string `json:"jsonrpc"`
	ID      int    `json:"id"`
	Method  string `json:"method"`
	Params  []any  `json:"params"`
}

type response struct {
	Result string `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// Exponent gives the exponent of the latest block.
func (c Contract) Exponent(ctx context.Context) (uint8, error) {
	answer, err := c.call(ctx, exponentCall)
	if err != nil {
		return 0, fmt.Errorf("failed to read the exponent of %s: %w", c.Address, err)
	}
	value, ok := new(big.Int).SetString(strings.TrimPrefix(answer, "0x"), 16)
	if !ok || !value.IsUint64() || value.Uint64() > 255 {
		return 0, fmt.Errorf("the exponent of %s is %q, which is no uint8", c.Address, answer)
	}
	return uint8(value.Uint64()), nil
}

func (c Contract) call(ctx context.Context, data string) (string, error) {
	body, err := json.Marshal(request{
		Version: "2.0",
		ID:      1,
		Method:  "eth_call",
		Params:  []any{map[string]string{"to": c.Address, "data": data}, "latest"},
	})
	if err != nil {
		return "", err
	}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	post.Header.Set("content-type", "application/json")
	answer, err := http.DefaultClient.Do(post)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var told response
	if err := json.NewDecoder(answer.Body).Decode(&told); err != nil {
		return "", fmt.Errorf("the node has answered %s without JSON: %w", answer.Status, err)
	}
	if told.Error != nil {
		return "", fmt.Errorf("the node has answered: %s", told.Error.Message)
	}
	return told.Result, nil
}
