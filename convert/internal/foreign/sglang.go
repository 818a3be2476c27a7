package foreign

// sglangAdvice is also for files that turn out to be summaries further on.
const sglangAdvice = "it has no values per request; run SGLang's bench_serving with --output-details"

// sglangDialect is that of SGLang's bench_serving (python -m sglang.bench_serving): a line for each run, put behind
// those that --output-file has already; each is a stage. With --output-details, which came in 0.5, a line has the
// arrays of vllm's.
//
//	backend ("sglang-oai-chat" …), dataset_name, request_rate (Infinity, "trace"), max_concurrency, duration, completed, totals
//	server_info                                                         from 0.5; the server's arguments, with model_path
//	input_lens, output_lens, ttfts, itls, generated_texts, errors       with --output-details; seconds; a failed request has 0 and []
//
// No version has start times or latencies: the end is that of the last chunk, and the tool's own latency goes on to
// [DONE]. With --disable-stream a request's ttft is its latency, and is read as such. Of the native backend itls has
// an entry per token: the gap between two chunks is spread over the tokens of the later one.
var sglangDialect = dialect{
	advice: sglangAdvice,
	apis: map[string]string{
		"sglang-oai-chat": "chat", "vllm-chat": "chat", "lmdeploy-chat": "chat",
		"sglang-oai": "completion", "vllm": "completion", "lmdeploy": "completion",
	},
	about: func(v *vllmRun, c *cursor) error {
		return c.maybe(func(key string) (err error) {
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
