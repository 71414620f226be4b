package power

import (
	"bytes"
	"strings"
	"testing"
)

func word(last byte) string {
	return strings.Repeat("\x00", 31) + string([]byte{last})
}

func TestResultsHaveTheFormOfPayloads(t *testing.T) {
	for _, c := range []struct {
		payload  string
		exponent uint8
		result   string
	}{
		{"0x04", 2, "0x10"},
		{"0x0004", 2, "0x10"},
		{"0x4", 3, "0x40"},
		{"0xFF", 2, "0xfe01"},
		{"0x14", 2, "0x0190"},
		{"0x00", 2, "0x00"},
		{"0x07", 0, "0x01"},
		{word(4), 2, word(16)},
	} {
		number, err := Parse([]byte(c.payload))
		if err != nil {
			t.Fatalf("%q: %v", c.payload, err)
		}
		result, err := number.ToThe(c.exponent)
		if err != nil || !bytes.Equal(result, []byte(c.result)) {
			t.Errorf("%q to the %d is %q, %v; want %q", c.payload, c.exponent, result, err, c.result)
		}
	}
}

func TestWhatIsNoNumberIsRefused(t *testing.T) {
	for _, payload := range []string{"", "0x", "04", "0x-4", "0x4_0", "0xg", "4", "0x" + strings.Repeat("f", 65), word(4)[1:]} {
		if number, err := Parse([]byte(payload)); err == nil {
			t.Errorf("%q was read as %v", payload, number)
		}
	}
}

func TestAResultThatDoesNotFitIsAnError(t *testing.T) {
	number, err := Parse([]byte(strings.Repeat("\xff", 32)))
	if err != nil {
		t.Fatal(err)
	}
	if result, err := number.ToThe(2); err == nil {
		t.Errorf("the result is %x", result)
	}
}
