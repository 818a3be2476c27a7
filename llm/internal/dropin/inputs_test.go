package dropin

import (
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/config"
)

// Configurations of inference-perf's embeddings and rerank become options of Client and Dataset.
func TestVectorsAndRankingsOfAConfiguration(t *testing.T) {
	t.Parallel()
	const rest = "\nserver: {base_url: 'http://h/p', model_name: m}\n" +
		"load: {base_seed: 7, stages: [{rate: 2, duration: 3}]}\n"
	for _, tt := range []struct {
		api             string
		client, dataset Map
	}{
		{"{type: embeddings, embeddings: {batch_size: 8, dimensions: 256, encoding_format: base64}}",
			Map{"api": "embeddings", "streaming": false, "dimensions": int64(256), "encodingFormat": "base64",
				"baseURL": "http://h/p/v1"}, Map{"batchSize": int64(8)}},
		{"{type: rerank, rerank: {document_count: 1, top_n: 0}}",
			Map{"api": "rerank", "topN": int64(0), "endpoint": nil, "queryField": nil, "baseURL": "http://h/p/v1"},
			Map{"documentCount": int64(1)}},
		{"{type: rerank, rerank: {route: /rerank, query_field: q, documents_field: texts}}",
			Map{"endpoint": "/rerank", "queryField": "q", "documentsField": "texts", "baseURL": "http://h/p"},
			Map{"documentCount": int64(10)}},
		{"{type: chat, rerank: {route: /rerank}}", Map{"endpoint": nil}, Map{"documentCount": nil}},
		{"{type: embeddings}\nreport: {goodput: {constraints: {ttft: 0.5}}}", Map{"slo": nil}, nil},
	} {
		c, err := config.Parse([]byte("api: " + tt.api + rest))
		if err != nil {
			t.Fatal(err)
		}
		o, err := NewOptions(c, "", Found{})
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range tt.client {
			if o.Client[name] != want {
				t.Errorf("%s: Client has %s %v, want %v", tt.api, name, o.Client[name], want)
			}
		}
		for name, want := range tt.dataset {
			if o.Dataset[name] != want {
				t.Errorf("%s: Dataset has %s %v, want %v", tt.api, name, o.Dataset[name], want)
			}
		}
	}
}

func TestConfigurationsOfVectorsRefuse(t *testing.T) {
	t.Parallel()
	for api, want := range map[string]string{
		"{type: embeddings, streaming: true}":                  "api.streaming: must be false: the answers of",
		"{type: rerank, response_format: {type: json_object}}": "api.response_format: must be left out",
		"{type: embeddings, embeddings: {batch_size: 0}}":      "api.embeddings.batch_size: must be",
		"{type: embeddings, embeddings: {batchsize: 2}}":       "batch_size",
	} {
		_, err := config.Parse([]byte("api: " + api + "\nload: {stages: [{rate: 1, duration: 1}]}\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", api, err, want)
		}
	}
}
