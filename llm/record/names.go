package record

// ExecutorName is the name of the k6 executor that keeps to a schedule by itself. It records its dropped arrivals
// itself, each with its number and due instant.
const ExecutorName = "llm-arrival-rate"

// Names of the k6 metrics, which docs/metrics.md defines. The counters of requests and of other events carry record
// lines in the metadata of their samples, under MetadataKey.
const (
	MetricTTFT             = "llm_ttft"
	MetricITL              = "llm_itl"
	MetricTPOT             = "llm_tpot"
	MetricNTPOT            = "llm_ntpot"
	MetricDuration         = "llm_request_duration"
	MetricScheduleDelay    = "llm_schedule_delay"
	MetricPromptTokens     = "llm_prompt_tokens"
	MetricCompletionTokens = "llm_completion_tokens"
	MetricTokensIn         = "llm_tokens_in"
	MetricTokensOut        = "llm_tokens_out"
	MetricRequests         = "llm_requests"
	MetricEvents           = "llm_events"
	MetricFailed           = "llm_request_failed"
	MetricGood             = "llm_good"
	MetricSessionDuration  = "llm_session_duration"
	MetricSessionFailed    = "llm_session_failed"
	MetricFirstAudio       = "llm_time_to_first_audio"
	MetricRealTimeFactor   = "llm_real_time_factor"
	MetricAudioSeconds     = "llm_audio_seconds"

	MetadataKey = "llm_record"
)

// Environment variables of k6 by which the parts of a run speak with each other, and users with them.
const (
	// RunIDEnv sets the run's id, the same for all instances of a distributed run.
	RunIDEnv = "K6_LLM_RUN_ID"
	// OverwriteEnv lets the output replace a record file that exists, if it is "true".
	OverwriteEnv = "K6_LLM_OVERWRITE"
	// StatusEnv sets the interval of the status lines, or turns them off.
	StatusEnv = "K6_LLM_STATUS"
	// OverridesEnv holds the overrides of a configuration, as a JSON list of [key, value]. The command `k6 x llm run`
	// sets it for the k6 that it starts.
	OverridesEnv = "K6_LLM_CONFIG_OVERRIDES"
	// FirstItemEnv belongs to a scenario of one stage. It tells a data set how many items the scenarios before it take.
	FirstItemEnv = "K6_LLM_FIRST_ITEM"
	// SeedEnv belongs to a scenario of one of k6's own executors. It holds the scenario's seed.
	SeedEnv = "K6_LLM_SEED"
)
