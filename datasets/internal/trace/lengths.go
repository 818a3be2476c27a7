package trace

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// maxTokens limits the length of a prompt or an answer.
const maxTokens = 1 << 24

// tokens returns the number of tokens in a field, which is a number or a text of one.
func tokens(record []byte, field string) (int, error) {
	value := gjson.GetBytes(record, gjson.Escape(field))
	if !value.Exists() {
		return 0, fmt.Errorf("no %s", field)
	}
	text := strings.TrimSuffix(strings.TrimSpace(value.String()), ".0")
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxTokens {
		return 0, fmt.Errorf("%s must be a whole number up to %d, got %.40q", field, maxTokens, value.String())
	}
	return n, nil
}

// sized returns a call of which only lengths are known: its prompt is one block, with a hash that no other record has.
// An answer of no token becomes an answer of one token, because no server returns fewer.
func sized(r Record, prompt, answer int) workload.Call {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(r.Origin))
	return workload.Call{
		ID: strconv.Itoa(r.Line), PromptTokens: prompt, MaxTokens: max(1, answer),
		Answer: workload.Answer{Tokens: answer},
		Prompt: []workload.Part{{Messages: []workload.Message{{
			Role: "user", Blocks: []workload.Block{{Hash: hash.Sum64(), Tokens: max(1, prompt)}},
		}}}},
	}
}
