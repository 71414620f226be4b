// Package power reads the payloads of tasks and writes their results.
//
// A payload is a number: as text, such as 0x04, or as abi.encode(uint256). The result has the form of the payload.
package power

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
)

// wordSize is the length of a uint256 in the encoding of contracts.
const wordSize = 32

var text = regexp.MustCompile(`^0x[0-9a-fA-F]{1,64}$`)

// Number is what a task asks about.
type Number struct {
	value  *big.Int
	isText bool
}

// Parse reads a payload.
func Parse(payload []byte) (Number, error) {
	if text.Match(payload) {
		value, _ := new(big.Int).SetString(string(payload[2:]), 16)
		return Number{value: value, isText: true}, nil
	}
	if len(payload) == wordSize {
		return Number{value: new(big.Int).SetBytes(payload)}, nil
	}
	return Number{}, fmt.Errorf("a payload of %d bytes is neither 0x with up to 64 hexadecimal digits nor a uint256", len(payload))
}

// ToThe gives the result of the task: the number to the power of the exponent.
func (n Number) ToThe(exponent uint8) ([]byte, error) {
	result := new(big.Int).Exp(n.value, big.NewInt(int64(exponent)), nil)
	if n.isText {
		return encoded(result), nil
	}
	if result.BitLen() > wordSize*8 {
		return nil, errors.New("the result does not fit into a uint256")
	}
	return result.FillBytes(make([]byte, wordSize)), nil
}

// encoded gives an even number of digits, as the text of bytes has.
func encoded(number *big.Int) []byte {
	bytes := number.Bytes()
	if len(bytes) == 0 {
		bytes = []byte{0}
	}
	return fmt.Appendf(nil, "0x%x", bytes)
}
