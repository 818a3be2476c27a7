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

// tokens returns the number of tokens in the value of a field, which is a number or a text of one.
func tokens(value gjson.Result, name string) (int, error) {
	if !given(value) {
		return 0, fmt.Errorf("no %s", name)
	}
	text := strings.TrimSuffix(strings.TrimSpace(value.String()), ".0")
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxTokens {
		return 0, fmt.Errorf("%s must be a whole number up to %d, got %.40q", name, maxTokens, value.String())
	}
	return n, nil
}

// amount returns a number that is not negative.
func amount(value gjson.Result, name string) (float64, error) {
	const most = 1e9
	n, err := strconv.ParseFloat(strings.TrimSpace(plain(value)), 64)
	if err != nil || !(n >= 0 && n <= most) {
		return 0, fmt.Errorf("%s must be a number from 0 to %.0f, got %.40q", name, most, value.String())
	}
	return n, nil
}

// unique returns a hash that no other record has. It is the same on every machine.
func unique(r Record) uint64 {
	return hashOf("record " + strconv.FormatUint(r.number, 10))
}

func hashOf(text string) uint64 {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(text))
	return hash.Sum64()
}

// blocks returns a prompt of n tokens, at least one, that begins with blocks of size tokens by their hashes. The last
// one is cut short. What the hashes do not cover is a text that no other record has.
func blocks(r Record, hashes gjson.Result, n, size int) ([]workload.Block, error) {
	if given(hashes) && !hashes.IsArray() {
		return nil, fmt.Errorf("hash_ids must be a list, got %.40s", hashes.Raw)
	}
	left := max(1, n)
	list := make([]workload.Block, 0, left/size+1)
	for hash := range items(hashes.Raw) {
		length := min(left, size)
		list = append(list, workload.Block{Hash: blockHash(hash), Tokens: length})
		if left -= length; left == 0 {
			break
		}
	}
	if left > 0 {
		list = append(list, workload.Block{Hash: unique(r), Tokens: left})
	}
	return list, nil
}

// blockHash returns the number of a hash, which is one or a text.
func blockHash(hash string) uint64 {
	if n, err := strconv.ParseUint(hash, 10, 64); err == nil {
		return n
	}
	return hashOf(hash)
}

// user returns a prompt of one message.
func user(m workload.Message) []workload.Part {
	m.Role = "user"
	return []workload.Part{{Messages: []workload.Message{m}}}
}

// sized returns a call of which only lengths are known. An answer of no token becomes an answer of one token, because
// no server returns fewer.
func sized(r Record, prompt, answer int) workload.Call {
	return workload.Call{
		PromptTokens: prompt, MaxTokens: max(1, answer), Answer: workload.Answer{Tokens: answer},
		Prompt: user(workload.Message{Blocks: []workload.Block{{Hash: unique(r), Tokens: max(1, prompt)}}}),
	}
}
