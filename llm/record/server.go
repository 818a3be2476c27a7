package record

// Names of the figures in a Server line's values. If a page has several series (models, ranks, devices), requests,
// tokens, power, memory and energy are added up, shares and clocks are averaged, and the temperature is the highest.
const (
	ServerRunning            = "running"              // requests in progress
	ServerWaiting            = "waiting"              // requests in the queue
	ServerKVCacheUsage       = "kv_cache_usage"       // 0 to 1
	ServerPreemptions        = "preemptions"          // since the server's start, like those that follow
	ServerRequests           = "requests"             // requests answered to their end
	ServerGivenUp            = "given_up"             // requests ended before that, as of a client that went away
	ServerPromptTokens       = "prompt_tokens"        // processed, or of those requests, as the engine counts
	ServerGenerationTokens   = "generation_tokens"    // generated
	ServerPrefixCacheQueries = "prefix_cache_queries" // tokens looked up
	ServerPrefixCacheHits    = "prefix_cache_hits"    // tokens found
	ServerTTFTSum            = "ttft_seconds_sum"     // sum over ServerTTFTCount requests
	ServerTTFTCount          = "ttft_count"
	// Unix time of the server's start; if there are several processes, of the latest
	ServerProcessStart = "process_start_seconds"

	ServerGPUs           = "gpus"            // devices on the page
	ServerGPUUtilization = "gpu_utilization" // 0 to 1
	ServerGPUMemory      = "gpu_memory_used_bytes"
	ServerGPUPower       = "gpu_power_watts"
	ServerGPUEnergy      = "gpu_energy_joules" // since the driver was loaded
	ServerGPUTemperature = "gpu_temperature_celsius"
	ServerGPUClock       = "gpu_sm_clock_mhz"
)
