package foreign

// sglangAdvice is also used for files that turn out to be summaries only when they are read.
const sglangAdvice = "it has no values per request; run SGLang's bench_serving with --output-details"

// sglangDialect is the dialect of SGLang's bench_serving (python -m sglang.bench_serving). It appends a line for each
// run to the file of --output-file; each line is a stage. With --output-details, which came in 0.5, a line has the same
// arrays as a file of vllm.
//
//	backend ("sglang-oai-chat" …), dataset_name, request_rate (Infinity, "trace"), max_concurrency, duration, completed, totals
//	server_info                                                         from 0.5; the server's arguments, among them model_path
//	input_lens, output_lens, ttfts, itls, generated_texts, errors       with --output-details; seconds; a failed request has 0 and []
//
// No version has start times or latencies: a request ends with its last chunk, although the tool's own latency goes on
// to [DONE]. With --disable-stream ttft is the latency of a request, and is read as the latency. With the native
// backend itls has an entry per token: the gap between two chunks is spread over the tokens of the later chunk.
var sglangDialect = dialect{
	advice: sglangAdvice,
	apis: map[string]string{
		"sglang-oai-chat": "chat", "vllm-chat": "chat", "lmdeploy-chat": "chat",
		"sglang-oai": "completion", "vllm": "completion", "lmdeploy": "completion",
	},
	about: func(v *vllmRun, c *cursor) error {
		return c.objectOrNull(func(key string) (err error) {
			switch {
			case key == "model_path" && c.peek() == '"':
				v.model, err = c.text()
			case key == "version" && c.peek() == '"':
				v.version, err = c.text()
			default:
				err = c.skip()
			}
			return err
		})
	},
}
