package runtest

import (
	"fmt"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// InputLines returns the run of [Lines] with requests of three APIs: those of stage 0 are embeddings of 1 to 4 texts,
// and in stage 1 chats take turns with reranks of 10 documents.
func InputLines() []record.Line {
	lines := Lines()
	for _, line := range lines {
		switch q, ok := line.(*record.Request); {
		case !ok || q.Stage < 0:
		case q.Stage == 0:
			Embeddings(q, 1+q.Index%4)
		case q.Index%2 == 0:
			Rerank(q, 10)
		}
	}
	return lines
}

// Embeddings turns a request into one for the vectors of some texts, of 8 tokens each, which takes 20 ms for each text.
func Embeddings(q *record.Request, texts int64) {
	withInputs(q, record.APIEmbeddings, texts)
	if q.BytesReceived = 0; !q.Failed() {
		q.VectorLength, q.BytesReceived = new(int64(768)), 5000*texts
		q.Usage = fmt.Appendf(nil, `{"prompt_tokens":%d,"total_tokens":%d,"completion_tokens":0}`, 8*texts, 8*texts)
	}
}

// Rerank turns a request into one for the scores of some documents, of 50 tokens each, which takes 20 ms for each.
func Rerank(q *record.Request, documents int64) {
	withInputs(q, record.APIRerank, documents)
	if q.BytesReceived = 0; !q.Failed() {
		q.Scores, q.BytesReceived = new(documents), 60*documents
		q.Usage = fmt.Appendf(nil, `{"total_tokens":%d}`, 50*documents)
	}
}

// withInputs turns a request into one that has inputs and generates no text.
func withInputs(q *record.Request, api string, inputs int64) {
	q.API, q.Streaming, q.FinishReason, q.Inputs = api, false, "", &inputs
	q.Chunks, q.ChunkTokens, q.Reasoning, q.ToolCalls = []int64{}, nil, nil, nil
	q.Prompt, q.Completion, q.MaxTokens, q.PromptAsked, q.Usage = nil, nil, 0, 0, nil
	q.Retries, q.Attempt = 0, 0
	q.End = q.Start + inputs*20_000_000
	q.Connected, q.Written, q.FirstByte = q.Start+50_000, 0, q.End
}
